/* SPDX-License-Identifier: MIT */
#include "suggestion.h"

#include <stdint.h>
#include <string.h>
#include <sys/param.h>

enum { WORD_MAX = 32 }; /* longer words are not compared */

struct suggestion suggestion_for(const char *typed, size_t len)
{
	/* In a short word, two edits would turn anything into anything. */
	size_t edits = len < 3 ? 0 : len < 6 ? 1 : 2;

	return (struct suggestion){.typed = typed, .len = len, .distance = edits + 1};
}

/*
 * Returns the number of edits between two words of at most WORD_MAX bytes (optimal string
 * alignment).
 */
static size_t suggestion_distance(
	const char *a, size_t a_len, const char *b, size_t b_len)
{
	/* rows[i % 3][j] is the distance of the first i bytes of a and j bytes of b. */
	size_t rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = MIN(row[j], MIN(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
				a[i - 2] == b[j - 1])
				row[j] = MIN(row[j], rows[(i + 1) % 3][j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

bool suggestion_try(struct suggestion *suggestion, const char *word)
{
	size_t len = strlen(word);

	if (len > WORD_MAX || suggestion->len > WORD_MAX)
		return false;

	size_t distance = suggestion_distance(
		suggestion->typed, suggestion->len, word, len);

	if (distance >= suggestion->distance)
		return false;
	suggestion->word = word;
	suggestion->distance = distance;
	return true;
}

bool suggestion_may_quote(const char *text)
{
	/* Shorter than Gladia's keys, which are UUIDs; no part of a path is longer. */
	enum { PART_MAX = 31, TEXT_MAX = 256 };
	size_t part = 0;

	if (strlen(text) > TEXT_MAX)
		return false;
	for (const char *c = text; *c; c++) {
		part = *c == '/' ? 0 : part + 1;
		if (part > PART_MAX || (unsigned char)*c < ' ' || strchr("@?#=\x7f", *c))
			return false;
	}
	return true;
}
