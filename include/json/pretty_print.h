/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "json/cursor.h"

/*
 * Maximum nesting depth of a text. RFC 8259, section 9, permits a limit; cJSON has the
 * same one.
 */
enum { JSON_DEPTH_MAX = 1000 };

/* Why a text is not JSON: the byte offset of the error and a short static description. */
struct json_error {
	size_t offset;
	const char *reason;
};

/* Maximum number of containers around a member that json_print() can find. */
enum { JSON_FIND_DEPTH_MAX = 8 };

/*
 * A member that json_print() finds. Rules form a tree in an array, in which rule 0 is the
 * text itself: rules[first] to rules[first + count - 1] are the members to find within
 * the value, if that is an object.
 */
struct json_rule {
	const char *key; /* compared byte by byte, without decoding escapes */
	unsigned char key_len;
	unsigned char first;
	unsigned char count;
	bool each; /* the members are those of each object in the value, an array */
};

/* Initializes the key of a rule. */
#define JSON_KEY(name) (name), sizeof(name) - 1

/*
 * Makes json_print() call on_value() for each member that has a rule, when the member's
 * value ends: for members of a value before the value itself. `value` points into the
 * text, and `elements` is their number if the value is an array whose rule has no
 * members, else 0. If the text turns out not to be JSON later, there were calls
 * nevertheless.
 */
struct json_find {
	const struct json_rule *rules;
	void (*on_value)(
		void *ctx, unsigned rule, struct json_slice value, size_t elements);
	void *ctx;
};

/*
 * Validates that text[0..len) is one JSON value (RFC 8259) and appends it to `out` in the
 * format of `jq .`: indented by two spaces, one value per line, with a final newline.
 * Escapes become UTF-8, except those of control characters, DEL and lone surrogates.
 * Bytes that are not UTF-8 become U+FFFD, as in jq 1.6. Unlike jq it keeps the digits of
 * every number and every member that occurs twice, and rejects everything that RFC 8259
 * does not allow: NaN, +1, 01, or a byte order mark.
 *
 * `find` may be NULL. Returns 0, -EBADMSG if the text is not JSON (`ret_error` is set),
 * or -EMSGSIZE or -ENOMEM if `out` cannot grow. On failure the length of `out` is
 * unchanged. Never blocks; the time is linear in the size of input and output.
 */
int json_print(const char *text, size_t len, struct buf *out,
	const struct json_find *find, struct json_error *ret_error);

/*
 * Validates that text[0..len) is one JSON value (RFC 8259), with the limits of
 * json_print(), without printing it. Returns 0, or -EBADMSG with `ret_error` set.
 */
int json_check(const char *text, size_t len, struct json_error *ret_error);

/*
 * Validates like json_check() and finds members like json_print(). Returns 0, or -EBADMSG
 * with `ret_error` set.
 */
int json_find(const char *text, size_t len, const struct json_find *find,
	struct json_error *ret_error);
