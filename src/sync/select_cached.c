/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/saved_listings.h"
#include "gladia/timestamp.h"
#include "offline.h"
#include "revalidate.h"

/* Rows examined per turn of the event loop, so that other requests are not delayed. */
enum { TAKEN_AT_ONCE = 2000 };

/*
 * Fills a listing from the cache while the API is out of reach (offline.h), by selecting
 * from the newest complete listing that contains its jobs.
 *
 *   IDLE       a reader wants a member     -> WAITING if there is a probe to wait for
 *                                          -> SELECTING otherwise
 *   WAITING    the API is in reach again   -> the cheapest source takes over
 *              it is still out of reach    -> SELECTING
 *   SELECTING  nothing is cached           -> listing_failed(), IDLE
 *              all rows were examined      -> complete, and marked as from the cache
 */
struct known {
	bool loaded;
	bool waiting;
	struct rows rows; /* jobs, or days of the same query */
	bool are_days;
	bool ordered;
	int64_t wall_ms; /* wall time of the listing that they are from */
	size_t at;
	struct rows days; /* days of the jobs examined so far */
	struct loop_timer next;
};

/* Returns a complete listing of the query in memory, however old, or NULL. */
static const struct listing *find_complete(
	const struct listing *listing, enum listing_kind kind, const char *key)
{
	const struct listing *found = listing_find(listing->sync, kind, key);

	if (found && !found->complete)
		found = found->before;
	return found && found->complete && !found->broken ? found : NULL;
}

/* Takes a copy of these rows if they are newer than the rows loaded so far. */
static int take_better(struct known *known, const int64_t *rows, size_t len, bool days,
	bool ordered, int64_t wall_ms)
{
	struct rows copy = {0};
	int err;

	if (known->loaded && known->wall_ms >= wall_ms)
		return 0;
	err = rows_append(&copy, rows, len);
	if (err)
		return err;
	free(known->rows.rows);
	known->rows = copy;
	known->are_days = days;
	known->ordered = ordered;
	known->wall_ms = wall_ms;
	known->loaded = true;
	return 0;
}

static int load_from_memory(const struct listing *listing, enum listing_kind kind,
	const char *key, struct known *known)
{
	const struct listing *found = find_complete(listing, kind, key);

	if (!found)
		return 0;
	return take_better(known, found->members.members, found->members.len,
		kind == LISTING_DAYS, found->ordered, found->began_wall_ms);
}

static int load_from_catalog(
	const struct listing *listing, const char *key, struct known *known)
{
	struct catalog_listing kept;
	int64_t *rows;
	size_t len;
	int err = listings_load(listing->sync->catalog, key, &kept, &rows, &len);

	if (err)
		return err == -ENOENT ? 0 : err;
	err = take_better(known, rows, len, false, kept.ordered, kept.completed_ms);
	free(rows);
	return err;
}

/*
 * Loads the newest complete listing that contains the listing's jobs. Returns 0, -ENOENT
 * if there is none, -ENOMEM, or -EIO.
 */
static int load(const struct listing *listing, struct known *known)
{
	struct query queries[3] = {listing->query, listing->query};
	char key[QUERY_KEY_MAX];
	int err = 0;

	queries[1].statuses = QUERY_ALL_STATUSES;
	*queries[1].metadata = '\0';
	query_init(&queries[2]);
	if (listing->kind == LISTING_DAYS)
		err = load_from_memory(listing, LISTING_DAYS, listing->key, known);
	for (size_t i = 0; !err && i < sizeof(queries) / sizeof(queries[0]); i++) {
		query_key(&queries[i], key);
		err = load_from_memory(listing, LISTING_JOBS, key, known);
		if (!err)
			err = load_from_catalog(listing, key, known);
	}
	if (!err && !known->loaded)
		err = -ENOENT;
	return err;
}

static void unload(struct known *known)
{
	free(known->rows.rows);
	free(known->days.rows);
	known->rows = known->days = (struct rows){0};
	known->loaded = false;
	known->at = 0;
}

/* Adds a job of the cached listing, or its day, if it matches. */
static int take(struct listing *listing, int64_t row)
{
	struct known *known = listing->filling;
	struct catalog_job job;
	bool matches = false;
	int64_t day;

	if (known->are_days)
		return snapshot_see(&listing->members, row, LISTING_TOLD, true);

	int err = listing_look_up(listing, row, &job, &matches);

	if (err || !matches)
		return err == -ENOENT ? 0 : err;
	if (listing->kind == LISTING_JOBS)
		return snapshot_see(&listing->members, row, LISTING_TOLD, true);
	if (job.job.created_ms == JOB_NO_TIME)
		return 0;
	day = day_of_instant(job.job.created_ms) + LISTING_DAY_BASE;
	return known->days.len && known->days.rows[known->days.len - 1] == day
		       ? 0
		       : rows_append(&known->days, &day, 1);
}

