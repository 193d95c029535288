/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "cues.h"
#include "units.h"
#include "word_times.h"

enum {
	DASH_CHARS = 4,     /* a dash, a space, and isolates (direction.h) */
	DIALOGUE_MS = 500,  /* the longest gap between the lines of two voices in a cue */
	COLLISION_MS = 100, /* cues that begin closer to each other share their time */
};

bool cue_has_dashes(const struct cue *cue)
{
	return cue->lines_len == 2 &&
	       !transcript_same_voice(cue->lines[0].voice, cue->lines[1].voice);
}

static int cue_times_compare(const void *one, const void *other)
{
	const struct cue *a = one;
	const struct cue *b = other;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

static bool cue_times_is_line(const struct cue *cue)
{
	return cue->lines_len == 1 &&
	       cue->lines[0].columns <= LINE_COLUMNS - DASH_COLUMNS;
}

/*
 * True if the cue and the next one should be one cue: they are of two voices, and they
 * overlap, or one of them would be too short. `after` is the cue after them, or NULL. If
 * it begins together with the next one, that line would end before it is spoken, so it is
 * not joined with the cue before it.
 */
static bool cue_times_are_dialogue(
	const struct cue *cue, const struct cue *next, const struct cue *after)
{
	int64_t to = cue->to > next->to ? cue->to : next->to;
	bool overlap = next->from < cue->to;
	bool vanishes = after && after->from - next->from < COLLISION_MS;
	bool is_short = next->from - cue->from < CUE_MS_MIN ||
			(after && after->from - next->from < CUE_MS_MIN);

	return !vanishes && cue_times_is_line(cue) && cue_times_is_line(next) &&
	       !transcript_same_voice(cue->lines[0].voice, next->lines[0].voice) &&
	       cue->lines[0].chars + next->lines[0].chars + 2 * DASH_CHARS <=
		       CUE_CHARS_MAX &&
	       to - cue->from <= CUE_MS_MAX &&
	       (overlap || (is_short && next->from - cue->to < DIALOGUE_MS));
}

static void cue_times_join_dialogues(struct cues *cues)
{
	size_t len = 0;

	for (size_t i = 0; i < cues->len; i++) {
		struct cue *cue = &cues->list[len++];
		const struct cue *next = &cues->list[i + 1];

		*cue = cues->list[i];
		if (i + 1 == cues->len || !cue_times_are_dialogue(cue, next,
						  i + 2 < cues->len ? next + 1 : NULL))
			continue;
		cue->lines[cue->lines_len++] = next->lines[0];
		if (next->to > cue->to)
			cue->to = next->to;
		i++;
	}
	cues->len = len;
}

/* Returns how long a cue should be shown, if the next one allows it. */
static int64_t cue_times_wanted(const struct cue *cue)
{
	int64_t chars = cue->lines_len - 1;
	int64_t wanted = cue->to - cue->from;

	for (unsigned i = 0; i < cue->lines_len; i++)
		chars += cue->lines[i].chars;
	if (cue_has_dashes(cue))
		chars += (int64_t)cue->lines_len * DASH_CHARS;
	if (wanted < chars * CHAR_MS_MIN)
		wanted = chars * CHAR_MS_MIN;
	if (wanted < CUE_MS_MIN)
		wanted = CUE_MS_MIN;
	return wanted < CUE_MS_MAX ? wanted : CUE_MS_MAX;
}

/* Returns `part` of `whole`, scaled to `shown`. */
static int64_t cue_times_part(int64_t shown, int64_t part, int64_t whole)
{
	/* As integers, the product could be too large. */
	return (int64_t)((double)shown * (double)part / (double)whole);
}

/*
 * Shows `len` cues one after the other from `from` on, until `limit` at the latest if
 * there is enough time for all of them. Returns when the last one ends.
 */
static int64_t cue_times_share(struct cue *cues, size_t len, int64_t from, int64_t limit)
{
	int64_t wanted = 0;
	int64_t before = 0;

	for (size_t i = 0; i < len; i++)
		wanted += cue_times_wanted(&cues[i]);

	int64_t shown = wanted < limit - from ? wanted : limit - from;

	if (shown < (int64_t)len * COLLISION_MS)
		shown = (int64_t)len * COLLISION_MS;
	for (size_t i = 0; i < len; i++) {
		int64_t own = cue_times_wanted(&cues[i]);

		cues[i].from = from + cue_times_part(shown, before, wanted);
		before += own;
		cues[i].to = from + cue_times_part(shown, before, wanted);
	}
	return cues[len - 1].to;
}

/*
 * Moves the cues so that none overlaps with the next one. A cue ends when the next one
 * begins; those that would begin at the same time share the time until then.
 */
static void cue_times_separate(struct cues *cues)
{
	int64_t earliest = 0;

	for (size_t i = 0, count; i < cues->len; i += count) {
		struct cue *cue = &cues->list[i];
		int64_t from = cue->from > earliest ? cue->from : earliest;
		int64_t limit = TIME_MS_MAX;

		for (count = 1; i + count < cues->len; count++) {
			limit = cue[count].from;
			if (limit >= from + COLLISION_MS)
				break;
			limit = TIME_MS_MAX;
		}
		if (count == 1) {
			int64_t wanted = cue_times_wanted(cue);

			cue->from = from;
			cue->to = wanted < limit - from ? from + wanted : limit;
			earliest = from;
		} else {
			earliest = cue_times_share(cue, count, from, limit);
		}
	}
}

/* Removes the cues that begin too late to be written. */
static void cue_times_limit(struct cues *cues)
{
	while (cues->len && cues->list[cues->len - 1].from >= TIME_MS_MAX)
		cues->len--;
	if (cues->len && cues->list[cues->len - 1].to > TIME_MS_MAX)
		cues->list[cues->len - 1].to = TIME_MS_MAX;
}

void cues_settle(struct cues *cues)
{
	if (!cues->len)
		return;
	qsort(cues->list, cues->len, sizeof(*cues->list), cue_times_compare);
	cue_times_join_dialogues(cues);
	cue_times_separate(cues);
	cue_times_limit(cues);
}
