/* SPDX-License-Identifier: MIT */
#pragma once

#include <cjson/cJSON.h>

#include "account.h"
#include "generate.h"

/*
 * Jobs described by a JSON object, in the sample account and in the control calls alike:
 *
 *   id, status, created_at, completed_at, error_code, custom_metadata, bytes, seed
 *   filename, source, language, duration (seconds), channels
 *   lines       what is said: ["text", …], [[speaker, "text"], …] or
 *               [{"text", "speaker", "channel", "language"}, …]
 *   subtitles   true, or which the API made: ["srt", "vtt"]; right_times (bool)
 *   text        the same as one line
 *   summary     text; chapters: [{"headline", "gist", "summary"}, …]
 *   translation {"language", "lines"}
 *   raw         the whole job as JSON text, served verbatim
 *
 * All are optional. Without lines or text, a done job's words come from its seed.
 */

/* Where a new job's defaults come from. */
struct spec_defaults {
	const struct population *population;
	uint64_t *state; /* chance */
};

/*
 * Puts a new job into the account. `text` is the description as it was written: numbers
 * of custom_metadata keep their digits. -EEXIST: the id is taken. -EINVAL: not a
 * description; *ret_why then says why, a static string.
 */
int spec_create(struct account *a, struct span text, const struct spec_defaults *defaults,
	struct job **ret_job, const char **ret_why);

/* Changes a job of the account to what the description says. Errors as above. */
int spec_change(
	struct account *a, struct job *job, struct span text, const char **ret_why);

/* Writes a job that has a description into `out`. */
struct body spec_text(const struct job *job, struct text *out);
