/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

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

/*
 * Makes json_print() find the value of one member of the top-level object, and whether
 * that value is an object with a member `inside` that is not null. Keys are compared byte
 * by byte, without decoding escapes; if a member occurs twice, the last one counts.
 */
struct json_find {
	const char *member;
	const char *inside;
	size_t ret_start; /* offset of the value in the text */
	size_t ret_end;   /* offset of the byte after it; 0: there is no such member */
	bool ret_inside;  /* the value has a member `inside` that is not null */
};

/*
 * Validates that text[0..len) is one JSON value (RFC 8259) and appends it to `out` in the
 * format of `jq .`: indented by two spaces, one value per line, with a final newline.
 * Escapes become UTF-8, except those of control characters, DEL and lone surrogates.
 * Bytes that are not UTF-8 become U+FFFD, as in jq 1.6. Unlike jq it keeps the digits of
 * every number and every member that occurs twice, and rejects everything that RFC 8259
 * does not allow: NaN, +1, 01, or a byte order mark.
 *
 * `cut` may be NULL. Returns 0, -EBADMSG if the text is not JSON (`ret_error` is set), or
 * -EMSGSIZE or -ENOMEM if `out` cannot grow. On failure the length of `out` and `cut` are
 * unchanged. Never blocks; the time is linear in the size of input and output.
 */
int json_print(const char *text, size_t len, struct buf *out, struct json_find *cut,
	struct json_error *ret_error);

/*
 * Validates that text[0..len) is one JSON value (RFC 8259), with the limits of
 * json_print(), without printing it. Returns 0, or -EBADMSG with `ret_error` set.
 */
int json_check(const char *text, size_t len, struct json_error *ret_error);
