/* SPDX-License-Identifier: MIT */
#pragma once

#include "transcript.h"

/*
 * Cues of subtitles that people can read (SEMANTICS 8.3), made from a transcript.
 */
enum {
	CUE_LINES_MAX = 2,
	CUE_MS_MIN = 834, /* 5/6 s, rounded up */
	CUE_MS_MAX = 7000,
	CHAR_MS_MIN = 50,                             /* 20 characters a second */
	CUE_CHARS_MAX = CUE_MS_MAX / CHAR_MS_MIN - 1, /* and a line feed */
	DASH_COLUMNS = 2, /* "- " before each line of a cue with two voices */
};

struct cue_line {
	size_t at; /* offset in the text of the cues */
	size_t len;
	unsigned columns;
	unsigned chars;
	const struct utterance *voice; /* an utterance of the voice that says it */
};

struct cue {
	int64_t from; /* in milliseconds */
	int64_t to;
	struct cue_line
		lines[CUE_LINES_MAX]; /* of one voice, or one line of each voice */
	unsigned lines_len;
	size_t number; /* position before sorting */
};

/* Cues in the order of their times, which never overlap. */
struct cues {
	struct buf text; /* UTF-8 without control characters and without "-->" */
	struct cue *list;
	size_t len;
	size_t cap;
};

/*
 * Makes the cues of a transcript, whose utterances must outlive them. `ret_cues` must be
 * released with cues_done(), even after a failure. Returns 0, -EMSGSIZE if the text would
 * become too large, or -ENOMEM.
 */
int cues_make(const struct transcript *transcript, struct cues *ret_cues);

void cues_done(struct cues *cues);

/* True if the lines of a cue are said by two voices: each begins with a dash. */
bool cue_has_dashes(const struct cue *cue);

/*
 * Sorts the cues and decides when each is shown. Until then a cue has the times at which
 * it is spoken. Short neighbours of two voices become one cue. Cues that would begin
 * after TIME_MS_MAX are removed.
 */
void cues_settle(struct cues *cues);
