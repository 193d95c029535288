/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "catalog/saved_listings.h"
#include "gladia/timestamp.h"
#include "internal.h"

/*
 * Publishes a complete listing: reports missing jobs, and stores the listing, its
 * unfinished jobs and its newest change.
 *
 * The newest change that the listings of a query have shown is the mtime of its
 * directories (SEMANTICS 5.1). It never decreases, because a revalidated listing has not
 * looked at all of its jobs again (revalidate.h).
 */

/* Returns the catalog key: a digest, as the query may hold metadata of deleted jobs. */
static uint64_t publish_newest_key(enum listing_kind kind, const char *key)
{
	char text[QUERY_KEY_MAX + 16];

	(void)snprintf(text, sizeof(text), "%d %s", (int)kind, key);
	return sha256_u63("newest", text);
}

void newest_note(struct listing *listing, int64_t changed_ms)
{
	if (changed_ms > listing->newest_ms)
		listing->newest_ms = changed_ms;
}

static void publish_note_days(struct listing *listing)
{
	const struct member_set *days = &listing->members;

	for (size_t i = 0; i < days->len; i++)
		newest_note(listing, zone_day_begin(listing->query.zone,
					     days->members[i] - LISTING_DAY_BASE));
}

static void publish_newest(struct listing *listing)
{
	struct sync *sync = listing->sync;
	uint64_t number = publish_newest_key(listing->kind, listing->key);
	int64_t before_ms = JOB_NO_TIME;

	if (listing->kind == LISTING_DAYS)
		publish_note_days(listing);

	int err = newest_load(sync->catalog, number, &before_ms);

	/* If the catalog cannot store it, it has logged the reason. */
	if ((!err || err == -ENOENT) && listing->newest_ms > before_ms)
		newest_save(sync->catalog, number, listing->newest_ms);
	if (sync->handlers.on_listed)
		sync->handlers.on_listed(sync->handlers_ctx, &listing->query);
}

int64_t listing_newest_ms(
	const struct sync *sync, enum listing_kind kind, const struct query *query)
{
	char key[QUERY_KEY_MAX];
	int64_t newest_ms;

	query_key(query, key);
	if (newest_load(sync->catalog, publish_newest_key(kind, key), &newest_ms))
		return JOB_NO_TIME;
	return newest_ms;
}

/* Reports each of these jobs that is not in the listing as missing. */
static void publish_missing_rows(struct listing *listing, const int64_t *rows, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!member_set_has(&listing->members, rows[i]))
			sync_on_job_missing(listing->sync, rows[i], &listing->query,
				listing->started_wall_ms);
}

/* Compares with the previous listing, of this mount or an earlier one (SEMANTICS 7.1). */
static void publish_missing_jobs(struct listing *listing)
{
	const struct listing *before = listing->previous;
	struct catalog_listing kept;
	int64_t *rows;
	size_t len;

	if (before)
		publish_missing_rows(
			listing, before->members.members, before->members.len);
	else if (!saved_listings_load(
			 listing->sync->catalog, listing->key, &kept, &rows, &len)) {
		publish_missing_rows(listing, rows, len);
		free(rows);
	}
}

/* Reports known jobs that are in no listing, because they were opened by name only. */
static void publish_missing_strays(struct listing *listing)
{
	struct catalog *catalog = listing->sync->catalog;
	struct catalog_totals totals;
	int64_t *rows;
	size_t len;

	catalog_totals(catalog, &totals);
	if (totals.jobs <= listing->members.len || !query_is_all(&listing->query) ||
		jobs_seen_before(catalog, listing->started_wall_ms, &rows, &len))
		return;
	publish_missing_rows(listing, rows, len);
	free(rows);
}

enum { UNFINISHED_KEY_MAX = QUERY_KEY_MAX + 16 };

/* The catalog key under which the unfinished jobs are saved beside the listing. */
static void publish_unfinished_key(
	const struct listing *listing, char key[static UNFINISHED_KEY_MAX])
{
	(void)snprintf(key, UNFINISHED_KEY_MAX, "%s, unfinished", listing->key);
}

int listing_set_unfinished(struct listing *listing, const int64_t *rows, size_t len)
{
	int64_t *copy = malloc((len + 1) * sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (len)
		memcpy(copy, rows, len * sizeof(*copy));
	free(listing->unfinished_before);
	listing->unfinished_before = copy;
	listing->unfinished_before_len = len;
	return 0;
}

int listing_load_unfinished(const struct listing *listing, struct rows *ret_rows)
{
	const struct listing *before = listing->previous;
	char key[UNFINISHED_KEY_MAX];
	struct catalog_listing kept;

	*ret_rows = (struct rows){0};
	/* A listing that was shown from the cache has its own, which are not saved. */
	if (before && before->unfinished_before)
		return rows_append(ret_rows, before->unfinished_before,
			before->unfinished_before_len);
	publish_unfinished_key(listing, key);
	return saved_listings_load(
		listing->sync->catalog, key, &kept, &ret_rows->rows, &ret_rows->len);
}

bool listing_had_jobs(const struct listing *listing)
{
	struct catalog *catalog = listing->sync->catalog;
	const struct listing *before = listing_find_complete(
		listing->sync, listing->kind, listing->key);
	struct catalog_listing kept;
	int64_t *rows = NULL;
	size_t len = 0;
	bool had = false;
	int err;

	if (listing->members.len || before)
		return listing->members.len || before->members.len;
	err = saved_listings_load(catalog, listing->key, &kept, &rows, &len);
	free(rows);
	if (!err)
		return len > 0;
	if (err == -ENOENT)
		err = jobs_any(catalog, &listing->query, &had);
	/* If the catalog fails, assume that it had: this costs one more request. */
	return had || err;
}

/* Saves the listing for the next refresh, even after an unmount (SEMANTICS 7.2). */
static void publish_save(const struct listing *listing)
{
	struct catalog *catalog = listing->sync->catalog;
	const struct catalog_listing kept = {
		.completed_ms = listing->started_wall_ms, .ordered = listing->ordered};
	char key[UNFINISHED_KEY_MAX];

	/* If saving fails, the catalog logs it and the next refresh reads everything. */
	if (!listing->unchanged)
		saved_listings_save(catalog, listing->key, &kept,
			listing->members.members, listing->members.len);
	publish_unfinished_key(listing, key);
	if (listing->unfinished_before)
		saved_listings_save(catalog, key, &kept, listing->unfinished_before,
			listing->unfinished_before_len);
	else if (!listing->unchanged)
		saved_listings_forget(catalog, key);
}

void listing_publish(struct listing *listing)
{
	/* If selected by metadata, the surrounding listing has reported missing jobs. */
	if (listing->kind == LISTING_JOBS && listing->query.metadata[0] == '\0' &&
		listing->origin != ORIGIN_CACHE) {
		publish_missing_jobs(listing);
		publish_missing_strays(listing);
		publish_save(listing);
	}
	publish_newest(listing);
}
