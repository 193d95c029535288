/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How good it is to end a line or a cue at a place, the best first. */
enum break_class {
	BREAK_SENTENCE,
	BREAK_CLAUSE,
	BREAK_PAUSE,
	BREAK_SPACE,
	BREAK_WORDLESS, /* in a script without spaces (Unicode's line breaking rules) */
	BREAK_CLUSTER,  /* between any two grapheme clusters */
	BREAK_CLASSES,
};

/* Columns of a line of subtitles. */
enum { LINE_COLUMNS = 42 };

/* A part of a text that a line never divides: usually a word and its punctuation. */
struct unit {
	size_t at; /* offset in the text */
	size_t len;
	unsigned columns; /* East Asian wide characters take two */
	unsigned chars;
	bool spaced; /* a space follows, which is part of no unit */
	enum break_class after;
	int64_t from; /* when it is spoken, in milliseconds; set by the caller */
	int64_t to;
	bool interrupted; /* another voice begins before the next unit; set by the caller
			   */
};

/* A growing array of units. Initialise it with {0}. */
struct units {
	struct unit *list;
	size_t len;
	size_t cap;
};

/* Frees the units and makes the array empty. */
void units_done(struct units *units);

/*
 * Divides text[at..at+len) and appends its units. The text must be UTF-8 without control
 * characters; each space in it separates two units. No unit has more than LINE_COLUMNS
 * columns, except a single grapheme cluster. Returns 0 or -ENOMEM.
 */
int units_add(struct units *units, const char *text, size_t at, size_t len);
