/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/wait.h"
#include "gladia/query.h"
#include "sync/sync.h"

/*
 * Fetches one job by its id (SEMANTICS 3.5), with one request however many callers want
 * it at a time. If many unfinished jobs are wanted within ttl, one list of the unfinished
 * jobs answers for them (SEMANTICS 7.1). Never blocks.
 *
 * `ret_queue` is woken when the job is in the catalog, or with the error: -ENOENT if
 * there is no such job. Returns 0, -ENOMEM, or -EHOSTUNREACH while the API is out of
 * reach.
 */
int job_fetch_start(struct sync *sync, const char *id, struct wait_queue **ret_queue);

/*
 * Records that a job, whether its text is cached or not, was looked up in the directory
 * of `query`. If this shows that a reader goes through a listing of summaries, fetches
 * the jobs that follow in it (SEMANTICS 4.2).
 */
void job_fetch_prefetch(struct sync *sync, const struct query *query, int64_t row);
