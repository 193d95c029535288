/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Deeper nesting is refused (RFC 8259, section 9, allows a limit; cJSON has the same). */
enum { JSON_DEPTH_MAX = 1000 };

/* Why and where a text is not JSON: a byte offset into it, and half a sentence. */
struct json_error {
	size_t offset;
	const char *reason;
};

/*
 * Asks json_print() about one member of the top-level object: where its value stands in
 * the text, and whether that value is an object with a member `inside` that is not null.
 * Keys are compared as they are spelled; of members that occur twice the last counts.
 */
struct json_cut {
	const char *member;
	const char *inside;
	size_t ret_start;
	size_t ret_end; /* one past the value's last byte; 0: there is no such member */
	bool ret_inside;
};

/*
 * Checks that text[0..len) is one JSON value (RFC 8259) and appends it to `out` as
 * `jq .` prints it (jq's manual, "Invoking jq"): two spaces, one value a line, a final
 * newline. Other than jq it keeps the digits of every number and a member that occurs
 * twice. Escapes become UTF-8, but those of control characters (and DEL) and of lone
 * surrogates stay escapes; bytes that are not UTF-8 become U+FFFD, as jq 1.6 does. Other
 * than jq it refuses what RFC 8259 does not know: NaN, +1, 01, a byte order mark.
 *
 * `cut` may be NULL. 0; -EBADMSG with `ret_error` set where the text is not JSON;
 * -EMSGSIZE or -ENOMEM from `out`. On failure `out` has its old length, and `cut` is as
 * it was. Never waits, and takes time for what it reads and prints, no more.
 */
int json_print(const char *text, size_t len, struct buf *out, struct json_cut *cut,
	struct json_error *ret_error);

/* Checks as json_print() does and prints nothing: 0, or -EBADMSG with `ret_error` set. */
int json_check(const char *text, size_t len, struct json_error *ret_error);
