/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/* Percent-encoding (RFC 3986, section 2.1): a byte is "%" and two hex digits. */
enum { PERCENT_LEN = 3 };

/* Writes a byte with upper-case hex digits, without a NUL. Returns the end of it. */
char *percent_encode(char byte, char out[static PERCENT_LEN]);

/*
 * Returns the byte (0 to 255) that is encoded at the beginning of `text`, which has `len`
 * bytes, with hex digits in either case; or -1 if none is.
 */
int percent_decode(const char *text, size_t len);

/*
 * Decodes a text of `len` bytes, and ends it with a NUL; `out` has room for `max` bytes
 * and the NUL. Returns 0 and the number of bytes, or -EINVAL if they are more, or if a
 * "%" encodes no byte; then `out` may have been written to.
 */
int percent_decode_text(
	const char *text, size_t len, char *out, size_t max, size_t *ret_len);
