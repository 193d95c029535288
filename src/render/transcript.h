/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "plain_text.h"

/*
 * What a job says was said. All pieces point into the job's text, which must stay; of
 * strings they are the insides. What is not there, is of another type than the API says,
 * or has nothing to be seen, has no `at`.
 */
struct utterance {
	double start; /* seconds; NAN: not told. May be any other double */
	double end;
	double at;                 /* where it stands in time: its start, or a guess */
	struct json_piece text;    /* always there */
	struct json_piece speaker; /* a name, or a number's digits */
	struct json_piece channel; /* digits */
	bool named;                /* the speaker is a name */
};

struct transcript {
	struct json_piece full;       /* full_transcript */
	struct json_piece subtitles;  /* an array of what the API made */
	struct utterance *utterances; /* in order of `at` */
	size_t len;
	bool channels; /* a voice is not told apart without its channel */
	bool voiced;   /* some utterance has a voice */
};

/* 0; -EBADMSG where `job` is no JSON object; -ENOMEM. transcript_done() in any case. */
int transcript_read(const char *job, size_t len, struct transcript *ret_transcript);
void transcript_done(struct transcript *transcript);

/*
 * An utterance's voice is its speaker; where there are several channels, and no speakers
 * or one who is in more than one of them, its channel, too. Appends it ("Speaker 1",
 * "Channel 0", "Channel 0, speaker 1") if it has one.
 */
int transcript_add_voice(const struct transcript *transcript,
	const struct utterance *utterance, struct buf *out, enum words_form form);
bool transcript_has_voice(
	const struct transcript *transcript, const struct utterance *utterance);
bool transcript_same_voice(const struct utterance *one, const struct utterance *other);
