/* SPDX-License-Identifier: MIT */
#pragma once

#include "internal.h"

/*
 * Answers many looks at unfinished jobs by one list instead of one request each
 * (SPEC 7.1). The list may skip jobs or show one twice: a job that it does not show is
 * fetched by its id, as is one that has finished meanwhile.
 *
 *   IDLE     an unfinished job older than ttl is wanted: it is fetched by its id, and
 *              counted; once a list costs no more than was spent so within ttl: LISTING
 *   LISTING  such a job is wanted              it waits for the list
 *            a page ends                       jobs that it brought wait no longer; the
 *                                              next page is requested
 *            the last page ends, a page fails  jobs that still wait are fetched by
 *            or takes UNFINISHED_PATIENCE_MS,  their id; IDLE
 *            or the list gets too long
 *
 * If a list did not pay, the next one takes twice as many fetches by id before it, up to
 * UNFINISHED_GETS_MAX: an API may ignore the filter, or refuse it.
 */
enum {
	UNFINISHED_GETS_MIN = 4,
	UNFINISHED_GETS_MAX = 64,
	UNFINISHED_PATIENCE_MS = 5000,
};

void unfinished_init(struct sync *sync);
void unfinished_done(struct sync *sync);

/*
 * Counts that an unfinished job older than ttl is wanted. Returns true if the caller
 * shall wait for the list, which may have been started by this call:
 * single_settle_listed() will be called at the end of each of its pages. Returns false
 * if the caller shall fetch the job by its id. Never blocks.
 */
bool unfinished_use_list(struct sync *sync);
