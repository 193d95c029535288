/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Escapes the API's strings so that they can be file names (SEMANTICS 3.6). Bytes other
 * than A-Z a-z 0-9 . _ - and a leading dot become %XX, with upper-case hex digits
 * (percent-encoding, RFC 3986). Every string has exactly one name; no name is "." or
 * "..", contains a slash or is hidden.
 */
enum { FILENAME_BYTES_MAX = 255 }; /* NAME_MAX of limits.h */

/*
 * Escapes the NUL-terminated `text` and appends `suffix`, which may be "", unescaped.
 * `name` has room for FILENAME_BYTES_MAX + 1 bytes.
 *
 * Returns 0, -EINVAL if `text` is empty, or -ENAMETOOLONG if the name would be too long.
 */
int filename_escape(
	const char *text, const char *suffix, char name[static FILENAME_BYTES_MAX + 1]);

/*
 * Decodes the first `len` bytes of `name` into the NUL-terminated `text`, which has room
 * for FILENAME_BYTES_MAX + 1 bytes. Accepts only names exactly as filename_escape()
 * writes them.
 *
 * Returns 0, or -EINVAL for any other name.
 */
int filename_unescape(
	const char *name, size_t len, char text[static FILENAME_BYTES_MAX + 1]);

/*
 * Copies the first of the words that are separated by commas, and moves `words` behind
 * it, or to NULL after the last one. A word that is too long for a name becomes "", which
 * is not a valid word anywhere.
 *
 * Returns false if `words` is NULL.
 */
bool filename_next_word(const char **words, char word[static FILENAME_BYTES_MAX + 1]);

/*
 * True if `text` is a UUID in lower case (RFC 9562): groups of 8, 4, 4, 4 and 12 hex
 * digits.
 */
bool filename_is_uuid(const char *text);
