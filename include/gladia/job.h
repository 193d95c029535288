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
	/* Any status we do not know: not finished, and in no directory below status/. */
	JOB_OTHER,
};
enum { JOB_STATUSES = 4 };

/* Returns "queued", "processing", "done" or "error"; "other" for JOB_OTHER. */
const char *job_status_name(enum job_status status);

/* Returns the status with that name, or JOB_OTHER if it is none of the four. */
enum job_status job_status_parse(const char *word, size_t len);

/* Timestamp of a job that has no created_at or is not completed. */
#define JOB_NO_TIME INT64_MIN

/*
 * The attributes of a job that the filesystem needs, apart from its text. Can be copied.
 */
struct job {
	char id[FILENAME_BYTES_MAX + 1];
	enum job_status status;
	int64_t created_ms;
	int64_t completed_ms;
};

/* True if the job is `done` or `error`: it never changes again (SEMANTICS 7.1). */
bool job_finished(const struct job *job);

/* Returns completed_at if the job has it, else created_at, else 0 (SEMANTICS 5.1). */
int64_t job_mtime_ms(const struct job *job);

/*
 * Parses a job's head: its JSON text with the value of `result` replaced by null. The
 * text must be valid (json_print()); it has `len` bytes and needs no NUL. Only the id is
 * required: other members that are missing or have an unexpected type count as absent.
 * Sets `ret_metadata` to the value of `custom_metadata` within `head`, for
 * metadata_flatten().
 *
 * Returns 0, -EBADMSG if it is not an object with a string id, or -ENAMETOOLONG or
 * -EINVAL if the id cannot be a file name (too long, empty, or with a NUL).
 */
int job_parse_head(const char *head, size_t len, struct job *ret_job,
	struct json_slice *ret_metadata);

/*
 * Returns the name of the first timestamp in the head that is present but cannot be
 * parsed ("created_at" or "completed_at"), or NULL if there is none. job_parse_head()
 * treats such a timestamp as absent. `head` is as for job_parse_head().
 */
const char *job_find_bad_time(const char *head, size_t len);
