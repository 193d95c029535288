/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Walks through a JSON text that was checked before (json_print()), value by value, and
 * looks into none that nobody asks for. In a text nobody checked it stays within the
 * bytes it was given, and finds something or an error.
 */

/* The bytes of one value; `at` is NULL for a value that is not there. */
struct json_piece {
	const char *at;
	const char *end;
};

/* Between two members of an object, or two elements of an array. */
struct json_walk {
	struct json_piece rest;
	char close;
	bool begun;
};

/* Goes into an object ('{') or an array ('['). 0, or -EBADMSG where it is none. */
int json_walk_into(struct json_piece value, char open, struct json_walk *ret_walk);

/*
 * The next value; in an object with its key, a string with its quotes (`ret_key` may be
 * NULL, and is not touched in an array). 0; -ENODATA at the end; -EBADMSG where this is
 * no JSON.
 */
int json_walk_next(
	struct json_walk *walk, struct json_piece *ret_key, struct json_piece *ret_value);

/*
 * The values of an object's members `keys`, in one walk. Keys are compared as they are
 * spelled; of members that occur twice the last counts. Without such a member, or where
 * it is no object, the value is not there.
 */
void json_members(struct json_piece object, const char *const *keys, size_t count,
	struct json_piece *ret_values);

/* The value of one member. */
struct json_piece json_member(struct json_piece object, const char *key);

/* Bytes of a value; 0 where it is not there. */
static inline size_t json_length(struct json_piece piece)
{
	return piece.at ? (size_t)(piece.end - piece.at) : 0;
}

/* Is it there, and these very bytes? */
bool json_is(struct json_piece piece, const char *bytes);

/* What is within a string's quotes; not there where it is no string. */
struct json_piece json_inside(struct json_piece string);
