/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "plain_text.h"

/*
 * The transcript in a job. All slices point into the job's JSON text, which must outlive
 * them; a string's slice is what is between its quotes. If a member is absent, has a type
 * that the API does not document, or has no visible characters, `at` of its slice is
 * NULL.
 */
struct utterance {
	double start; /* in seconds, any double; NAN if absent */
	double end;
	double at; /* position in time: `start`, or that of the utterance before */
	struct json_slice text;    /* never absent */
	struct json_slice words;   /* array of the words and their times */
	struct json_slice speaker; /* a name, or the digits of a number */
	struct json_slice channel; /* the digits of a number */
	bool named;                /* `speaker` is a name */
};

struct transcript {
	struct json_slice full;       /* the member full_transcript */
	struct json_slice subtitles;  /* array of the subtitles that the API made */
	struct json_slice languages;  /* array of its languages */
	struct utterance *utterances; /* sorted by `at` */
	size_t len;
	size_t cap;
	bool channels; /* voices are distinguished by channel as well */
	bool voiced;   /* at least one utterance has a voice */
};

/*
 * Reads the transcript of a job, `len` bytes, or its n-th translation (translations.h).
 * `ret_transcript` must be released with transcript_done(), even after a failure.
 *
 * Returns 0, -ENOENT if there is no such translation, -EBADMSG if `job` is not a JSON
 * object, or -ENOMEM.
 */
int transcript_read(const char *job, size_t len, unsigned translation,
	struct transcript *ret_transcript);

/*
 * Returns the value of a number; NAN if the value is not one, and infinity if it is too
 * large for a double.
 */
double transcript_read_seconds(struct json_slice value);

/* Frees the utterances. */
void transcript_done(struct transcript *transcript);

/*
 * Appends the name of an utterance's voice, if it has one: "Speaker 1", "Channel 0" or
 * "Channel 0, speaker 1". A voice is a speaker; if transcript->channels is true, it is a
 * speaker in a channel, or a channel. Returns 0, -EMSGSIZE if `out` would become too
 * large, or -ENOMEM.
 */
int transcript_add_voice(const struct transcript *transcript,
	const struct utterance *utterance, struct buf *out, enum plain_text_form form);

/*
 * True if the utterance has a speaker, or a channel that is needed to distinguish voices.
 */
bool transcript_has_voice(
	const struct transcript *transcript, const struct utterance *utterance);

/* True if both utterances have the same speaker and channel. */
bool transcript_same_voice(const struct utterance *one, const struct utterance *other);
