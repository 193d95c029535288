/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gladia/filename.h"
#include "json/cursor.h"

enum job_status {
	JOB_QUEUED,
	JOB_PROCESSING,
	JOB_DONE,
	JOB_ERROR,
	JOB_OTHER, /* a status this program does not know: never finished, in no status/
		    */
};
enum { JOB_STATUSES = 4 };

/* "queued" ... "error"; JOB_OTHER is "other". */
const char *job_status_name(enum job_status status);

/* JOB_OTHER for a word that is none of the four. */
enum job_status job_status_parse(const char *word, size_t len);

/* No time: a job without created_at, or not completed. */
#define JOB_NO_TIME INT64_MIN

/* What the filesystem needs to know of a job besides its text. A plain value. */
struct job {
	char id[NAME_BYTES_MAX + 1];
	enum job_status status;
	int64_t created_ms;
	int64_t completed_ms;
};

/* `done` and `error` jobs never change again (SPEC 7.1). */
bool job_finished(const struct job *job);

/* completed_at, else created_at, else 0 (SPEC 5.1). */
int64_t job_mtime_ms(const struct job *job);

/*
 * Reads a job's head: its JSON text with `result` cut out or null, checked before
 * (json_print()), `len` bytes, not NUL-terminated. Other than the id nothing is demanded
 * of it: what is missing or of another type counts as absent. `ret_metadata` is the value
 * of `custom_metadata`, within the head, for metadata_flatten().
 *
 * 0; -EBADMSG where it is no object or has no string id; -ENAMETOOLONG or -EINVAL where
 * its id cannot be a file's name (too long, empty, holds a NUL); -ENOMEM.
 */
int job_parse_head(const char *head, size_t len, struct job *ret_job,
	struct json_piece *ret_metadata);

/*
 * Returns the name of the head's first time that is there and cannot be read
 * ("created_at", "completed_at"; job_parse_head() takes it for absent), or NULL. `head`
 * is as for job_parse_head().
 */
const char *job_find_bad_time(const char *head, size_t len);
