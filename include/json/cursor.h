/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * A cursor over the members of an object or the elements of an array. It skips each value
 * without parsing it, so the text should have been validated by json_print() or
 * json_check(). With any other text the cursor stays within the given bytes, but its
 * results are meaningless.
 */

/* The bytes [at, end) of one value, not copied; `at` is NULL if the value is absent. */
struct json_slice {
	const char *at;
	const char *end;
};

/* A position between two members of an object or two elements of an array. */
struct json_cursor {
	struct json_slice rest;
	char close;
	bool begun;
};

/*
 * Places the cursor in front of the first member of an object (`open` is '{') or the
 * first element of an array ('['). Returns 0, or -EBADMSG if the value is absent or of
 * another type.
 */
int json_cursor_enter(struct json_slice value, char open, struct json_cursor *ret_cursor);

/*
 * Reads the next value and, in an object, its key: a string including the quotes.
 * `ret_key` may be NULL; in an array it is not changed. Returns 0, -ENODATA at the end,
 * or -EBADMSG if the text is not JSON. After a failure the key may be set.
 */
int json_cursor_next(struct json_cursor *cursor, struct json_slice *ret_key,
	struct json_slice *ret_value);

/*
 * Reads the next value and finds several of its members like json_members(), in one pass.
 * They are absent if it is not an object. Returns what json_cursor_next() returns.
 */
int json_cursor_next_members(struct json_cursor *cursor, const char *const *keys,
	size_t count, struct json_slice *ret_values);

/*
 * Finds the values of several members of an object in one pass. Escapes in its keys are
 * decoded; if a member occurs twice, the last one counts, as in jq and json_print(). A
 * value is absent if there is no such member.
 *
 * Returns 0, or -EBADMSG if `object` is not an object or not JSON. Then the values are
 * those before the error.
 */
int json_members(struct json_slice object, const char *const *keys, size_t count,
	struct json_slice *ret_values);

/*
 * Finds members like json_members(), but those of an object inside `object`: `path` has
 * the keys that lead to it, and a NULL after the last one. They are absent if there is no
 * such object. This is one pass, too.
 */
int json_members_at(struct json_slice object, const char *const *path,
	const char *const *keys, size_t count, struct json_slice *ret_values);

/*
 * Finds the value of one member of an object, as json_members() does for several. The
 * result is absent if there is no such member or `object` is not an object.
 */
struct json_slice json_member(struct json_slice object, const char *key);

/* Returns the number of bytes of a value, or 0 if it is absent. */
static inline size_t json_length(struct json_slice piece)
{
	return piece.at ? (size_t)(piece.end - piece.at) : 0;
}

/* True if the value is present and consists of exactly these bytes. */
bool json_is(struct json_slice piece, const char *bytes);

/* Returns the bytes between a string's quotes; absent if the value is not a string. */
struct json_slice json_string_body(struct json_slice string);
