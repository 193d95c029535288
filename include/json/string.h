/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	/* Maximum number of bytes that json_special() writes. */
	JSON_SPECIAL_MAX = 12,
	/* Maximum number of bytes that json_decode_text() or json_encode_char() writes.
	 */
	JSON_TEXT_MAX = 4,
};

/*
 * Prints the part of a JSON string at `in` that cannot be copied unchanged: one escape,
 * one DEL, or several characters that are not ASCII, up to JSON_SPECIAL_MAX bytes. There
 * must be at least one byte in [in, end). json_print() describes how they are printed.
 *
 * Returns the first byte that was not read and sets `ret_len` to the number of bytes
 * written to `out`. On an error it returns NULL and sets `ret_bad` to the wrong byte and
 * `ret_reason` to a short, static description.
 */
const char *json_special(const char *in, const char *end,
	char out[static JSON_SPECIAL_MAX], size_t *ret_len, const char **ret_bad,
	const char **ret_reason);

/*
 * Decodes the first character of [in, end), which are bytes between the quotes of a
 * string and must not be empty. An escape is decoded to the character it denotes.
 * Invalid bytes, invalid escapes and lone surrogates become U+FFFD. Returns the byte
 * after the character.
 */
const char *json_decode_char(const char *in, const char *end, uint32_t *ret_code);

/*
 * Decodes the beginning of [in, end), which are bytes between the quotes of a string and
 * must not be empty, to text: an escape is written as UTF-8, any other byte is copied.
 * `ret_len` is set to the number of bytes written to `out`. Returns the first byte that
 * was not read, or NULL if the text cannot be represented: a NUL, a lone surrogate, or an
 * invalid escape.
 */
const char *json_decode_text(
	const char *in, const char *end, char out[static JSON_TEXT_MAX], size_t *ret_len);

/*
 * Writes a character as UTF-8, at most JSON_TEXT_MAX bytes. Returns a pointer to the byte
 * after the last one written.
 */
char *json_encode_char(char *out, uint32_t code);
