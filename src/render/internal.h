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
	bool numbered;
	bool markup; /* WebVTT: characters are escaped, and the speaker is markup */
};

extern const struct subtitles subtitles_srt;
extern const struct subtitles subtitles_vtt;

/* Returns the subtitle format that a format is, or NULL if it is none. */
const struct subtitles *subtitles_find(enum format format);

/*
 * Appends the transcript in each subtitle format of `renderings`, and sets their results
 * (render.h). All of them have the same cues: those that the API made, or else cues made
 * from the utterances. Renderings in other formats are not changed.
 */
void subtitles_render(const struct transcript *transcript, struct rendering *renderings,
	size_t renderings_len);

/*
 * Appends the beginning of the cue with this number, counted from 1: what separates it
 * from the one before, and its times, which must be between 0 and TIME_MS_MAX, without a
 * line feed. Returns 0, -EMSGSIZE if `out` would become too large, or -ENOMEM.
 */
int subtitles_begin_cue(const struct subtitles *subtitles, size_t number, int64_t from,
	int64_t to, struct buf *out);

/*
 * Appends the subtitles that the API made, in each subtitle format of `renderings`, and
 * sets their results. `made` is the array that has them; it may be absent. If both kinds
 * are there, the one with more cues is used, or else the one with fewer times that have
 * to be repaired, so both formats show the same cues.
 *
 * Returns 0, -ENODATA if there are none, -EBADMSG if no cue can be read in them,
 * -EMSGSIZE if their text is too long, or -ENOMEM. After a failure the renderings are
 * unchanged.
 */
int api_subtitles_render(
	struct json_slice made, struct rendering *renderings, size_t renderings_len);

/*
 * Appends the lines of a cue of subtitles in the format `from`, converted to the format
 * `to`, with a line feed after each. Returns 0, -EMSGSIZE if `out` would become too
 * large, or -ENOMEM.
 */
int subtitle_text_convert(const char *text, size_t len, const struct subtitles *from,
	const struct subtitles *to, struct buf *out);

/*
 * Appends text as a subtitle format needs it. The text has no line feed. Returns 0,
 * -EMSGSIZE if `out` would become too large, or -ENOMEM.
 */
int subtitle_text_add(
	const char *text, size_t len, const struct subtitles *to, struct buf *out);
