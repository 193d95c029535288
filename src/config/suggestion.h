/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The word that is most similar to what the user typed, for "did you mean ...?". */
struct suggestion {
	const char *typed; /* not terminated by a NUL byte */
	size_t len;
	const char *word; /* the best word so far, or NULL if none is similar */
	size_t distance;  /* edits between both; only a smaller number is better */
};

/* Returns a suggestion without a word. `typed` must stay valid as long as it is used. */
struct suggestion suggestion_for(const char *typed, size_t len);

/*
 * Keeps `word` if it is similar to what was typed, and more so than the words tried
 * before. One edit inserts, deletes or replaces a character, or swaps two neighbours.
 * Returns true if the word was kept.
 */
bool suggestion_try(struct suggestion *suggestion, const char *word);

/*
 * True if `text` can be quoted in an error message: it looks neither like an API key nor
 * like a URL that contains a password.
 */
bool suggestion_may_quote(const char *text);
