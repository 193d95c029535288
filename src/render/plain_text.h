/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "json/cursor.h"

/*
 * Decodes strings of the API to text. `string` is what is between the quotes of a JSON
 * string (json_inside()); an absent one counts as empty.
 */
enum words_form {
	/* Keeps line breaks and tabs; other control characters become U+FFFD. */
	WORDS_LINES,
	/*
	 * Makes a single line: each run of spaces, control characters and line separators
	 * becomes one space, and none remains at the start or end.
	 */
	WORDS_LINE,
	/* Makes a single line, without the arrow that separates the times of a cue. */
	WORDS_SRT,
	/* Makes a single line, escaped for WebVTT. */
	WORDS_VTT,
};

/*
 * Appends the text of a string. Returns 0, -EMSGSIZE if `out` would become too large, or
 * -ENOMEM.
 */
int words_add(struct buf *out, struct json_piece string, enum words_form form);

/* True if the string has no visible characters. */
bool words_are_blank(struct json_piece string);
