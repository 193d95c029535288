/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "catalog/saved_listings.h"
#include "gladia/timestamp.h"
#include "offline.h"
#include "revalidate.h"

/* Rows examined per turn of the event loop, so that other requests are not delayed. */
enum { SELECT_BATCH = 2000 };

/*
 * Fills a listing from the cache while the API is out of reach (offline.h), by selecting
 * from the newest complete listing that contains its jobs.
 */
struct select_cached {
	bool loaded;
	struct rows rows; /* jobs, or days of the same query */
	bool are_days;
	bool ordered;
	int64_t wall_ms; /* wall time of the listing that they are from */
	size_t at;
	size_t emitted;   /* members that another source has emitted before */
	struct rows days; /* days of the jobs examined so far */
	struct loop_timer next;
};

/* Returns a complete listing of the query in memory, however old, or NULL. */
static const struct listing *cached_find_complete(
	const struct listing *listing, enum listing_kind kind, const char *key)
{
	const struct listing *found = listing_find(listing->sync, kind, key);

	if (found && found->state != LISTING_COMPLETE)
		found = found->previous;
	return found && found->state == LISTING_COMPLETE ? found : NULL;
}

/* Takes a copy of these rows if they are newer than the rows loaded so far. */
static int cached_take_better(struct select_cached *known, const int64_t *rows,
	size_t len, bool days, bool ordered, int64_t wall_ms)
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

static int cached_load_from_memory(const struct listing *listing, enum listing_kind kind,
	const char *key, struct select_cached *known)
{
	const struct listing *found = cached_find_complete(listing, kind, key);

	if (!found)
		return 0;
	return cached_take_better(known, found->members.members, found->members.len,
		kind == LISTING_DAYS, found->ordered, found->started_wall_ms);
}

static int cached_load_from_catalog(
	const struct listing *listing, const char *key, struct select_cached *known)
{
	struct catalog_listing kept;
	int64_t *rows;
	size_t len;
	int err = saved_listings_load(listing->sync->catalog, key, &kept, &rows, &len);

	if (err)
		return err == -ENOENT ? 0 : err;
	err = cached_take_better(
		known, rows, len, false, kept.ordered, kept.completed_ms);
	free(rows);
	return err;
}

/*
 * Loads the newest complete listing that contains the listing's jobs. Returns 0, -ENOENT
 * if there is none, -ENOMEM, or -EIO.
 */
static int cached_load(const struct listing *listing, struct select_cached *known)
{
	struct query queries[3] = {listing->query, listing->query};
	char key[QUERY_KEY_MAX];
	int err = 0;

	queries[1].statuses = QUERY_ALL_STATUSES;
	*queries[1].metadata = '\0';
	query_init(&queries[2]);
	if (listing->kind == LISTING_DAYS)
		err = cached_load_from_memory(listing, LISTING_DAYS, listing->key, known);
	for (size_t i = 0; !err && i < ARRAY_SIZE(queries); i++) {
		query_key(&queries[i], key);
		err = cached_load_from_memory(listing, LISTING_JOBS, key, known);
		if (!err)
			err = cached_load_from_catalog(listing, key, known);
	}
	if (!err && !known->loaded)
		err = -ENOENT;
	return err;
}

static void cached_unload(struct select_cached *known)
{
	free(known->rows.rows);
	free(known->days.rows);
	known->rows = known->days = (struct rows){0};
	known->loaded = false;
	known->at = 0;
}

/* Adds a job of the cached listing, or its day, if it matches. */
static int cached_take(struct listing *listing, int64_t row)
{
	struct select_cached *known = listing->source_state;
	struct catalog_job job;
	bool matches = false;
	int64_t day;

	if (known->are_days)
		return member_set_add(&listing->members, row, LISTING_EMITTED, true);

	int err = listing_look_up(listing, row, &job, &matches);

	if (err || !matches)
		return err == -ENOENT ? 0 : err;
	if (listing->kind == LISTING_JOBS)
		return member_set_add(&listing->members, row, LISTING_EMITTED, true);
	if (job.job.created_ms == JOB_NO_TIME)
		return 0;
	day = day_of_timestamp(job.job.created_ms) + LISTING_DAY_BASE;
	return known->days.len && known->days.rows[known->days.len - 1] == day
		       ? 0
		       : rows_append(&known->days, &day, 1);
}

static int cached_newest_first(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

static int cached_take_days(struct listing *listing)
{
	struct rows *days = &((struct select_cached *)listing->source_state)->days;
	int err = 0;

	if (days->len)
		qsort(days->rows, days->len, sizeof(*days->rows), cached_newest_first);
	for (size_t i = 0; !err && i < days->len; i++)
		err = member_set_add(
			&listing->members, days->rows[i], LISTING_EMITTED, true);
	return err;
}

static void cached_take_on(void *ctx)
{
	struct listing *listing = ctx;
	struct select_cached *known = listing->source_state;
	size_t told = listing->members.len;
	int err = 0;

	catalog_read_begin(listing->sync->catalog);
	/* If a row fails, the next call examines it again. */
	for (int i = 0; !err && i < SELECT_BATCH && known->at < known->rows.len; i++) {
		err = cached_take(listing, known->rows.rows[known->at]);
		known->at += !err;
	}
	catalog_read_end(listing->sync->catalog);
	if (!err && known->at == known->rows.len)
		err = cached_take_days(listing);
	if (err) {
		listing_failed(listing, err, strerror(-err));
		return;
	}
	if (known->at == known->rows.len) {
		listing->started_wall_ms = known->wall_ms;
		listing->ordered = known->ordered && !known->emitted;
		listing_completed(listing);
		return;
	}
	if (listing->members.len > told)
		listing_grew(listing);
	loop_timer_set(
		listing->sync->loop, &known->next, loop_now_ms(listing->sync->loop));
}

static void cached_pull(struct listing *listing)
{
	struct select_cached *known = listing->source_state;

	if (!loop_timer_is_set(&known->next))
		cached_take_on(listing);
}

static int cached_begin(struct listing *listing)
{
	struct select_cached *known;
	int err;

	if (!offline_is(listing->sync))
		return -ENOENT;
	known = calloc(1, sizeof(*known));
	if (!known)
		return -ENOMEM;
	err = cached_load(listing, known);
	if (err) {
		free(known->rows.rows);
		free(known);
		return err;
	}
	loop_timer_init(&known->next, cached_take_on, listing);
	known->emitted = listing->members.len;
	listing->source_state = known;
	return 0;
}

static void cached_end(struct listing *listing)
{
	struct select_cached *known = listing->source_state;

	loop_timer_cancel(&known->next);
	cached_unload(known);
	free(known);
}

const struct listing_source select_cached = {
	ORIGIN_CACHE, cached_begin, cached_pull, cached_end};

bool listing_had_jobs(const struct listing *listing)
{
	struct catalog *catalog = listing->sync->catalog;
	struct select_cached known = {0};
	bool had = listing->members.len > 0;
	int err = cached_load_from_memory(listing, listing->kind, listing->key, &known);

	if (!err && !known.loaded)
		err = cached_load_from_catalog(listing, listing->key, &known);
	if (!err && known.loaded)
		had = had || known.rows.len;
	else if (!err && !had)
		err = jobs_any(catalog, &listing->query, &had);
	cached_unload(&known);
	/* If the catalog fails, assume that it had: this costs one more request. */
	return had || err;
}
