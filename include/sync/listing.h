/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/wait.h"
#include "gladia/query.h"
#include "sync/sync.h"

/*
 * A listing is what one look at a query gives: numbers in a fixed order, that come as the
 * pages come and are only ever added at the end, until it is complete. A position keeps
 * its meaning for as long as somebody holds the listing (SPEC 6.4).
 *
 * Nothing is asked of the API before somebody wants a position that is not there, and
 * then no more than one page, until somebody wants what follows it: then pages are read
 * ahead, several at a time (SPEC 6.2).
 */
struct listing;

enum listing_kind {
	LISTING_JOBS, /* rows of the catalog, in the API's order */
	LISTING_DAYS, /* days since 1970 that have jobs, plus LISTING_DAY_BASE, newest
			 first */
	/* Numbers that only tell names apart: listing_name(). As they are met. */
	LISTING_KEYS,   /* of custom_metadata that the query's jobs hold */
	LISTING_VALUES, /* of the key that was named last (QUERY_KEY) */
};

/* Days as positive numbers: year 0001 is day -719162. */
enum { LISTING_DAY_BASE = 1000000 };

/*
 * Takes hold of the query's present listing, if it is not older than the time to live, or
 * of a new one. To be given back by listing_put(). 0 or -ENOMEM.
 */
int listing_get(struct sync *sync, enum listing_kind kind, const struct query *query,
	struct listing **ret_listing);
void listing_put(struct listing *listing);

/* Takes hold once more of one that is held. */
void listing_hold(struct listing *listing);

/* A number no other listing of this process has. */
uint64_t listing_id(const struct listing *listing);

/* How many members there are so far. */
size_t listing_len(const struct listing *listing);

/* Is that all there are? */
bool listing_is_complete(const struct listing *listing);

/* How long ago it was begun. */
int64_t listing_age_ms(const struct listing *listing);

/* The member at a position below listing_len(). */
int64_t listing_member(const struct listing *listing, size_t position);

/* Of LISTING_KEYS and LISTING_VALUES, escaped; until the listing is let go. */
const char *listing_name(const struct listing *listing, size_t position);

/*
 * True if this name, escaped, is among the members that LISTING_KEYS or LISTING_VALUES
 * has so far. Never blocks.
 */
bool listing_has_name(const struct listing *listing, const char *name);

/*
 * A reader stands at `position`. 0: there is such a member. -ENOENT: the listing ends
 * before it. -EAGAIN: it has been asked for, and listing_queue() will tell of it, or with
 * an error why it does not come; asking once more then tries again from where it failed
 * (SPEC 6.1). Other errors, -ENOMEM or -EIO: it cannot even be asked for.
 */
int listing_want(struct listing *listing, size_t position);
struct wait_queue *listing_queue(struct listing *listing);

/*
 * Returns the newest change that complete listings of the query have shown, in this mount
 * or an earlier one: of jobs and of names their newest job_mtime_ms(), of days the newest
 * day's beginning. It never goes back. JOB_NO_TIME if there was none.
 */
int64_t listing_newest_ms(
	const struct sync *sync, enum listing_kind kind, const struct query *query);
