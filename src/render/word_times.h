/* SPDX-License-Identifier: MIT */
#pragma once

#include "transcript.h"

/* When one word of an utterance is spoken. */
struct timed_word {
	int64_t from; /* in milliseconds */
	int64_t to;
	size_t begin; /* number of visible characters in the words before it */
	size_t chars; /* number of its visible characters, at least one */
};

/* When the words of an utterance are spoken. Initialise it with {0}. */
struct word_times {
	struct timed_word *words;
	size_t len; /* 0 if the utterance has no words with usable times */
	size_t cap;
	size_t chars; /* number of visible characters in all words */
};

/* Frees the words. */
void word_times_done(struct word_times *times);

/* Not every program can read times beyond 99:59:59.999. */
enum { TIME_MS_MAX = 100 * 60 * 60 * 1000 - 1 };

/*
 * Converts seconds to milliseconds. A negative time becomes 0. Returns false if it is not
 * a number or not less than TIME_MS_MAX.
 */
bool time_to_ms(double seconds, int64_t *ret_ms);

/*
 * Reads the words of an utterance, replacing those that were read before. Their times are
 * usable if all are valid and no word starts before the previous one. Returns 0 or
 * -ENOMEM.
 */
int word_times_read(struct word_times *times, const struct utterance *utterance);

/* Makes the time [from, to) of an utterance that of its only word. Returns 0 or -ENOMEM.
 */
int word_times_set(struct word_times *times, int64_t from, int64_t to);

/*
 * Computes when the characters [begin, end) of a text with `chars` visible characters are
 * spoken, if the words are that text. There must be at least one word.
 */
void word_times_find(const struct word_times *times, size_t begin, size_t end,
	size_t chars, int64_t *ret_from, int64_t *ret_to);
