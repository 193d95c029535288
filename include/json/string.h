/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	/* What json_special() writes at most: an escape, or some characters of UTF-8. */
	JSON_SPECIAL_MAX = 12,
	/* What json_take_text() writes at most. */
	JSON_TEXT_MAX = 4,
};

/*
 * Prints what stands at [in, end) in a string and cannot be copied as it is: an escape,
 * DEL, or bytes from 0x80 on (as many characters in a row as come to at most
 * JSON_SPECIAL_MAX bytes). json_print() says what becomes of them.
 *
 * Gives the first byte not read, with `*ret_len` bytes written to `out`; or NULL, with
 * the byte that is wrong and half a sentence why.
 */
const char *json_special(const char *in, const char *end,
	char out[static JSON_SPECIAL_MAX], size_t *ret_len, const char **ret_bad,
	const char **ret_reason);

/*
 * Reads the character that [in, end), the inside of a string, begins with; an escape is
 * the character it means. What is none (a lone surrogate, bytes that are not UTF-8) is
 * U+FFFD. Gives the byte behind it.
 */
const char *json_take_code(const char *in, const char *end, uint32_t *ret_code);

/*
 * Writes what [in, end) begins with as text: the character an escape means, else a byte
 * as it is. Gives what is behind it, or NULL for what no text can hold: a NUL, a lone
 * surrogate, what is no escape.
 */
const char *json_take_text(
	const char *in, const char *end, char out[static JSON_TEXT_MAX], size_t *ret_len);

/* Writes a character as UTF-8: up to four bytes. Gives the byte behind them. */
char *json_put_code(char *out, uint32_t code);
