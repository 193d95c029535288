/* SPDX-License-Identifier: MIT */
#include "word_times.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"

enum member { WORD, START, END, MEMBERS };

static const char *const member_names[MEMBERS] = {
	[WORD] = "word",
	[START] = "start",
	[END] = "end",
};

void word_times_done(struct word_times *times)
{
	free(times->words);
	*times = (struct word_times){0};
}

bool time_to_ms(double seconds, int64_t *ret_ms)
{
	/* Also true for NAN, because comparing with NAN gives false. */
	if (!(seconds * 1000 < (double)TIME_MS_MAX))
		return false;
	*ret_ms = seconds > 0 ? (int64_t)(seconds * 1000 + 0.5) : 0;
	return *ret_ms < TIME_MS_MAX;
}

/*
 * Appends a word if it has visible characters. Returns 0, -EINVAL if its times are not
 * usable, or -ENOMEM.
 */
static int word_times_add(
	struct word_times *times, const struct json_slice values[static MEMBERS])
{
	struct timed_word word = {.begin = times->chars};

	word.chars = plain_text_count(json_string_body(values[WORD]));
	if (!word.chars)
		return 0;

	double start = transcript_read_seconds(values[START]);

	if (!(start >= 0) || !time_to_ms(start, &word.from) ||
		!time_to_ms(transcript_read_seconds(values[END]), &word.to) ||
		(times->len && word.from < times->words[times->len - 1].from))
		return -EINVAL;
	if (word.to < word.from)
		word.to = word.from;
	if (ARRAY_RESERVE(times->words, times->cap, times->len + 1))
		return -ENOMEM;
	times->words[times->len++] = word;
	times->chars += word.chars;
	return 0;
}

int word_times_read(struct word_times *times, const struct utterance *utterance)
{
	struct json_slice values[MEMBERS];
	struct json_cursor cursor;
	int err = 0;

	times->len = 0;
	times->chars = 0;
	if (json_cursor_enter(utterance->words, '[', &cursor))
		return 0;
	while (!err && !json_cursor_next_members(&cursor, member_names, MEMBERS, values))
		err = word_times_add(times, values);
	if (err)
		times->len = 0;
	return err == -EINVAL ? 0 : err;
}

int word_times_set(struct word_times *times, int64_t from, int64_t to)
{
	if (ARRAY_RESERVE(times->words, times->cap, 1))
		return -ENOMEM;
	times->words[0] = (struct timed_word){.from = from, .to = to, .chars = 1};
	times->len = 1;
	times->chars = 1;
	return 0;
}

/* Returns the word in which a character is. */
static const struct timed_word *word_times_at(
	const struct word_times *times, double place)
{
	size_t low = 0;
	size_t high = times->len;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if ((double)times->words[middle].begin <= place)
			low = middle;
		else
			high = middle;
	}
	return &times->words[low];
}

static int64_t word_times_in(const struct timed_word *word, double place)
{
	double part = (place - (double)word->begin) / (double)word->chars;

	return word->from + (int64_t)((double)(word->to - word->from) * part + 0.5);
}

void word_times_find(const struct word_times *times, size_t begin, size_t end,
	size_t chars, int64_t *ret_from, int64_t *ret_to)
{
	/* The words may have other characters than the text, so it is stretched. */
	double scale = (double)times->chars / (double)chars;
	double first = (double)begin * scale;
	double last = (double)end * scale;
	const struct timed_word *word = word_times_at(times, first);

	*ret_from = word_times_in(word, first);
	/* The end of a word is not yet in the next one. */
	word = word_times_at(times, last - scale / 2);
	if (last > (double)(word->begin + word->chars))
		last = (double)(word->begin + word->chars);
	*ret_to = word_times_in(word, last);
	if (*ret_to < *ret_from)
		*ret_to = *ret_from;
}
