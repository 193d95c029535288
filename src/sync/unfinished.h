/* SPDX-License-Identifier: MIT */
#pragma once

#include "internal.h"

/*
 * Answers look-ups of many unfinished jobs by one list instead of one request each
 * (SEMANTICS 7.1). The list may skip jobs or contain one twice: a job that it does not
 * contain is fetched by its id, as is one that has finished meanwhile.
 *
 *   IDLE     an unfinished job older than ttl is wanted: it is fetched by its id, and
 *              counted; once a list takes no more requests than were sent so within ttl:
 *              LISTING
 *   LISTING  such a job is wanted              it waits for the list
 *            a page ends                       requests for its jobs are woken; the next
 *                                              page is requested
 *            the last page ends, a page fails  jobs that still wait are fetched by
 *            or takes UNFINISHED_PATIENCE_MS,  their id; IDLE
 *            or the list gets too long
 *
 * If a list did not save requests, twice as many fetches by id must precede the next one,
 * up to UNFINISHED_GETS_MAX: the API may ignore the filter, or refuse it.
 */
enum {
	UNFINISHED_GETS_MIN = 4,
	UNFINISHED_GETS_MAX = 64,
	UNFINISHED_PATIENCE_MS = 5000,
};

/* Initialises sync->unfinished. Sends no request. */
void unfinished_init(struct sync *sync);

/* Cancels the list, if there is one. */
void unfinished_done(struct sync *sync);

/*
 * Counts that an unfinished job older than ttl is wanted. Returns true if the caller
 * shall wait for the list, which this call may have started: job_fetch_settle_listed() is
 * called at the end of each of its pages. Returns false if the caller shall fetch the job
 * by its id. Never blocks.
 */
bool unfinished_use_list(struct sync *sync);
