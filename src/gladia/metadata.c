/* SPDX-License-Identifier: MIT */
#include "gladia/metadata.h"

#include <errno.h>
#include <string.h>
#include <sys/param.h>

#include "base/percent.h"
#include "gladia/job_internal.h"

_Static_assert(2 * METADATA_WORD_MAX + 1 < METADATA_FILTER_MAX,
	"there is room for a key and a value of any length");

/* State of reading a job's custom_metadata. */
struct flat {
	struct buf *text;
	unsigned pairs;
	char key[FILENAME_BYTES_MAX + 1]; /* of the current value, unescaped */
};

static bool metadata_is_plain(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* Writes a key or value, at most FILENAME_BYTES_MAX bytes, as a word. Returns its length.
 */
static size_t metadata_encode(const char *text, char word[static METADATA_WORD_MAX + 1])
{
	char *out = word;

	for (const char *c = text; *c; c++) {
		if (metadata_is_plain(*c) && !(c == text && *c == '.')) {
			*out++ = *c;
			continue;
		}
		out = percent_encode(*c, out);
	}
	*out = '\0';
	return (size_t)(out - word);
}

/*
 * Converts the first `len` bytes of a file name to a word. Returns 0, or -ENOENT if they
 * are not a name that filename_escape() writes.
 */
static int metadata_encode_name(
	const char *name, size_t len, char word[static METADATA_WORD_MAX + 1])
{
	char text[FILENAME_BYTES_MAX + 1];

	if (filename_unescape(name, len, FILENAME_WORD, text))
		return -ENOENT;
	metadata_encode(text, word);
	return 0;
}

int metadata_decode(
	const char *word, size_t len, char text[static FILENAME_BYTES_MAX + 1])
{
	char again[METADATA_WORD_MAX + 1];
	size_t text_len;

	if (percent_decode_text(word, len, text, FILENAME_BYTES_MAX, &text_len) ||
		metadata_encode(text, again) != len || memcmp(again, word, len) != 0)
		return -EINVAL;
	return 0;
}

int metadata_show(const char *word, size_t len, char name[static FILENAME_BYTES_MAX + 1])
{
	char text[FILENAME_BYTES_MAX + 1];

	return metadata_decode(word, len, text) ||
			       filename_escape(text, FILENAME_WORD, "", name)
		       ? -EINVAL
		       : 0;
}

static int metadata_add_pair(struct flat *flat, const char *value)
{
	char name[FILENAME_BYTES_MAX + 1];
	char key_word[METADATA_WORD_MAX + 1];
	char value_word[METADATA_WORD_MAX + 1];

	if (flat->pairs == METADATA_PAIRS_MAX ||
		filename_escape(flat->key, FILENAME_WORD, "", name) ||
		filename_escape(value, FILENAME_WORD, "", name))
		return 0;
	flat->pairs++;
	metadata_encode(flat->key, key_word);
	metadata_encode(value, value_word);
	return buf_printf(flat->text, "%s%s=%s\n", flat->text->len ? "" : "\n", key_word,
		value_word);
}

/*
 * Adds a string with its decoded text, or a number, true, false or null as written in the
 * JSON.
 */
static int metadata_add_scalar(struct flat *flat, struct json_slice value)
{
	char text[FILENAME_BYTES_MAX + 1];
	size_t len = (size_t)(value.end - value.at);

	if (*value.at == '"')
		return job_string_decode(value, sizeof(text), text)
			       ? 0
			       : metadata_add_pair(flat, text);
	if (len >= sizeof(text))
		return 0;
	memcpy(text, value.at, len);
	text[len] = '\0';
	return metadata_add_pair(flat, text);
}

/*
 * Appends a member's name to the key, after a dot if nested. Returns false if it does not
 * fit or is not valid text.
 */
static bool metadata_enter_key(
	struct flat *flat, size_t key_len, bool nested, struct json_slice name)
{
	size_t at = key_len + nested;

	if (nested)
		flat->key[key_len] = '.';
	return !job_string_decode(name, sizeof(flat->key) - at, flat->key + at);
}

static int metadata_add_value(struct flat *flat, struct json_slice value, unsigned depth)
{
	size_t key_len = strlen(flat->key);
	struct json_slice name = {0};
	struct json_slice inner;
	struct json_cursor cursor;
	bool object = *value.at == '{';
	int err = 0;

	if (!object && *value.at != '[')
		return depth ? metadata_add_scalar(flat, value) : 0;
	if (depth == METADATA_DEPTH_MAX || (!object && !depth) ||
		json_cursor_enter(value, *value.at, &cursor))
		return 0;
	while (!err && !json_cursor_next(&cursor, &name, &inner)) {
		if (!object || metadata_enter_key(flat, key_len, depth > 0, name))
			err = metadata_add_value(flat, inner, depth + 1);
		flat->key[key_len] = '\0';
	}
	return err;
}

int metadata_flatten(struct json_slice value, struct buf *text)
{
	struct flat flat = {.text = text};

	buf_reset(text);
	return value.at && metadata_add_value(&flat, value, 0) ? -ENOMEM : 0;
}

bool metadata_next(
	const char *text, size_t len, size_t *at, struct metadata_pair *ret_pair)
{
	size_t start = *at + !*at;

	if (start >= len)
		return false;

	const char *line = text + start;
	const char *end = memchr(line, '\n', len - start);
	const char *sign = end ? memchr(line, '=', (size_t)(end - line)) : NULL;

	if (!sign)
		return false;
	*ret_pair = (struct metadata_pair){
		.key = line,
		.key_len = (size_t)(sign - line),
		.value = sign + 1,
		.value_len = (size_t)(end - sign) - 1,
	};
	*at = (size_t)(end - text) + 1;
	return true;
}

/*
 * Inserts an item of `len` bytes into a sorted list, unless it is there already. `list`
 * has room for `room` bytes, with the NUL.
 *
 * Returns 0, or -ENAMETOOLONG if it does not fit.
 */
static int metadata_list_insert(
	char *list, size_t room, char separator, const char *item, size_t len)
{
	const char separators[] = {separator, '\0'};
	size_t whole = strlen(list);
	char *at = list;

	while (*at) {
		size_t there = strcspn(at, separators);
		int order = strncmp(item, at, MIN(len, there));

		if (!order && len == there)
			return 0;
		if (order < 0 || (!order && len < there))
			break;
		at += there;
		if (!*at)
			break;
		at++;
	}
	if (whole + len + (whole > 0) >= room)
		return -ENAMETOOLONG;

	size_t behind = whole - (size_t)(at - list);
	/* At the end of the list the separator precedes the item. */
	bool last = whole && !behind;

	memmove(at + len + (whole > 0), at, behind + 1);
	memcpy(at + last, item, len);
	if (whole)
		at[last ? 0 : len] = separator;
	if (last || !whole)
		at[len + last] = '\0';
	return 0;
}

/* Returns the first filter without values and its length, or NULL if there is none. */
static const char *metadata_find_open(const char *filters, size_t *ret_len)
{
	for (const char *at = filters; *at; at += *at == '&') {
		size_t len = strcspn(at, "&");

		if (!memchr(at, '=', len)) {
			*ret_len = len;
			return at;
		}
		at += len;
	}
	return NULL;
}

int metadata_open_key(const char *filters, char key[static METADATA_WORD_MAX + 1])
{
	size_t len;
	const char *open = metadata_find_open(filters, &len);

	if (!open || len > METADATA_WORD_MAX)
		return -ENOENT;
	memcpy(key, open, len);
	key[len] = '\0';
	return 0;
}

int metadata_add_key(char filters[static METADATA_FILTER_MAX], const char *name)
{
	char word[METADATA_WORD_MAX + 1];

	if (metadata_encode_name(name, strlen(name), word))
		return -ENOENT;
	return metadata_list_insert(
		filters, METADATA_FILTER_MAX, '&', word, strlen(word));
}

/*
 * Builds "KEY=VALUE,..." from the comma-separated names of one path component.
 *
 * Returns 0, -ENOENT if a value is not a valid name, or -ENAMETOOLONG if it does not fit.
 */
static int metadata_make_filter(
	const char *key, const char *names, char filter[], size_t room)
{
	char name[FILENAME_BYTES_MAX + 1];
	char word[METADATA_WORD_MAX + 1];
	size_t at = strlen(key) + 1;

	if (at >= room)
		return -ENAMETOOLONG;
	memcpy(filter, key, at - 1);
	filter[at - 1] = '=';
	filter[at] = '\0';
	while (filename_next_word(&names, name)) {
		if (metadata_encode_name(name, strlen(name), word))
			return -ENOENT;

		int err = metadata_list_insert(
			filter + at, room - at, ',', word, strlen(word));

		if (err)
			return err;
	}
	return 0;
}

int metadata_add_values(char filters[static METADATA_FILTER_MAX], const char *names)
{
	char made[METADATA_FILTER_MAX] = "";
	char filter[METADATA_FILTER_MAX];
	char key[METADATA_WORD_MAX + 1];
	int err = metadata_open_key(filters, key);

	if (!err)
		err = metadata_make_filter(key, names, filter, sizeof(filter));
	if (!err)
		err = metadata_list_insert(
			made, sizeof(made), '&', filter, strlen(filter));
	for (const char *at = filters; !err && *at; at += *at == '&') {
		size_t len = strcspn(at, "&");

		if (memchr(at, '=', len))
			err = metadata_list_insert(made, sizeof(made), '&', at, len);
		at += len;
	}
	if (!err)
		strcpy(filters, made);
	return err;
}

/* True if the pairs have `key` with `value`, or with any value if that is NULL. */
static bool metadata_holds(const char *text, size_t len, const char *key, size_t key_len,
	const char *value, size_t value_len)
{
	struct metadata_pair pair;
	size_t at = 0;

	while (metadata_next(text, len, &at, &pair)) {
		if (pair.key_len != key_len || memcmp(pair.key, key, key_len) != 0)
			continue;
		if (!value || (pair.value_len == value_len &&
				      memcmp(pair.value, value, value_len) == 0))
			return true;
	}
	return false;
}

/* True if the pairs match one filter of `len` bytes. */
static bool metadata_passes(
	const char *filter, size_t len, const char *text, size_t text_len)
{
	const char *end = filter + len;
	const char *sign = memchr(filter, '=', len);

	if (!sign)
		return metadata_holds(text, text_len, filter, len, NULL, 0);

	size_t key_len = (size_t)(sign - filter);

	for (const char *value = sign + 1; value < end;) {
		const char *comma = memchr(value, ',', (size_t)(end - value));
		const char *stop = comma ? comma : end;

		if (metadata_holds(text, text_len, filter, key_len, value,
			    (size_t)(stop - value)))
			return true;
		value = stop + 1;
	}
	return false;
}

bool metadata_matches(const char *filters, const char *text, size_t len)
{
	for (const char *at = filters; *at; at += *at == '&') {
		size_t filter_len = strcspn(at, "&");

		if (!metadata_passes(at, filter_len, text, len))
			return false;
		at += filter_len;
	}
	return true;
}
