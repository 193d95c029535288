/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/wait.h"
#include "gladia/query.h"
#include "sync/sync.h"

/*
 * A listing is the result of one query at one time: an array of numbers in a fixed order.
 * It grows page by page, only ever at its end, and is complete when the API has returned
 * the last page. A position refers to the same member for as long as the caller holds a
 * reference (SEMANTICS 6.4).
 *
 * Listings are lazy: the first request is sent when a reader wants the first member.
 * Until a reader wants a member beyond the first page, one page is requested; after that
 * pages are read ahead of the readers, several at a time (SEMANTICS 6.2).
 */
struct listing;

enum listing_kind {
	LISTING_JOBS, /* rows of jobs in the catalog, in the API's order */
	/* Days with jobs, newest first: days since 1970-01-01 plus LISTING_DAY_BASE. */
	LISTING_DAYS,
	/*
	 * The members of the following kinds are names, in the order in which they were
	 * found; each number only identifies its name, see listing_name().
	 */
	LISTING_KEYS,   /* keys in the custom_metadata of the query's jobs */
	LISTING_VALUES, /* values of the query's last key (QUERY_KEY) */
};

/* Keeps the members of LISTING_DAYS positive: the first day of year 1 is day -719162. */
enum { LISTING_DAY_BASE = 1000000 };

/*
 * Returns a reference to the current listing of `query`, or to a new one if there is none
 * that is younger than ttl. Sends no request. Release it with listing_put(). Returns 0,
 * -ENOMEM, or -EIO if the catalog fails.
 */
int listing_get(struct sync *sync, enum listing_kind kind, const struct query *query,
	struct listing **ret_listing);

/* Releases a reference. */
void listing_put(struct listing *listing);

/* Takes another reference to a listing that the caller already holds. */
void listing_hold(struct listing *listing);

/* Returns a number that identifies this listing within this process. */
uint64_t listing_id(const struct listing *listing);

/* Returns the number of members fetched so far. */
size_t listing_len(const struct listing *listing);

/* True if no more members can follow. */
bool listing_is_complete(const struct listing *listing);

/* Returns the age of the listing in milliseconds, counted from its start. */
int64_t listing_age_ms(const struct listing *listing);

/* Returns the member at `position`, which must be less than listing_len(). */
int64_t listing_member(const struct listing *listing, size_t position);

/*
 * Returns the file name of the member at `position` of a LISTING_KEYS or LISTING_VALUES
 * listing. The listing owns the string: it is valid until the listing
 * grows or is released.
 */
const char *listing_name(const struct listing *listing, size_t position);

/*
 * True if the LISTING_KEYS or LISTING_VALUES listing has `name` among
 * its members so far. Never blocks.
 */
bool listing_has_name(const struct listing *listing, const char *name);

/*
 * Makes sure the member at `position` is there, and requests it if it is not. Never
 * blocks.
 *
 * Returns 0 if the member is there, or -ENOENT if the listing is complete and shorter.
 * Returns -EAGAIN if the member is being fetched: listing_queue() is woken when the
 * listing grows, completes or fails. After a failure, calling again resumes at the page
 * that failed (SEMANTICS 6.1). Returns -ENOMEM or -EIO if the request cannot be started.
 */
int listing_want(struct listing *listing, size_t position);

/* Returns the queue that is woken whenever the listing grows, completes or fails. */
struct wait_queue *listing_queue(struct listing *listing);

/*
 * Returns the newest change that complete listings of the query have shown, in this mount
 * or an earlier one: the newest job_mtime_ms() of its jobs, or the beginning of the
 * newest day of a LISTING_DAYS listing. The value never decreases. Returns JOB_NO_TIME if
 * there is none.
 */
int64_t listing_newest_ms(
	const struct sync *sync, enum listing_kind kind, const struct query *query);
