/* SPDX-License-Identifier: MIT */
#include "sync/listing.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/saved_listings.h"
#include "offline.h"
#include "source_revalidate.h"

/*
 * How many listings without a holder are kept, and how many members in all: for readers
 * that come within ttl, and for finding out which jobs are missing at the next refresh.
 */
enum { KEPT_MAX = 256, KEPT_MEMBERS_MAX = 4 << 20 };

/* The sources of each kind of listing, the cheapest first; the last one always works. */
static const struct filler *const job_fillers[] = {
	&filler_derive, &filler_known, &filler_check, &filler_pages};
static const struct filler *const day_fillers[] = {
	&filler_derive, &filler_known, &filler_days};
static const struct filler *const metadata_fillers[] = {&filler_follow};

static const struct ways {
	const struct filler *const *fillers;
	size_t len;
} ways[] = {
	[LISTING_JOBS] = {job_fillers, sizeof(job_fillers) / sizeof(job_fillers[0])},
	[LISTING_DAYS] = {day_fillers, sizeof(day_fillers) / sizeof(day_fillers[0])},
	[LISTING_KEYS] = {metadata_fillers, 1},
	[LISTING_VALUES] = {metadata_fillers, 1},
};

static bool is_by_metadata(const struct listing *listing)
{
	return listing->query.metadata[0] != '\0';
}

static const struct ways *ways_of(const struct listing *listing)
{
	/* Jobs filtered by metadata are selected in the same way as names. */
	return listing->kind == LISTING_JOBS && is_by_metadata(listing)
		       ? &ways[LISTING_KEYS]
		       : &ways[listing->kind];
}

struct listing *listing_find(
	const struct sync *sync, enum listing_kind kind, const char *key)
{
	/* The newest listing of a query is the last one. */
	for (struct list *link = sync->listings.prev; link != &sync->listings;
		link = link->prev) {
		struct listing *listing = list_entry(link, struct listing, link);

		if (listing->kind == kind && strcmp(listing->key, key) == 0)
			return listing;
	}
	return NULL;
}

bool listing_is_young(const struct listing *listing)
{
	int64_t age = loop_now_ms(listing->sync->loop) - listing->began_ms;

	return !listing->broken && !listing->outdated && !listing->stale &&
	       age < listing->sync->config.ttl_ms;
}

bool listing_is_present(const struct listing *listing)
{
	/* It can be shown until the next attempt to reach the API is due. */
	if (listing->stale)
		return !listing->broken && !listing->outdated &&
		       offline_is(listing->sync) && !offline_is_due(listing->sync);
	return listing_is_young(listing) && !listing->thinned;
}

static void end_filling(struct listing *listing)
{
	if (listing->filler && listing->filling)
		listing->filler->end(listing);
	listing->filling = NULL;
	if (listing->before)
		listing_put(listing->before);
	listing->before = NULL;
}

void listing_drop(struct listing *listing)
{
	struct sync *sync = listing->sync;

	assert(!listing->holders);
	end_filling(listing);
	list_remove(&listing->link);
	sync->listings_len--;
	if (sync->walked == listing)
		sync->walked = NULL;
	snapshot_done(&listing->members);
	buf_done(&listing->names.text);
	free(listing->names.starts);
	free(listing->watch);
	free(listing->key);
	free(listing);
}

/*
 * Returns the listing to evict next, or NULL: if there are too many, the one without a
 * holder that was used least recently.
 */
static struct listing *find_surplus(struct sync *sync)
{
	struct listing *oldest = NULL;
	uint64_t members = 0;

	list_for_each (link, &sync->listings) {
		struct listing *listing = list_entry(link, struct listing, link);

		members += listing->members.len +
			   listing->names.text.len / sizeof(*listing->watch);
		if (!listing->holders && (!oldest || listing->used < oldest->used))
			oldest = listing;
	}
	return sync->listings_len > KEPT_MAX || members > KEPT_MEMBERS_MAX ? oldest
									   : NULL;
}

static void shrink(struct sync *sync)
{
	struct listing *surplus;

	/* Freeing a listing can free others, so search from the start each time. */
	while ((surplus = find_surplus(sync)))
		listing_drop(surplus);
}

void listing_drop_all(struct sync *sync)
{
	while (!list_empty(&sync->listings)) {
		struct list *link = sync->listings.next;

		while (list_entry(link, struct listing, link)->holders) {
			link = link->next;
			assert(link != &sync->listings);
		}
		listing_drop(list_entry(link, struct listing, link));
	}
}

