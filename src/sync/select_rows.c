/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "catalog/saved_listings.h"
#include "offline.h"
#include "source_select.h"

/* The rows from which listings are selected, and the sources that select from them. */

/*
 * Returns a complete listing of jobs of the query that is younger than ttl, or NULL. It
 * may be one that was replaced because it has deleted rows.
 */
static struct listing *rows_find_fresh(const struct sync *sync, const struct query *query)
{
	char key[QUERY_KEY_MAX];

	query_key(query, key);

	struct listing *found = listing_find_complete(sync, LISTING_JOBS, key);

	return found && listing_is_young(found) ? found : NULL;
}

void select_queries_around(
	const struct query *query, struct query ret_around[static SELECT_AROUND_LEN])
{
	ret_around[0] = *query;
	ret_around[1] = *query;
	*ret_around[1].metadata = '\0';
	ret_around[2] = ret_around[1];
	ret_around[2].statuses = QUERY_ALL_STATUSES;
	query_init(&ret_around[3]);
}

/* Selects from a listing, and takes over a reference to it. */
static int rows_begin_from(struct listing *listing, struct listing *from)
{
	struct select_rows rows = {.listing = from, .wall_ms = from->started_wall_ms};

	listing->started_ms = from->started_ms;
	return select_begin(listing, &rows);
}

static int rows_begin_fresh(struct listing *listing)
{
	struct query around[SELECT_AROUND_LEN];
	struct listing *from = NULL;

	select_queries_around(&listing->query, around);
	for (size_t i = 0; !from && i < SELECT_AROUND_LEN; i++)
		from = rows_find_fresh(listing->sync, &around[i]);
	if (!from)
		return -ENOENT;
	from->holders++;
	return rows_begin_from(listing, from);
}

/*
 * Returns the listing of jobs of the query if it is still growing, or NULL. Reading a
 * whole account can take longer than any reader waits, and longer than ttl: a reader that
 * comes back soon continues the reading instead of restarting it.
 */
static struct listing *rows_find_growing(
	const struct sync *sync, const struct query *query)
{
	char key[QUERY_KEY_MAX];

	query_key(query, key);

	struct listing *found = listing_find(sync, LISTING_JOBS, key);

	if (!found || found->state != LISTING_FILLING || !listing_is_valid(found) ||
		!found->members.len ||
		loop_now_ms(sync->loop) - found->grew_ms >= sync->config.ttl_ms)
		return NULL;
	return found;
}

static int rows_begin_growing(struct listing *listing)
{
	struct query around = listing->query;
	struct listing *from;
	int err = 0;

	*around.metadata = '\0';
	from = rows_find_growing(listing->sync, &around);
	if (from)
		from->holders++;
	else
		err = listing_get(listing->sync, LISTING_JOBS, &around, &from);
	return err ? err : rows_begin_from(listing, from);
}

/*
 * Replaces `best` by the newest complete listing of the query, in memory or saved, if
 * that is newer. Takes no reference. Returns 0, -ENOMEM, or -EIO.
 */
static int rows_consider(const struct sync *sync, enum listing_kind kind,
	const struct query *query, struct select_rows *best)
{
	struct catalog_listing kept;
	struct listing *found;
	struct rows saved = {0};
	char key[QUERY_KEY_MAX];
	int err;

	query_key(query, key);
	found = listing_find_complete(sync, kind, key);
	if (found && found->started_wall_ms > best->wall_ms) {
		rows_done(&best->saved);
		best->listing = found;
		best->wall_ms = found->started_wall_ms;
	}
	/* Only listings of jobs are saved. */
	if (kind != LISTING_JOBS)
		return 0;
	err = saved_listings_load(sync->catalog, key, &kept, &saved.rows, &saved.len);
	if (err || kept.completed_ms <= best->wall_ms) {
		rows_done(&saved);
		return err == -ENOENT ? 0 : err;
	}
	rows_done(&best->saved);
	*best = (struct select_rows){
		.saved = saved, .wall_ms = kept.completed_ms, .ordered = kept.ordered};
	return 0;
}

static int rows_begin_cached(struct listing *listing)
{
	struct sync *sync = listing->sync;
	struct select_rows best = {.wall_ms = INT64_MIN};
	struct query around[SELECT_AROUND_LEN];
	int err = 0;

	if (!offline_is(sync))
		return -ENOENT;
	select_queries_around(&listing->query, around);
	if (listing->kind == LISTING_DAYS)
		err = rows_consider(sync, LISTING_DAYS, &listing->query, &best);
	for (size_t i = 0; !err && i < SELECT_AROUND_LEN; i++)
		err = rows_consider(sync, LISTING_JOBS, &around[i], &best);
	if (!err && best.wall_ms == INT64_MIN)
		err = -ENOENT;
	if (err) {
		rows_done(&best.saved);
		return err;
	}
	if (best.listing)
		best.listing->holders++;
	return select_begin(listing, &best);
}

const struct listing_source select_fresh = {
	ORIGIN_SELECTED, rows_begin_fresh, select_pull, select_end};
const struct listing_source select_growing = {
	ORIGIN_SELECTED, rows_begin_growing, select_pull, select_end};
const struct listing_source select_cached = {
	ORIGIN_CACHE, rows_begin_cached, select_pull, select_end};
