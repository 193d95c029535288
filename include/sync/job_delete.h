/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

#include "base/wait.h"
#include "catalog/jobs.h"
#include "sync/sync.h"

/* The process that removes a job's file; it is named in the log. */
struct delete_caller {
	uid_t uid;
	pid_t pid;
};

/*
 * Deletes a job at the API (SEMANTICS 10.1), with one request however many callers want
 * it at a time. Afterwards its text is overwritten in the catalog, on_job_changed() is
 * called, and listings taken from then on do not contain it. Logs one line when the
 * deletion ends; it names the caller that was the first to want it. Never blocks.
 *
 * `ret_queue` is woken with the result: 0 if the job is deleted, -EBUSY if it is not
 * finished, -ENOENT if it was deleted already. After -ETIMEDOUT or -EIO it is not known
 * whether the job is deleted: it is invalidated, so the next look-up requests it. The
 * deletion goes on if no request waits for it.
 *
 * Returns 0, -EHOSTUNREACH while the API is out of reach, or the errors of api_delete().
 */
int job_delete_start(struct sync *sync, const struct catalog_job *job,
	const struct delete_caller *caller, struct wait_queue **ret_queue);
