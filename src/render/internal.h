/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "render/render.h"
#include "transcript.h"

/* A subtitle format. */
struct subtitles {
	const char *name;   /* its name in the API */
	const char *header; /* first line of a file, with its line feed; or "" */
	char point;         /* decimal separator of seconds */
	enum words_form words;
	bool numbered;
	bool voices; /* the speaker is markup instead of text */
};

extern const struct subtitles subtitles_srt;
extern const struct subtitles subtitles_vtt;

/*
 * Appends the transcript as subtitles: those that the API made if they are usable, else
 * one cue per utterance. Returns 0, -EMSGSIZE if `out` would become too large, or
 * -ENOMEM.
 */
int subtitles_render(const struct transcript *transcript,
	const struct subtitles *subtitles, struct buf *out);

/*
 * Appends subtitles that the API made, with the format's separators in the times. `text`
 * is the JSON string that contains them; it may be absent.
 *
 * Returns 0, -EMSGSIZE if `out` would become too large, -ENOMEM, or -ENODATA if the
 * subtitles are not usable: absent, without a cue, or with malformed times. After
 * -ENODATA `out` is unchanged.
 */
int api_subtitles_render(
	struct json_slice text, const struct subtitles *subtitles, struct buf *out);

/* Not every program can read times beyond 99:59:59.999. */
enum { SUBTITLES_MS_MAX = 100 * 60 * 60 * 1000 - 1 };

/*
 * Appends "FROM --> TO"; both times must be between 0 and SUBTITLES_MS_MAX. Returns 0,
 * -EMSGSIZE if `out` would become too large, or -ENOMEM.
 */
int subtitles_add_times(
	struct buf *out, const struct subtitles *subtitles, int64_t from, int64_t to);
