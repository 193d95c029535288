/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gladia/facts.h"
#include "json/pretty_print.h"

/*
 * Finds, while json_print() or json_find() reads a job, what its facts are made from. One
 * pass must do, because a job's text can have megabytes.
 */
enum job_member {
	MEMBER_TEXT, /* rule 0 */
	MEMBER_ERROR_CODE,
	MEMBER_FILE,
	MEMBER_RESULT,
	MEMBER_FILENAME,
	MEMBER_SOURCE,
	MEMBER_FILE_DURATION,
	MEMBER_FILE_CHANNELS,
	MEMBER_METADATA,
	MEMBER_TRANSCRIPTION,
	MEMBER_TRANSLATION,
	MEMBER_DURATION,
	MEMBER_CHANNELS,
	MEMBER_BILLING_TIME,
	MEMBER_LANGUAGES,
	MEMBER_UTTERANCES,
	MEMBER_SPEAKER,
	MEMBER_WORDS,
	JOB_MEMBERS,
};

/* Maximum number of different speakers; if there are more, their number is unknown. */
enum { FINDER_SPEAKERS_MAX = 64 };

/* Values found within `result`. */
struct job_result {
	struct json_slice values[JOB_MEMBERS];
	struct json_slice speakers[FINDER_SPEAKERS_MAX + 1];
	size_t speakers_len;
	size_t words;
};

struct job_finder {
	struct json_find find;
	struct json_slice values[JOB_MEMBERS]; /* outside of `result`, and `result` */
	struct job_result result;              /* of the last member `result` */
	struct job_result next;                /* of the one that is being read */
};

/* Starts with a job. The finder must not be moved: `find` points to it. */
void job_finder_init(struct job_finder *finder);

/* True if the result has a transcription that is not null. */
bool job_finder_has_transcription(const struct job_finder *finder);

/*
 * Makes facts of what was found in a valid text. `text` is the same job as json_print()
 * writes it, `len` bytes.
 */
void job_finder_facts(const struct job_finder *finder, const char *text, size_t len,
	struct job_facts *ret_facts);
