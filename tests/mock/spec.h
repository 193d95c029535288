/* SPDX-License-Identifier: MIT */
#pragma once

#include <cjson/cJSON.h>

#include "account.h"
#include "generate.h"

/*
 * Descriptions of jobs: JSON objects in the sample account and in control calls.
 *
 *   id, status, created_at, completed_at, error_code, custom_metadata, bytes, seed
 *   filename, source, language, duration (seconds), channels
 *   lines       the spoken text: ["text", …], [[speaker, "text"], …] or
 *               [{"text", "speaker", "channel", "language"}, …]
 *   subtitles   true, or the API's own subtitles: ["srt", "vtt"]; right_times (bool)
 *   text        a single line of spoken text
 *   summary     text; chapters: [{"headline", "gist", "summary"}, …]
 *   translation {"language", "lines"}
 *   raw         the whole job as JSON text, served verbatim
 *
 * All are optional. Without lines and text, the words of a done job are derived from its
 * seed.
 */

/* The source of a new job's default values. */
struct spec_defaults {
	const struct population *population;
	uint64_t *state; /* state of the random numbers */
};

/*
 * Adds a new job to the account. `text` is the text of the description, so that numbers
 * of custom_metadata keep their digits. Returns 0, -EEXIST if there is a job with this
 * id, or -EINVAL if the description is invalid; then *ret_why is a static error message.
 */
int spec_create(struct account *a, struct span text, const struct spec_defaults *defaults,
	struct job **ret_job, const char **ret_why);

/* Changes a job of the account. Returns the same as spec_create(). */
int spec_change(
	struct account *a, struct job *job, struct span text, const char **ret_why);

/* Writes a job that has a description to `out`. */
struct body spec_text(const struct job *job, struct text *out);
