/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The forms of numbers that options take. */
enum option_number_form {
	OPTION_NUMBER_DECIMAL,
	OPTION_NUMBER_OCTAL,
	OPTION_NUMBER_SECONDS, /* with s, m, h or d: seconds, minutes, hours, days */
	/* Bytes, with K, M, G or T, also as KiB or KB: powers of 1024. */
	OPTION_NUMBER_SIZE,
};

/*
 * Parses a number. Returns false if `text` has another form or the number is too large
 * for 64 bits; `ret_number` is then unchanged.
 */
bool option_number_parse(
	const char *text, enum option_number_form form, uint64_t *ret_number);
