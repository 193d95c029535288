/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/array.h"
#include "internal.h"

/*
 * Fills a listing by selecting from another one, and sends no request itself. Each such
 * source consists of
 *
 *   rows        of a listing that is complete or still grows, or of one that was saved
 *               in the catalog; however old (select_rows.c)
 *   predicate   the listing's query: jobs_match() decides whether a row's job matches
 *   mapper      what a matching job adds to the members: its row, its day, its keys, or
 *               its values (select_mappers.c)
 *   budget      SELECT_ROWS_PER_TURN
 *
 * and works as follows (source_select.c):
 *
 *   no reader waits for more                idle
 *   there are rows that were not examined   examine them, a batch per turn of the event
 *                                           loop; map those that match
 *   all are examined, and more may follow   want the next one from the listing that the
 *                                           rows come from, and wait until it grows
 *   all are examined, and none can follow   complete
 *   that listing or the catalog fails       the readers get the error; the next one
 *                                           continues at the same row
 *
 * A new filter needs a member of struct query and its part in jobs_match(), and nothing
 * here. A new kind of names needs a mapper.
 */

/* Rows examined per turn: one to four milliseconds, so other requests are not delayed. */
enum { SELECT_ROWS_PER_TURN = 2000 };

/* Rows to select from: of `listing`, or if that is NULL, `saved`. */
struct select_rows {
	struct listing *listing; /* we hold a reference */
	struct rows saved;
	int64_t wall_ms; /* wall time at which the listing was started */
	bool ordered;    /* the saved rows are in descending order of created_at */
};

/* The state of a source that selects. */
struct select {
	struct listing *listing; /* the one to fill */
	struct select_rows rows;
	size_t at;                 /* number of rows examined */
	size_t emitted;            /* members that another source has added before */
	struct rows days;          /* days found so far, in any order */
	struct query all_statuses; /* the query of the listing, for all statuses */
	struct rows unfinished;    /* unfinished jobs that match only this, see
				      listing_set_unfinished() */
	struct buf metadata;       /* metadata of the job being examined */
	struct waiter waiter;      /* waits until rows.listing grows */
	struct loop_timer next;    /* continues in another turn */
	int error;                 /* error that the waiter was woken with */
};

/* Turns the jobs that match into members. */
struct select_mapper {
	/* Adds what one job contributes. Returns 0, -ENOMEM, -EFBIG or -EIO. */
	int (*add)(struct select *select, const struct catalog_job *job);
	/* Adds what depends on all jobs. Returns the same. NULL: nothing does. */
	int (*finish)(struct select *select);
};

/* The mappers by the kind of the listing (enum listing_kind). */
extern const struct select_mapper select_mappers[];

/*
 * Returns the queries whose listings contain all jobs of a query: its own, the same
 * without metadata, the same for all statuses, and that of all jobs.
 */
enum { SELECT_AROUND_LEN = 4 };
void select_queries_around(
	const struct query *query, struct query ret_around[static SELECT_AROUND_LEN]);

/*
 * begin() of all sources that select: fills `listing` from `rows`, and takes ownership of
 * them, also on failure. Returns 0 or -ENOMEM.
 */
int select_begin(struct listing *listing, struct select_rows *rows);

/* pull() and end() of all sources that select. */
void select_pull(struct listing *listing);
void select_end(struct listing *listing);

/*
 * Selects from a complete listing, younger than ttl, that contains all jobs of this one:
 * jobs of one status from the listing of all statuses, those of one day from the listing
 * of all jobs. After a job was deleted through the mount, selects from the previous
 * listing of the same query. Its begin() returns -ENOENT if there is none.
 */
extern const struct listing_source select_fresh;

/*
 * Selects from the listing of jobs of the same query without metadata, which is read as
 * far as readers want more.
 *
 * We do not use the API's own filter for metadata. It is not known whether it understands
 * `custom_metadata`, and how: an answer with too few jobs looks like any other, and could
 * be recognised only by this same comparison. It would save nothing either: once that
 * listing is known, a refresh takes no more than its revalidation (revalidate.h).
 */
extern const struct listing_source select_growing;

/*
 * Selects from the newest complete listing, in memory or saved in the catalog, that
 * contains all jobs of this one, while the API is out of reach (offline.h). Its begin()
 * returns -ENOENT if the API is in reach, or if there is none.
 */
extern const struct listing_source select_cached;
