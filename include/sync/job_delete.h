/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

#include "base/wait.h"
#include "catalog/jobs.h"
#include "sync/sync.h"

/* The process that deletes a job, for the log. */
struct removal_caller {
	uid_t uid;
	pid_t pid;
};

/*
 * Has the API delete a job (SPEC 10.1), once however many want it at a time, and then
 * forgets it: its text is overwritten in the catalog, on_gone is told, and listings that
 * are taken from now on are without it. `ret_queue` tells when it is gone, or with an
 * error why not: -EBUSY where it is not finished, -ENOENT where it was gone already.
 * Where that stays unknown the job is doubted: the next look at it asks the API. Who
 * waits no more changes nothing. Logs one line when the deletion ends, with the caller
 * that was the first to want it. 0 or -ENOMEM.
 */
int removal_want(struct sync *sync, const struct catalog_job *job,
	const struct removal_caller *caller, struct wait_queue **ret_queue);
