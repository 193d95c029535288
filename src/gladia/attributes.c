/* SPDX-License-Identifier: MIT */
#include "gladia/attributes.h"

#include <errno.h>
#include <string.h>

#include "json/string.h"

enum { OF_JOB = 8, OF_FILE = JOB_ATTRIBUTES_IN_TEXT - OF_JOB };

/* Members of the job, then members of its "file", then facts. */
static const char *const names[JOB_ATTRIBUTES] = {
	"id",
	"request_id",
	"kind",
	"status",
	"created_at",
	"completed_at",
	"error_code",
	"custom_metadata",
	"filename",
	"source",
	"audio_duration",
	"number_of_channels",
	"billing_time",
	"language",
	"speakers",
};

static const enum job_fact facts[JOB_ATTRIBUTES - JOB_ATTRIBUTES_IN_TEXT] = {
	JOB_BILLING_TIME,
	JOB_LANGUAGES,
	JOB_SPEAKERS,
};

enum job_fact job_attribute_fact(int attribute)
{
	return facts[attribute - JOB_ATTRIBUTES_IN_TEXT];
}

const char *job_attribute_name(int attribute)
{
	return names[attribute];
}

int job_attribute_find(const char *name)
{
	for (int i = 0; i < JOB_ATTRIBUTES; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

void job_attributes_read(const char *text, size_t len,
	struct json_slice ret_values[static JOB_ATTRIBUTES_IN_TEXT])
{
	const struct json_slice job = {text, text + len};

	json_members(job, names, OF_JOB, ret_values);
	json_members(
		json_member(job, "file"), names + OF_JOB, OF_FILE, ret_values + OF_JOB);
}

/*
 * Decodes a string. One that cannot be decoded (it has a NUL or a lone surrogate) is
 * appended with its escapes.
 */
static int attributes_print_string(struct json_slice body, struct buf *out)
{
	const char *in = body.at;
	char part[JSON_TEXT_MAX];
	size_t len;
	int err = 0;

	while (!err && in && in < body.end) {
		in = json_decode_text(in, body.end, part, &len);
		if (in)
			err = buf_append(out, part, len);
	}
	if (in)
		return err;
	buf_reset(out);
	return buf_append(out, body.at, json_length(body));
}

/* Appends a value on one line. Strings have no line breaks (json_print()). */
static int attributes_print_line(struct json_slice value, struct buf *out)
{
	int err = 0;

	for (const char *at = value.at; !err && at < value.end;) {
		const char *end = memchr(at, '\n', (size_t)(value.end - at));

		if (!end)
			end = value.end;
		err = buf_append(out, at, (size_t)(end - at));
		for (at = end; at < value.end && (*at == '\n' || *at == ' ');)
			at++;
	}
	return err;
}

int job_attribute_print(struct json_slice value, struct buf *out)
{
	struct json_slice body = json_string_body(value);
	int err;

	if (!value.at || json_is(value, "null"))
		return -ENODATA;
	buf_init(out, JOB_ATTRIBUTE_MAX);
	err = body.at ? attributes_print_string(body, out)
		      : attributes_print_line(value, out);
	if (err)
		buf_done(out);
	return err == -EMSGSIZE ? -ENODATA : err;
}
