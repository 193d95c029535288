/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "render/render.h"
#include "transcript.h"

/* How one kind of subtitles is written. */
struct subtitles {
	const char *name;   /* as the API says it */
	const char *header; /* the file's first line, with its newline; or "" */
	char point;         /* between seconds and milliseconds */
	enum words_form words;
	bool numbered;
	bool voices; /* the speaker is markup, not text */
};

extern const struct subtitles subtitles_srt;
extern const struct subtitles subtitles_vtt;

/* Appends the transcript as text. 0, -EMSGSIZE, -ENOMEM. */
int text_render(const struct transcript *transcript, struct buf *out);

/* Appends it as subtitles: the API's own where they are of use, else made of what was
 * said. 0, -EMSGSIZE, -ENOMEM. */
int subtitles_render(const struct transcript *transcript,
	const struct subtitles *subtitles, struct buf *out);

/*
 * Appends the subtitles the API made, with right separators in their times. `text` is
 * what it says of them, a JSON string, or not there. 0; -ENODATA, with nothing appended,
 * where they are of no use: none at all, or a time in them makes no sense; -EMSGSIZE,
 * -ENOMEM.
 */
int made_render(
	struct json_piece text, const struct subtitles *subtitles, struct buf *out);

/* Past 99:59:59.999 there is no time in subtitles that everybody reads. */
enum { SUBTITLES_MS_MAX = 100 * 60 * 60 * 1000 - 1 };

/* Appends "FROM --> TO", both in 0 to SUBTITLES_MS_MAX. */
int subtitles_add_times(
	struct buf *out, const struct subtitles *subtitles, int64_t from, int64_t to);