static int make(struct sync *sync, enum listing_kind kind, const struct query *query,
	const char *key, struct listing **ret_listing)
{
	struct listing *listing = calloc(1, sizeof(*listing));

	if (!listing)
		return -ENOMEM;
	listing->sync = sync;
	listing->kind = kind;
	listing->query = *query;
	listing->key = strdup(key);
	listing->began_ms = loop_now_ms(sync->loop);
	listing->began_wall_ms = clock_wall_ms(loop_clock(sync->loop));
	listing->newest_ms = JOB_NO_TIME;
	snapshot_init(&listing->members);
	wait_queue_init(&listing->queue);
	if (!listing->key) {
		free(listing);
		return -ENOMEM;
	}
	listing->id = ++sync->last_id;
	list_append(&sync->listings, &listing->link);
	sync->listings_len++;
	*ret_listing = listing;
	return 0;
}

/* Keeps the last complete listing of the query, to compare the new one with it. */
static void replace(struct listing *old, struct listing *new)
{
	struct listing *whole = old->complete ? old : old->before;

	if (!whole || whole->broken)
		return;
	whole->holders++;
	new->before = whole;
}

static int begin_filling(struct listing *listing)
{
	const struct ways *open = ways_of(listing);
	int err = -ENOENT;

	for (size_t i = 0; err == -ENOENT && i < open->len; i++) {
		listing->filler = open->fillers[i];
		err = listing->filler->begin(listing);
	}
	if (err)
		listing->broken = true;
	return err;
}

void listing_fill_by(struct listing *listing, const struct filler *filler)
{
	listing->filler->end(listing);
	listing->filling = NULL;
	listing->filler = filler;

	int err = filler->begin(listing);

	if (err) {
		listing->broken = true;
		listing_failed(listing, err, strerror(-err));
		return;
	}
	filler->pull(listing);
}

void listing_fill_anew(struct listing *listing)
{
	listing->filler->end(listing);
	listing->filling = NULL;

	int err = begin_filling(listing);

	if (err)
		listing_failed(listing, err, strerror(-err));
	else
		listing->filler->pull(listing);
}

int listing_get(struct sync *sync, enum listing_kind kind, const struct query *query,
	struct listing **ret_listing)
{
	char key[QUERY_KEY_MAX];
	struct listing *made;

	query_key(query, key);

	struct listing *found = listing_find(sync, kind, key);

	if (!found || !listing_is_present(found)) {
		int err = make(sync, kind, query, key, &made);

		if (err)
			return err;
		if (found)
			replace(found, made);
		/* The replaced listing is not given to readers any more. */
		if (found && !found->holders)
			listing_drop(found);
		found = made;
	}
	found->holders++;
	shrink(sync);

	int err = found->filler ? 0 : begin_filling(found);

	if (err) {
		listing_put(found);
		return err;
	}
	*ret_listing = found;
	return 0;
}

void listing_hold(struct listing *listing)
{
	assert(listing->holders);
	listing->holders++;
}

void listing_put(struct listing *listing)
{
	assert(listing->holders);
	listing->holders--;
	listing->used = ++listing->sync->uses;
	/* If it was replaced or cannot be used any more, no reader will be given it. */
	if (!listing->holders && (listing->broken || listing->outdated ||
					 listing_find(listing->sync, listing->kind,
						 listing->key) != listing))
		listing_drop(listing);
}

uint64_t listing_id(const struct listing *listing)
{
	return listing->id;
}

size_t listing_len(const struct listing *listing)
{
	return listing->members.len;
}

bool listing_is_complete(const struct listing *listing)
{
	return listing->complete;
}

int64_t listing_age_ms(const struct listing *listing)
{
	return loop_now_ms(listing->sync->loop) - listing->began_ms;
}

int64_t listing_member(const struct listing *listing, size_t position)
{
	assert(position < listing->members.len);
	return listing->members.members[position];
}

const char *listing_name(const struct listing *listing, size_t position)
{
	assert(position < listing->members.len && listing->names.starts);
	return listing->names.text.data + listing->names.starts[position];
}

struct wait_queue *listing_queue(struct listing *listing)
{
	return &listing->queue;
}

int listing_want(struct listing *listing, size_t position)
{
	bool there = position < listing->members.len;

	if (listing->broken)
		return -EIO;
	if (there && (listing->complete || !listing->goes_on))
		return 0;
	if (listing->complete)
		return -ENOENT;
	if (position > listing->wanted)
		listing->wanted = position;
	if (!there) {
		listing->lacking = true;
		listing->goes_on = listing->goes_on || listing->members.len > 0;
	}
	listing->error = 0;
	listing->asked = there ? 0 : position + 1;
	listing->filler->pull(listing);
	listing->asked = 0;
	/* The source may have added members, failed or completed the listing at once. */
	if (position < listing->members.len)
		return 0;
	if (listing->error)
		return listing->error;
	if (listing->complete)
		return -ENOENT;
	listing->lacking = true;
	return -EAGAIN;
}

