/* SPDX-License-Identifier: MIT */
#include "json/cursor.h"

#include <errno.h>
#include <string.h>

#include "json/scan.h"
#include "json/value_end.h"

static bool take_char(struct json_piece *text, char wanted)
{
	text->at = scan_space(text->at, text->end);
	if (text->at == text->end || *text->at != wanted)
		return false;
	text->at++;
	return true;
}

static bool take_value(struct json_piece *text, struct json_piece *ret_value)
{
	struct json_extent extent;

	text->at = scan_space(text->at, text->end);
	if (text->at == text->end || !json_extent_begins(*text->at))
		return false;
	json_extent_begin(&extent, *text->at);

	const char *end = json_extent_find(&extent, text->at, text->end);

	if (!end)
		return false;
	*ret_value = (struct json_piece){text->at, end};
	text->at = end;
	return true;
}

int json_walk_into(struct json_piece value, char open, struct json_walk *ret_walk)
{
	if (!value.at || !take_char(&value, open))
		return -EBADMSG;
	*ret_walk = (struct json_walk){.rest = value, .close = open == '{' ? '}' : ']'};
	return 0;
}

int json_walk_next(
	struct json_walk *walk, struct json_piece *ret_key, struct json_piece *ret_value)
{
	struct json_piece key = {0};
	struct json_piece value;

	if (take_char(&walk->rest, walk->close))
		return -ENODATA;
	if (walk->begun && !take_char(&walk->rest, ','))
		return -EBADMSG;
	walk->begun = true;
	if (walk->close == '}' &&
		(!take_value(&walk->rest, &key) || !take_char(&walk->rest, ':')))
		return -EBADMSG;
	if (!take_value(&walk->rest, &value))
		return -EBADMSG;
	if (ret_key && key.at)
		*ret_key = key;
	*ret_value = value;
	return 0;
}

bool json_is(struct json_piece piece, const char *bytes)
{
	size_t len = strlen(bytes);

	return piece.at && json_length(piece) == len && memcmp(piece.at, bytes, len) == 0;
}

void json_members(struct json_piece object, const char *const *keys, size_t count,
	struct json_piece *ret_values)
{
	struct json_piece key = {0};
	struct json_piece value;
	struct json_walk walk;

	memset(ret_values, 0, count * sizeof(*ret_values));
	if (json_walk_into(object, '{', &walk))
		return;
	while (!json_walk_next(&walk, &key, &value)) {
		struct json_piece name = json_inside(key);

		for (size_t i = 0; i < count; i++)
			if (json_is(name, keys[i]))
				ret_values[i] = value;
	}
}

struct json_piece json_member(struct json_piece object, const char *key)
{
	struct json_piece value;

	json_members(object, &key, 1, &value);
	return value;
}

struct json_piece json_inside(struct json_piece string)
{
	if (!string.at || *string.at != '"' || string.end - string.at < 2)
		return (struct json_piece){0};
	return (struct json_piece){string.at + 1, string.end - 1};
}
