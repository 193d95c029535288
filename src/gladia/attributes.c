/* SPDX-License-Identifier: MIT */
#include "gladia/attributes.h"

#include <errno.h>
#include <string.h>

#include "json/string.h"

/*
 * Relies on json_print()'s layout: each member has its own line, indented by two spaces,
 * or by four inside "file", and strings contain no line breaks.
 *
 *     {
 *       "status": "done",
 *       "file": {
 *         "filename": "a.mp3"
 *       },
 *       "custom_metadata": {
 *         ...
 *       },
 */

static const struct {
	const char *name;
	bool of_file;
} rows[JOB_ATTRIBUTES] = {
	{"id", false},
	{"request_id", false},
	{"kind", false},
	{"status", false},
	{"created_at", false},
	{"completed_at", false},
	{"error_code", false},
	{"custom_metadata", false},
	{"filename", true},
	{"source", true},
	{"audio_duration", true},
	{"number_of_channels", true},
};

/* A range of bytes of the text. */
struct part {
	const char *at;
	size_t len;
};

const char *job_attribute_name(int fact)
{
	return rows[fact].name;
}

int job_attribute_find(const char *name)
{
	for (int i = 0; i < JOB_ATTRIBUTES; i++)
		if (strcmp(rows[i].name, name) == 0)
			return i;
	return -1;
}

bool job_attribute_is_there(const struct job_attributes *facts, int fact)
{
	return facts->has & 1U << fact;
}

void job_attributes_init(struct job_attributes *facts)
{
	*facts = (struct job_attributes){.collecting = -1};
	buf_init(&facts->line, JOB_ATTRIBUTE_MAX);
	for (int i = 0; i < JOB_ATTRIBUTES; i++)
		buf_init(&facts->values[i], JOB_ATTRIBUTE_MAX);
}

void job_attributes_done(struct job_attributes *facts)
{
	buf_done(&facts->line);
	for (int i = 0; i < JOB_ATTRIBUTES; i++)
		buf_done(&facts->values[i]);
}

static bool attributes_is(struct part part, const char *text)
{
	return part.len == strlen(text) && memcmp(part.at, text, part.len) == 0;
}

static size_t attributes_indent_of(struct part line)
{
	size_t spaces = 0;

	while (spaces < line.len && line.at[spaces] == ' ')
		spaces++;
	return spaces;
}

/* Splits `"key": value,` without its indent. Returns false if it is not a member. */
static bool attributes_split(
	struct part line, struct part *ret_key, struct part *ret_value)
{
	size_t end = 1;

	if (!line.len || line.at[0] != '"')
		return false;
	while (end < line.len && line.at[end] != '"')
		end += line.at[end] == '\\' ? 2 : 1;
	if (end + 3 > line.len || memcmp(line.at + end, "\": ", 3) != 0)
		return false;
	*ret_key = (struct part){line.at + 1, end - 1};
	*ret_value = (struct part){line.at + end + 3, line.len - end - 3};
	if (ret_value->len && ret_value->at[ret_value->len - 1] == ',')
		ret_value->len--;
	return ret_value->len > 0;
}

/*
 * Decodes a string. One that cannot be decoded (it has a NUL or a lone surrogate) is
 * appended with its escapes.
 */
static int attributes_append_string(struct part string, struct buf *value)
{
	const char *in = string.at + 1;
	const char *end = string.at + string.len - 1;
	char part[JSON_TEXT_MAX];
	size_t len;
	int err = 0;

	if (!memchr(in, '\\', string.len - 2))
		return buf_append(value, in, string.len - 2);
	while (!err && in && in < end) {
		in = json_decode_text(in, end, part, &len);
		if (in)
			err = buf_append(value, part, len);
	}
	if (in)
		return err;
	buf_reset(value);
	return buf_append(value, string.at + 1, string.len - 2);
}

/*
 * Handles `err` of appending to an attribute: if the value is too long (-EMSGSIZE), the
 * attribute is left out. Returns 0 or -ENOMEM.
 */
static int attributes_settle(struct job_attributes *facts, int fact, int err)
{
	if (err == -ENOMEM)
		return err;
	if (err)
		facts->has &= ~(1U << fact);
	return 0;
}

static int attributes_note_value(
	struct job_attributes *facts, int fact, struct part value)
{
	struct buf *out = &facts->values[fact];
	bool string = value.len >= 2 && value.at[0] == '"' &&
		      value.at[value.len - 1] == '"';
	int err;

	buf_reset(out);
	facts->has &= ~(1U << fact);
	if (attributes_is(value, "null") || facts->cut)
		return 0;
	facts->has |= 1U << fact;
	if (attributes_is(value, "{") || attributes_is(value, "["))
		facts->collecting = fact;
	err = string ? attributes_append_string(value, out)
		     : buf_append(out, value.at, value.len);
	return attributes_settle(facts, fact, err);
}

/*
 * Appends a line of the object or array that is being read. Its last line has the same
 * indent as its member.
 */
static int attributes_collect(struct job_attributes *facts, struct part line)
{
	size_t indent = attributes_indent_of(line);
	int fact = facts->collecting;
	size_t member = rows[fact].of_file ? 4 : 2;
	struct part rest = {line.at + indent, line.len - indent};
	int err = facts->cut ? -EMSGSIZE : 0;

	if (indent <= member) {
		facts->collecting = -1;
		if (rest.len && rest.at[rest.len - 1] == ',')
			rest.len--;
	}
	if (!err && job_attribute_is_there(facts, fact))
		err = buf_append(&facts->values[fact], rest.at, rest.len);
	return attributes_settle(facts, fact, err);
}

static int attributes_take_line(struct job_attributes *facts)
{
	struct part line = {facts->line.data, facts->line.len};
	size_t indent = attributes_indent_of(line);
	struct part key;
	struct part value;

	if (facts->collecting >= 0)
		return attributes_collect(facts, line);
	if (indent <= 2)
		facts->within_file = false;
	if ((indent != 2 && !(indent == 4 && facts->within_file)) ||
		!attributes_split(
			(struct part){line.at + indent, line.len - indent}, &key, &value))
		return 0;
	if (indent == 2 && attributes_is(key, "file"))
		facts->within_file = attributes_is(value, "{");
	for (int i = 0; i < JOB_ATTRIBUTES; i++)
		if (rows[i].of_file == (indent == 4) && attributes_is(key, rows[i].name))
			return attributes_note_value(facts, i, value);
	return 0;
}

int job_attributes_feed(struct job_attributes *facts, const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t part = end ? (size_t)(end - text) : len;
		int err = facts->cut ? 0 : buf_append(&facts->line, text, part);

		if (err == -ENOMEM)
			return err;
		facts->cut = facts->cut || err;
		text += part;
		len -= part;
		if (!end)
			continue;
		err = attributes_take_line(facts);
		buf_reset(&facts->line);
		facts->cut = false;
		text++;
		len--;
		if (err)
			return err;
	}
	return 0;
}
