/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/wait.h"
#include "gladia/query.h"
#include "sync/sync.h"

/*
 * Asks the API for one job (SPEC 3.5), once however many requests want it at a time. If
 * many unfinished jobs are wanted within ttl, one list of these answers (SPEC 7.1).
 * `ret_queue` is woken when the job is in the catalog, or with the error: -ENOENT if
 * there is no such job. Returns 0 or -ENOMEM, or -EHOSTUNREACH while the API is out of
 * reach. Never blocks.
 */
int single_want(struct sync *sync, const char *id, struct wait_queue **ret_queue);

/*
 * Somebody looked at a job, known or not, in the directory of `query`. Where that shows
 * them walking through a listing of summaries, its next jobs are fetched ahead
 * (SPEC 4.2).
 */
void single_walk(struct sync *sync, const struct query *query, int64_t row);
