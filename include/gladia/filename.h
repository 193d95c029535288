/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Escapes strings of the API so that they can be file names (SEMANTICS 3.6). A name is
 * the string itself, in UTF-8. Only what a name cannot hold is percent-encoded, as %XX
 * for each byte with upper-case hex digits (RFC 3986): `/`, `%`, control characters,
 * characters that change the direction of text, a leading dot, and bytes that are not
 * UTF-8. `also` has further ASCII characters to encode. Every string has exactly one
 * name; no name is "." or "..", contains a slash or is hidden.
 */
enum { FILENAME_BYTES_MAX = 255 }; /* NAME_MAX of limits.h */

/* Ids, keys and values encode a comma as well, because in a path it means "or". */
#define FILENAME_WORD ","

/*
 * Escapes the NUL-terminated `text` and appends `suffix`, which may be "", unescaped.
 * `name` has room for FILENAME_BYTES_MAX + 1 bytes.
 *
 * Returns 0, -EINVAL if `text` is empty, or -ENAMETOOLONG if the name would be too long.
 */
int filename_escape(const char *text, const char *also, const char *suffix,
	char name[static FILENAME_BYTES_MAX + 1]);

/*
 * Escapes as many characters of `text` as fit in `max` bytes of `name`, which has room
 * for one byte more, the NUL. Returns the number of bytes of `text` that are in the name.
 */
size_t filename_escape_part(const char *text, const char *also, size_t max, char *name);

/*
 * Decodes the first `len` bytes of `name` into the NUL-terminated `text`, which has room
 * for FILENAME_BYTES_MAX + 1 bytes. Accepts only names exactly as filename_escape()
 * writes them.
 *
 * Returns 0, or -EINVAL for any other name.
 */
int filename_unescape(const char *name, size_t len, const char *also,
	char text[static FILENAME_BYTES_MAX + 1]);

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
