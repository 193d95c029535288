/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "json/cursor.h"

/*
 * Strings of the API as text. `string` is the inside of a JSON string (json_inside()), or
 * not there, which is like empty.
 */
enum words_form {
	/* Lines as they are; other controls, which no text should hold, are U+FFFD. */
	WORDS_LINES,
	/*
	 * One line, for all that a program could take for the end of one is a space.
	 * None stand at its ends, and no two together.
	 */
	WORDS_LINE,
	WORDS_SRT, /* ... without the arrow that stands between a cue's times */
	WORDS_VTT, /* ... with WebVTT's escapes */
};

/* 0, -EMSGSIZE, -ENOMEM. */
int words_add(struct buf *out, struct json_piece string, enum words_form form);

/* Is there nothing to be seen of it? */
bool words_are_blank(struct json_piece string);
