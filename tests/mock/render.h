/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "account.h"

/*
 * Writes a job as the API does (PreRecordedResponse and StreamingResponse in its OpenAPI
 * document): compact JSON, times in seconds, words with their leading space.
 */

enum addon {
	ADDON_DIARIZATION = 1,
	ADDON_SUBTITLES = 2,
	ADDON_TRANSLATION = 4,
	ADDON_SUMMARY = 8,
	ADDON_CHAPTERS = 16,
};

/* The properties of a job besides its transcription. */
struct head {
	const struct job *job;
	struct span metadata;
	const char *filename; /* NULL: the job has no file (failed early) */
	const char *source;   /* NULL: uploaded */
	const char *language; /* NULL: detected */
	uint64_t duration_ms;
	unsigned channels;
	unsigned addons;
	bool brief; /* few request_params, for jobs of about a kilobyte */
	bool odd;   /* undocumented keys, and numbers that parsers often change */
};

/* Adds all members before "result", from the opening brace to the last comma. */
void render_head(struct text *out, const struct head *head);

enum { SUBTITLES_SRT, SUBTITLES_VTT, SUBTITLES };

/* A transcription that is being built. Initially zero, except for `escape`. */
struct speech {
	struct text utterances;           /* JSON objects and commas */
	struct text full;                 /* full_transcript, without quotes */
	struct text subtitles[SUBTITLES]; /* those in `made`, without quotes */
	struct text languages; /* different JSON strings, with commas between them */
	uint64_t ms;           /* duration so far */
	unsigned count;
	unsigned made; /* bit mask of subtitles: 1 << SUBTITLES_SRT … */
	bool right;    /* subtitles have the right separators in times */
	bool escape;   /* write characters beyond ASCII as \uXXXX */
};

void speech_done(struct speech *s);

/*
 * Adds an utterance. Words end at spaces, or at "|" in languages without spaces; a "|" is
 * not written. A `speaker` or `channel` below 0 is left out. `state` is the state of the
 * random numbers.
 */
void speech_add(struct speech *s, const char *sentence, const char *language, int speaker,
	int channel, uint64_t *state);

/* Adds "languages", "utterances", "full_transcript" and, if there are any, "subtitles".
 */
void render_speech(struct text *out, const struct speech *s);

/*
 * Adds "result":{"metadata":…,"transcription":… and leaves the object open for add-ons.
 * Stores in `body` the range of bytes that a summary lacks.
 */
void render_result(struct text *out, const struct speech *s, const struct head *head,
	struct body *body);

/*
 * Ends the result and the job. The result of a live session has the messages of the
 * session, which are JSON texts.
 */
void render_end(struct text *out, const struct speech *s, const struct job *job);

/*
 * Adds `,"NAME":{"success":true,…,"results":` of an add-on. The caller adds the results
 * and "}".
 */
void render_addon(struct text *out, const char *name);

/* Writes the id for a seed: a UUID version 4 (RFC 9562), with ID_SIZE bytes. */
#define ID_SIZE 37
void render_id(uint64_t seed, char *out);
