/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "account.h"

/*
 * Writing a job as the API does (its OpenAPI document, PreRecordedResponse): compact
 * JSON, times in seconds, words that carry their leading space.
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
	bool odd;   /* undocumented keys and numbers that are easily spoilt */
};

/* Adds all members before "result", the opening brace and the last comma included. */
void render_head(struct text *out, const struct head *head);

enum { SUBTITLES_SRT, SUBTITLES_VTT, SUBTITLES };

/* A transcription that is being built. Zeroed at first; `escape` may be set. */
struct speech {
	struct text utterances; /* JSON objects and commas */
	struct text full;       /* full_transcript as the inside of a JSON string */
	struct text subtitles[SUBTITLES]; /* likewise, those of `made` */
	struct text languages;            /* JSON strings and commas, each once */
	uint64_t ms;                      /* how long it has lasted */
	unsigned count;
	unsigned made; /* which subtitles: 1 << SUBTITLES_SRT … */
	bool right;    /* with the separators they should have */
	bool escape;   /* write what is not ASCII as \uXXXX */
};

void speech_done(struct speech *s);

/*
 * Adds an utterance. Words end at spaces, or, in languages without, at "|", which is not
 * written. `speaker` and `channel` below 0 are left out; `state` is where chance comes
 * from.
 */
void speech_add(struct speech *s, const char *sentence, const char *language, int speaker,
	int channel, uint64_t *state);

/* Adds "languages":[…],"utterances":[…],"full_transcript":… and, if so, "subtitles". */
void render_speech(struct text *out, const struct speech *s);

/* Adds "result":{"metadata":…,"transcription":…, and returns which bytes a summary lacks.
 * The object stays open for add-ons. */
void render_result(struct text *out, const struct speech *s, const struct head *head,
	struct body *body);

/* Adds `,"NAME":{"success":true,…,"results":` of an add-on; "}" is the caller's. */
void render_addon(struct text *out, const char *name);

/* An id from a seed, in the form of a UUID version 4 (RFC 9562). Writes 37 bytes. */
#define ID_SIZE 37
void render_id(uint64_t seed, char *out);
