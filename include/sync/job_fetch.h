/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/wait.h"
#include "gladia/query.h"
#include "sync/listing.h"
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

/*
 * Fetches the evicted text of a job that a reader of `listing` wants, which the caller
 * holds. If the reader goes through the listing, fetches what follows as pages, several
 * at a time (SEMANTICS 7.4.12). Otherwise the same as job_fetch_start().
 *
 * After `ret_queue` was woken with 0, the text may have been evicted again: then fetch
 * the job with job_fetch_start().
 */
int job_fetch_text(struct sync *sync, struct listing *listing,
	const struct catalog_job *job, struct wait_queue **ret_queue);

/*
 * Records that the text of a job was read to its end, or prefetched into the kernel's
 * page cache. Fetches what follows for a reader that goes through a listing. A text that
 * was fetched for such a reader is evicted first from now on (SEMANTICS 7.4.11).
 */
void job_fetch_was_read(struct sync *sync, int64_t row);

/*
 * Fetches the evicted text at this position of the listing, and those that follow, for a
 * reader that reads many files in an order of its own. Does nothing if the text is cached
 * or was requested already, or while the API is out of reach.
 */
void job_fetch_follow(struct sync *sync, struct listing *listing, size_t position);

/* True if the evicted text of a job was requested and will arrive. */
bool job_fetch_is_coming(const struct sync *sync, const struct catalog_job *job);
