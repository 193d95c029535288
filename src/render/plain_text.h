/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "json/cursor.h"

/*
 * Decodes strings of the API to text. `string` is what is between the quotes of a JSON
 * string (json_string_body()); an absent one counts as empty.
 */
enum plain_text_form {
	/* Keeps line breaks and tabs; other control characters become U+FFFD. */
	PLAIN_TEXT_LINES,
	/*
	 * Makes a single line: each run of spaces, control characters and line separators
	 * becomes one space, and none remains at the start or end.
	 */
	PLAIN_TEXT_LINE,
	/* Makes a single line in which the arrow between the times of a cue is "-- >". */
	PLAIN_TEXT_CUE,
	/* Makes a single line, escaped for WebVTT. */
	PLAIN_TEXT_VTT,
};

/*
 * Appends the text of a string. Returns 0, -EMSGSIZE if `out` would become too large, or
 * -ENOMEM.
 */
int plain_text_add(struct buf *out, struct json_slice string, enum plain_text_form form);

/*
 * True for spaces, control characters, and Unicode's line and paragraph separators. All
 * other characters count as visible.
 */
bool plain_text_is_blank_char(uint32_t code);

/* Returns the number of characters that are visible. */
size_t plain_text_count(struct json_slice string);

/* True if the string has no visible characters. */
bool plain_text_is_blank(struct json_slice string);