static int newest_first(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

static int take_days(struct listing *listing)
{
	struct rows *days = &((struct known *)listing->filling)->days;
	int err = 0;

	if (days->len)
		qsort(days->rows, days->len, sizeof(*days->rows), newest_first);
	for (size_t i = 0; !err && i < days->len; i++)
		err = snapshot_see(&listing->members, days->rows[i], LISTING_TOLD, true);
	return err;
}

static void fail(struct listing *listing, int error)
{
	unload(listing->filling);
	/* The reason was logged when the API was found out of reach. */
	listing_failed(listing, error, error == -EHOSTUNREACH ? "" : strerror(-error));
}

static void take_on(void *ctx)
{
	struct listing *listing = ctx;
	struct known *known = listing->filling;
	size_t told = listing->members.len;
	int err = 0;

	catalog_read_begin(listing->sync->catalog);
	for (int i = 0; !err && i < TAKEN_AT_ONCE && known->at < known->rows.len; i++)
		err = take(listing, known->rows.rows[known->at++]);
	catalog_read_end(listing->sync->catalog);
	if (!err && known->at == known->rows.len)
		err = take_days(listing);
	if (err) {
		fail(listing, err);
		return;
	}
	if (known->at == known->rows.len) {
		listing->began_wall_ms = known->wall_ms;
		listing->ordered = known->ordered && !listing->mixed;
		listing->stale = true;
		listing_completed(listing);
		return;
	}
	if (listing->members.len > told)
		listing_grew(listing);
	loop_timer_set(
		listing->sync->loop, &known->next, loop_now_ms(listing->sync->loop));
}

static void begin_taking(struct listing *listing)
{
	struct known *known = listing->filling;
	int err = known->loaded ? 0 : load(listing, known);

	known->waiting = false;
	if (err)
		fail(listing, err == -ENOENT ? -EHOSTUNREACH : err);
	else
		take_on(listing);
}

static void pull(struct listing *listing)
{
	struct sync *sync = listing->sync;
	struct known *known = listing->filling;

	if (known->waiting || loop_timer_is_set(&known->next))
		return;
	if (!offline_is(sync)) {
		listing_fill_anew(listing);
	} else if (!known->loaded && offline_may_wait(sync)) {
		known->waiting = true;
	} else {
		begin_taking(listing);
	}
}

static int begin(struct listing *listing)
{
	struct known *known = offline_is(listing->sync) ? calloc(1, sizeof(*known))
							: NULL;

	if (!known)
		return offline_is(listing->sync) ? -ENOMEM : -ENOENT;
	loop_timer_init(&known->next, take_on, listing);
	/* Cached rows follow members emitted before, so they are not in order. */
	listing->mixed = listing->members.len > 0;
	listing->filling = known;
	return 0;
}

static void end(struct listing *listing)
{
	struct known *known = listing->filling;

	loop_timer_cancel(&known->next);
	unload(known);
	free(known);
}

const struct filler filler_known = {begin, pull, end};

/* True if the cache can replace the source of a listing. */
static bool is_known(const struct listing *listing)
{
	struct known known = {0};
	int err = load(listing, &known);

	unload(&known);
	return !err;
}

bool listing_had_jobs(const struct listing *listing)
{
	struct catalog *catalog = listing->sync->catalog;
	struct known known = {0};
	bool had = listing->members.len > 0;
	int err = load_from_memory(listing, listing->kind, listing->key, &known);

	if (!err && !known.loaded)
		err = load_from_catalog(listing, listing->key, &known);
	if (!err && known.loaded)
		had = had || known.rows.len;
	else if (!err && !had)
		err = jobs_any(catalog, &listing->query, &had);
	unload(&known);
	/* If the catalog fails, assume that it had: this costs one more request. */
	return had || err;
}

/*
 * Fails a listing of which nothing is cached. Leaves it to this source, so that the next
 * reader fails at once instead of waiting for the API again.
 */
static void fail_unknown(struct listing *listing, int error)
{
	if (offline_is(listing->sync)) {
		listing->filler->end(listing);
		listing->filling = NULL;
		listing->filler = &filler_known;
		listing->broken = begin(listing) != 0;
	}
	listing_failed_for_good(listing, error);
}

static void settle_one(struct listing *listing)
{
	int unreached = listing->unreached;

	listing->unreached = 0;
	if (listing->complete || !listing->filling)
		return;
	/* The listing that it is selected from was filled from the cache, or failed. */
	if (listing->filler == &filler_follow) {
		if (unreached)
			listing_failed_for_good(listing, unreached);
	} else if (listing->filler == &filler_known) {
		if (!((struct known *)listing->filling)->waiting)
			return;
		if (offline_is(listing->sync))
			begin_taking(listing);
		else
			listing_fill_anew(listing);
	} else if (offline_is(listing->sync) && (listing->lacking || unreached) &&
		   is_known(listing)) {
		listing_fill_by(listing, &filler_known);
	} else if (unreached) {
		fail_unknown(listing, unreached);
	}
}

void known_settle(struct sync *sync)
{
	bool more = true;

	list_for_each (link, &sync->listings)
		list_entry(link, struct listing, link)->unsettled = true;
	/* Continuing one can create or free others: search from the start each time. */
	while (more) {
		more = false;
		list_for_each (link, &sync->listings) {
			struct listing *listing = list_entry(link, struct listing, link);

			if (!listing->unsettled)
				continue;
			listing->unsettled = false;
			settle_one(listing);
			more = true;
			break;
		}
	}
}
