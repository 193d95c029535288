/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Strings of the API as names in a directory (SPEC 3.6). Bytes other than
 * A-Z a-z 0-9 . _ - and a dot in front become %XX (RFC 3986's percent-encoding, hex
 * digits in capitals), so that every string has exactly one name and no name is "." or
 * "..", holds a slash, or hides.
 */
enum { NAME_BYTES_MAX = 255 }; /* NAME_MAX of limits.h */

/*
 * Escapes the NUL-terminated `text`, adds `suffix` (may be "") unescaped. `name` has room
 * for NAME_BYTES_MAX + 1. 0; -EINVAL for an empty text; -ENAMETOOLONG.
 */
int name_escape(
	const char *text, const char *suffix, char name[static NAME_BYTES_MAX + 1]);

/*
 * The string that `len` bytes of a name stand for; only the spelling name_escape() gives
 * is accepted. `text` has room for NAME_BYTES_MAX + 1. 0 or -EINVAL.
 */
int name_unescape(const char *name, size_t len, char text[static NAME_BYTES_MAX + 1]);

/* Eight-four-four-four-twelve lower-case hex digits (RFC 9562). */
bool name_is_uuid(const char *text);
