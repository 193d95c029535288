/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "catalog/jobs.h"
#include "gladia/api.h"
#include "loop/loop.h"

/*
 * Fills the catalog from the API, on demand: listings (sync/listing.h) page by page, jobs
 * by their id (sync/single.h). One per account; never waits.
 */
struct sync;

struct sync_config {
	int64_t ttl_ms;     /* the age up to which what is known counts as true */
	int connections;    /* requests at a time for what nobody waits for yet */
	unsigned page_size; /* jobs a page; 0: adaptive */
	bool offline_ok;    /* an API out of reach: what is known counts (SPEC 7.5) */
	bool offline;       /* ... and it is out of reach at the start */
	int64_t timeout_ms; /* the longest a call to the API lasts */
};

struct sync_handlers {
	/*
	 * The job is gone, or its file or the places it belongs to have changed: whoever
	 * keeps its name shall forget it. `job` is as it is known now.
	 */
	void (*on_gone)(void *ctx, const struct catalog_job *job);
	/* A listing is complete: listing_newest_ms() may be another one. */
	void (*on_listed)(void *ctx, const struct query *query);
};

/* All but `config` and `handlers` are kept by reference. 0 or -ENOMEM. */
int sync_new(struct loop *loop, const struct log *log, struct catalog *catalog,
	struct api *api, const struct sync_config *config, struct sync **ret_sync);

/* Whom to tell; by then nothing has been asked. */
void sync_set_handlers(
	struct sync *sync, const struct sync_handlers *handlers, void *ctx);

/* Ends all calls; nobody is told any more. All listings must have been let go. */
void sync_free(struct sync *sync);

/*
 * Is what is known of a job new enough for somebody who asks at `at_wall_ms`? Finished
 * jobs do not change (SPEC 7.1); others are too old after the time to live.
 */
bool sync_is_fresh(
	const struct sync *sync, const struct catalog_job *job, int64_t at_wall_ms);

/*
 * What is known counts as too old from now on (SPEC 1.5): listings are read again and
 * unfinished jobs asked for again. Listings still held stay as they are.
 */
void sync_refresh(struct sync *sync);

/*
 * The same for what a directory with this query shows: its listings, those it could be
 * picked out of, and its unfinished jobs. 0, -ENOMEM, -EIO.
 */
int sync_refresh_query(struct sync *sync, const struct query *query);

/* What the API was asked, and of that how many jobs by their id just now. */
struct sync_stats {
	struct api_stats api;
	unsigned by_id;
	struct sync_deletes {
		uint64_t done;      /* deleted at the API */
		uint64_t not_found; /* the API had no such job any more */
		uint64_t failed;    /* refused, or the outcome is unknown */
		uint64_t under_way;
	} deletes;
};
void sync_stats(const struct sync *sync, struct sync_stats *ret_stats);

/*
 * To be called at the end of each of the loop's turns: makes lasting what the turn
 * brought. Where that fails, the listings it belongs to fail too. Where the catalog holds
 * more than it should, a timer makes it smaller from then on, step by step.
 */
void sync_commit(struct sync *sync);
