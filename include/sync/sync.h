/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "catalog/jobs.h"
#include "gladia/api.h"
#include "loop/loop.h"

/*
 * Fills the catalog from the API on demand: listings (sync/listing.h) page by page, and
 * jobs by their id (sync/job_fetch.h). There is one `struct sync` per account. It never
 * blocks on the network.
 */
struct sync;
struct listing;

struct sync_config {
	int64_t ttl_ms;  /* age up to which a listing or an unfinished job is fresh */
	int connections; /* maximum of parallel requests that no reader waits for yet */
	unsigned page_size; /* jobs per page; 0: adaptive */
	/* Show the cache while the API is out of reach (SEMANTICS 7.5). */
	bool offline_ok;
	bool offline;       /* start as if the API had been found out of reach */
	int64_t timeout_ms; /* longest duration of an API call */
};

struct sync_handlers {
	/*
	 * The job was deleted, or its text or the directories that it belongs to have
	 * changed: its name must be dropped from caches. `job` is its new state.
	 */
	void (*on_job_changed)(void *ctx, const struct catalog_job *job);
	/* A listing was completed: listing_newest_ms() may return a new value. */
	void (*on_listed)(void *ctx, const struct query *query);
	/* A page with texts that job_fetch_follow() has requested has arrived. */
	void (*on_followed)(void *ctx, const struct listing *listing);
};

/*
 * Creates a sync. `config` is copied; the other arguments are kept by reference and must
 * outlive it. Returns 0 or -ENOMEM.
 */
int sync_new(struct loop *loop, const struct log *log, struct catalog *catalog,
	struct api *api, const struct sync_config *config, struct sync **ret_sync);

/*
 * Sets the functions to call for changes. Call it before the first request; `handlers` is
 * copied.
 */
void sync_set_handlers(
	struct sync *sync, const struct sync_handlers *handlers, void *ctx);

/*
 * Cancels all calls, without calling any handler, and frees `sync`. All listings must
 * have been released. NULL is fine.
 */
void sync_free(struct sync *sync);

/*
 * True if the stored state of a job is new enough to be shown at `at_wall_ms`. Finished
 * jobs do not change (SEMANTICS 7.1); unfinished ones are too old after ttl, unless the
 * API is out of reach (SEMANTICS 7.5): then this may send a request to try it again.
 */
bool sync_is_fresh(struct sync *sync, const struct catalog_job *job, int64_t at_wall_ms);

/*
 * Makes all listings and unfinished jobs count as too old from now on (SEMANTICS 1.5), so
 * that they are fetched again at their next use. Listings that are held stay as they are.
 */
void sync_refresh(struct sync *sync);

/*
 * Makes everything that a directory of this query shows count as too old: its listings,
 * the listings from which they could be selected, and its unfinished jobs. Returns 0,
 * -ENOMEM or -EIO.
 */
int sync_refresh_query(struct sync *sync, const struct query *query);

/* Counters for .gladiafs/stats. */
struct sync_stats {
	struct api_stats api;
	unsigned by_id;
	struct sync_deletes {
		uint64_t done;      /* jobs that the API deleted */
		uint64_t not_found; /* jobs that the API did not have any more */
		uint64_t failed;    /* deletions refused, or with an unknown outcome */
		uint64_t under_way;
	} deletes;
};

/* Fills `ret_stats` with the present counts. */
void sync_stats(const struct sync *sync, struct sync_stats *ret_stats);

/*
 * Commits the changes of this turn of the event loop; call it at the end of each turn. If
 * the commit fails, all listings fail with it. If the catalog exceeds its maximum size,
 * starts a timer that shrinks it step by step.
 */
void sync_commit(struct sync *sync);
