/* SPDX-License-Identifier: MIT */
#include "json/cursor.h"

#include <errno.h>
#include <string.h>

#include "json/scan.h"
#include "json/string.h"
#include "json/value_end.h"

static bool cursor_take_char(struct json_slice *text, char wanted)
{
	text->at = scan_space(text->at, text->end);
	if (text->at == text->end || *text->at != wanted)
		return false;
	text->at++;
	return true;
}

static bool cursor_take_value(struct json_slice *text, struct json_slice *ret_value)
{
	struct json_value_end extent;

	text->at = scan_space(text->at, text->end);
	if (text->at == text->end || !json_value_end_begins(*text->at))
		return false;
	json_value_end_begin(&extent, *text->at);

	const char *end = json_value_end_find(&extent, text->at, text->end);

	if (!end)
		return false;
	*ret_value = (struct json_slice){text->at, end};
	text->at = end;
	return true;
}

int json_cursor_enter(struct json_slice value, char open, struct json_cursor *ret_cursor)
{
	if (!value.at || !cursor_take_char(&value, open))
		return -EBADMSG;
	*ret_cursor = (struct json_cursor){
		.rest = value, .close = open == '{' ? '}' : ']'};
	return 0;
}

/*
 * Places the cursor in front of the next value. In an object, reads its key. Returns 0,
 * -ENODATA at the end, or -EBADMSG.
 */
static int cursor_begin_value(struct json_cursor *cursor, struct json_slice *ret_key)
{
	if (cursor_take_char(&cursor->rest, cursor->close))
		return -ENODATA;
	if (cursor->begun && !cursor_take_char(&cursor->rest, ','))
		return -EBADMSG;
	cursor->begun = true;
	if (cursor->close == '}' && (!cursor_take_value(&cursor->rest, ret_key) ||
					    !cursor_take_char(&cursor->rest, ':')))
		return -EBADMSG;
	return 0;
}

int json_cursor_next(struct json_cursor *cursor, struct json_slice *ret_key,
	struct json_slice *ret_value)
{
	struct json_slice key;
	int err = cursor_begin_value(cursor, ret_key ? ret_key : &key);

	if (err)
		return err;
	return cursor_take_value(&cursor->rest, ret_value) ? 0 : -EBADMSG;
}

bool json_is(struct json_slice piece, const char *bytes)
{
	size_t len = strlen(bytes);

	return piece.at && json_length(piece) == len && memcmp(piece.at, bytes, len) == 0;
}

/* True if the bytes between a key's quotes, decoded, are `name`. */
static bool cursor_key_is(struct json_slice key, const char *name)
{
	const char *in = key.at;

	while (in < key.end) {
		char part[JSON_TEXT_MAX];
		size_t len;

		if (*in != '\\') {
			if (!*name || *in++ != *name++)
				return false;
			continue;
		}
		in = json_decode_text(in, key.end, part, &len);
		if (!in || strncmp(name, part, len) != 0)
			return false;
		name += len;
	}
	return !*name;
}

/* The path to the members of the value itself. */
static const char *const cursor_here[] = {NULL};

/*
 * Finds members of the object at the beginning of `text` like json_members_at(), and
 * moves the beginning behind it. Returns 0, or -EBADMSG if it is not an object or not
 * JSON; then `text` is unchanged.
 */
static int cursor_take_members(struct json_slice *text, const char *const *path,
	const char *const *keys, size_t count, struct json_slice *ret_values)
{
	struct json_slice key = {0};
	struct json_slice value;
	struct json_cursor cursor;
	int err = json_cursor_enter(*text, '{', &cursor);

	memset(ret_values, 0, count * sizeof(*ret_values));
	while (!err && !(err = cursor_begin_value(&cursor, &key))) {
		struct json_slice name = json_string_body(key);

		if (*path && cursor_key_is(name, *path) &&
			!cursor_take_members(
				&cursor.rest, path + 1, keys, count, ret_values))
			continue;
		if (!cursor_take_value(&cursor.rest, &value))
			return -EBADMSG;
		for (size_t i = 0; !*path && i < count; i++)
			if (cursor_key_is(name, keys[i]))
				ret_values[i] = value;
	}
	if (err != -ENODATA)
		return err;
	*text = cursor.rest;
	return 0;
}

int json_members(struct json_slice object, const char *const *keys, size_t count,
	struct json_slice *ret_values)
{
	return cursor_take_members(&object, cursor_here, keys, count, ret_values);
}

int json_members_at(struct json_slice object, const char *const *path,
	const char *const *keys, size_t count, struct json_slice *ret_values)
{
	return cursor_take_members(&object, path, keys, count, ret_values);
}

int json_cursor_next_members(struct json_cursor *cursor, const char *const *keys,
	size_t count, struct json_slice *ret_values)
{
	struct json_slice other;
	int err = cursor_begin_value(cursor, &other);

	if (err ||
		!cursor_take_members(&cursor->rest, cursor_here, keys, count, ret_values))
		return err;
	return cursor_take_value(&cursor->rest, &other) ? 0 : -EBADMSG;
}

struct json_slice json_member(struct json_slice object, const char *key)
{
	struct json_slice value;

	json_members(object, &key, 1, &value);
	return value;
}

struct json_slice json_string_body(struct json_slice string)
{
	if (!string.at || *string.at != '"' || string.end - string.at < 2)
		return (struct json_slice){0};
	return (struct json_slice){string.at + 1, string.end - 1};
}