void listing_grew(struct listing *listing)
{
	/*
	 * Parked requests are woken and call listing_want() again if they lack more. A
	 * listing_want() that is running now is not in the queue yet: it still waits.
	 */
	listing->lacking = listing->asked > listing->members.len;
	listing->grew_ms = loop_now_ms(listing->sync->loop);
	wait_wake(&listing->queue, 0);
}

/* Reports each of these jobs that is not in the listing as missing. */
static void tell_missed(struct listing *listing, const int64_t *rows, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!snapshot_has(&listing->members, rows[i]))
			sync_missed(listing->sync, rows[i], &listing->query,
				listing->began_wall_ms);
}

/* Compares with the previous listing, of this mount or an earlier one (SEMANTICS 7.1). */
static void tell_missed_since(struct listing *listing)
{
	const struct listing *before = listing->before;
	struct catalog_listing kept;
	int64_t *rows;
	size_t len;

	if (before)
		tell_missed(listing, before->members.members, before->members.len);
	else if (!listings_load(
			 listing->sync->catalog, listing->key, &kept, &rows, &len)) {
		tell_missed(listing, rows, len);
		free(rows);
	}
}

/* Reports known jobs that are in no listing, because they were opened by name only. */
static void tell_strays(struct listing *listing)
{
	struct catalog *catalog = listing->sync->catalog;
	struct catalog_totals totals;
	int64_t *rows;
	size_t len;

	catalog_totals(catalog, &totals);
	if (totals.jobs <= listing->members.len || !query_is_all(&listing->query) ||
		jobs_seen_before(catalog, listing->began_wall_ms, &rows, &len))
		return;
	tell_missed(listing, rows, len);
	free(rows);
}

enum { WATCH_KEY_MAX = QUERY_KEY_MAX + 16 };

/* The catalog key under which the unfinished jobs are saved beside the listing. */
static void watch_key(const struct listing *listing, char key[static WATCH_KEY_MAX])
{
	(void)snprintf(key, WATCH_KEY_MAX, "%s, unfinished", listing->key);
}

int listing_watch(struct listing *listing, const int64_t *rows, size_t len)
{
	int64_t *copy = malloc((len + 1) * sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (len)
		memcpy(copy, rows, len * sizeof(*copy));
	free(listing->watch);
	listing->watch = copy;
	listing->watch_len = len;
	return 0;
}

int listing_load_watch(const struct listing *listing, int64_t **ret_rows, size_t *ret_len)
{
	char key[WATCH_KEY_MAX];
	struct catalog_listing kept;

	watch_key(listing, key);
	return listings_load(listing->sync->catalog, key, &kept, ret_rows, ret_len);
}

/* Saves the listing for the next refresh, even after an unmount (SEMANTICS 7.2). */
static void keep(const struct listing *listing)
{
	struct catalog *catalog = listing->sync->catalog;
	const struct catalog_listing kept = {
		.completed_ms = listing->began_wall_ms, .ordered = listing->ordered};
	char key[WATCH_KEY_MAX];

	/* If saving fails, the catalog logs it and the next refresh reads everything. */
	if (!listing->same)
		listings_save(catalog, listing->key, &kept, listing->members.members,
			listing->members.len);
	watch_key(listing, key);
	if (listing->watch)
		listings_save(catalog, key, &kept, listing->watch, listing->watch_len);
	else if (!listing->same)
		listings_forget(catalog, key);
}

void listing_completed(struct listing *listing)
{
	/* If selected by metadata, the surrounding listing has reported missing jobs. */
	if (listing->kind == LISTING_JOBS && !is_by_metadata(listing) &&
		!listing->stale) {
		tell_missed_since(listing);
		tell_strays(listing);
		keep(listing);
	}
	newest_publish(listing);
	listing->complete = true;
	listing->lacking = false;
	end_filling(listing);
	/* Listings of names keep their hash table for listing_has_name(). */
	if (listing->kind == LISTING_JOBS || listing->kind == LISTING_DAYS)
		snapshot_seal(&listing->members);
	wait_wake(&listing->queue, 0);
}

void listing_failed_for_good(struct listing *listing, int error)
{
	listing->lacking = false;
	listing->error = sync_errno(error);
	wait_wake(&listing->queue, listing->error);
}

void listing_failed(struct listing *listing, int error, const char *why)
{
	/*
	 * A source cannot be replaced within its own callback: wait for the turn to end.
	 */
	if (offline_means(listing->sync, error) && listing->filler != &filler_known) {
		listing->unreached = error;
		offline_post(listing->sync);
		return;
	}
	if (*why)
		log_error(listing->sync->log, "%s", why);
	listing_failed_for_good(listing, error);
}
