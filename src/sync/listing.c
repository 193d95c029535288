/* SPDX-License-Identifier: MIT */
#include "sync/listing.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "offline.h"
#include "source_select.h"

/* Maximum total size of the names of a listing, in bytes. */
enum { NAMES_TEXT_MAX = 64 << 20 };

/* Limits on listings that are kept without a holder, for readers that come within ttl
 * and to find the jobs that are missing at the next refresh. */
enum { KEPT_MAX = 256, KEPT_MEMBERS_MAX = 4 << 20 };

/* The sources of each kind of listing, the cheapest first; the last one always works. */
static const struct listing_source *const job_sources[] = {&select_fresh, &select_cached,
	&source_unreachable, &source_revalidate, &source_pages};
static const struct listing_source *const day_sources[] = {
	&select_fresh, &select_cached, &source_unreachable, &source_days};
static const struct listing_source *const metadata_sources[] = {&select_growing};

static const struct source_list {
	const struct listing_source *const *sources;
	size_t len;
} source_lists[] = {
	[LISTING_JOBS] = {job_sources, ARRAY_SIZE(job_sources)},
	[LISTING_DAYS] = {day_sources, ARRAY_SIZE(day_sources)},
	[LISTING_KEYS] = {metadata_sources, ARRAY_SIZE(metadata_sources)},
	[LISTING_VALUES] = {metadata_sources, ARRAY_SIZE(metadata_sources)},
};

static const struct source_list *listing_sources_of(const struct listing *listing)
{
	/* Whatever is filtered by metadata is selected. */
	return &source_lists[*listing->query.metadata ? LISTING_KEYS : listing->kind];
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

struct listing *listing_find_complete(
	const struct sync *sync, enum listing_kind kind, const char *key)
{
	struct listing *found = listing_find(sync, kind, key);

	if (found && found->state != LISTING_COMPLETE)
		found = found->previous;
	return found && found->state == LISTING_COMPLETE ? found : NULL;
}

bool listing_is_valid(const struct listing *listing)
{
	return listing->state != LISTING_FAILED &&
	       loop_now_ms(listing->sync->loop) < listing->invalid_since_ms;
}

bool listing_is_young(const struct listing *listing)
{
	return listing_is_valid(listing) && listing->origin != ORIGIN_CACHE &&
	       listing_age_ms(listing) < listing->sync->config.ttl_ms;
}

bool listing_is_present(const struct listing *listing)
{
	if (listing->origin == ORIGIN_CACHE)
		return listing_is_valid(listing) && offline_is(listing->sync);
	return listing_is_young(listing) && !listing->has_deleted_rows;
}

static void listing_end_source(struct listing *listing)
{
	if (listing->source_state) {
		assert(listing->source);
		listing->source->end(listing);
	}
	listing->source_state = NULL;
}

static void listing_end_filling(struct listing *listing)
{
	listing_end_source(listing);
	if (listing->previous)
		listing_put(listing->previous);
	listing->previous = NULL;
}

void listing_drop(struct listing *listing)
{
	struct sync *sync = listing->sync;

	assert(!listing->holders);
	listing_end_filling(listing);
	list_remove(&listing->link);
	sync->listings_len--;
	if (sync->prefetch_listing == listing)
		sync->prefetch_listing = NULL;
	member_set_done(&listing->members);
	buf_done(&listing->names.text);
	free(listing->names.starts);
	free(listing->unfinished_before);
	free(listing->key);
	free(listing);
}

/*
 * Returns the listing to evict next, or NULL: if there are too many, the one without a
 * holder that was used least recently.
 */
static struct listing *listing_find_surplus(struct sync *sync)
{
	struct listing *oldest = NULL;
	uint64_t members = 0;

	list_for_each (link, &sync->listings) {
		struct listing *listing = list_entry(link, struct listing, link);

		members += listing->members.len +
			   listing->names.text.len / sizeof(*listing->unfinished_before);
		if (!listing->holders && (!oldest || listing->used < oldest->used))
			oldest = listing;
	}
	return sync->listings_len > KEPT_MAX || members > KEPT_MEMBERS_MAX ? oldest
									   : NULL;
}

static void listing_shrink(struct sync *sync)
{
	struct listing *surplus;

	/* Freeing a listing can free others, so search from the start each time. */
	while ((surplus = listing_find_surplus(sync)))
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

static int listing_make(struct sync *sync, enum listing_kind kind,
	const struct query *query, const char *key, struct listing **ret_listing)
{
	struct listing *listing = calloc(1, sizeof(*listing));

	if (!listing)
		return -ENOMEM;
	listing->sync = sync;
	listing->kind = kind;
	listing->query = *query;
	listing->key = strdup(key);
	listing->started_ms = loop_now_ms(sync->loop);
	listing->started_wall_ms = clock_wall_ms(loop_clock(sync->loop));
	listing->newest_ms = JOB_NO_TIME;
	listing->invalid_since_ms = INT64_MAX;
	member_set_init(&listing->members);
	buf_init(&listing->names.text, NAMES_TEXT_MAX);
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
static void listing_replace(struct listing *old, struct listing *new)
{
	struct listing *whole = old->state == LISTING_COMPLETE ? old : old->previous;

	if (!whole || whole->state != LISTING_COMPLETE)
		return;
	whole->holders++;
	new->previous = whole;
}

static int listing_begin_source(
	struct listing *listing, const struct listing_source *source)
{
	listing->source = source;
	listing->origin = source->origin;
	return source->begin(listing);
}

static int listing_begin_filling(struct listing *listing)
{
	const struct source_list *open = listing_sources_of(listing);
	int err = -ENOENT;

	for (size_t i = 0; err == -ENOENT && i < open->len; i++)
		err = listing_begin_source(listing, open->sources[i]);
	if (err)
		listing->state = LISTING_FAILED;
	return err;
}

void listing_switch_source(struct listing *listing, const struct listing_source *source)
{
	listing_end_source(listing);

	int err = listing_begin_source(listing, source);

	if (err) {
		listing->state = LISTING_FAILED;
		listing_failed(listing, err, strerror(-err));
		return;
	}
	source->pull(listing);
}

/*
 * Continues from the cache if the listing's source asks the API, and wakes the parked
 * requests. Returns false if nothing is cached: then nothing changes.
 */
static bool listing_use_cache(struct listing *listing)
{
	const struct listing_source *source = listing->source;
	void *state = listing->source_state;
	void *cached;

	if (listing->state != LISTING_FILLING || listing->origin != ORIGIN_API ||
		select_cached.begin(listing))
		return false;
	cached = listing->source_state;
	listing->source_state = state;
	source->end(listing);
	listing->source_state = cached;
	listing->source = &select_cached;
	listing->origin = select_cached.origin;
	wait_wake(&listing->queue, 0);
	return true;
}

void listings_go_offline(struct sync *sync)
{
	list_for_each (link, &sync->listings) {
		struct listing *listing = list_entry(link, struct listing, link);

		if (listing->reader_waiting)
			listing_use_cache(listing);
	}
}

void listing_restart(struct listing *listing)
{
	listing_end_source(listing);

	int err = listing_begin_filling(listing);

	if (err)
		listing_failed(listing, err, strerror(-err));
	else
		listing->source->pull(listing);
}

int listing_get(struct sync *sync, enum listing_kind kind, const struct query *query,
	struct listing **ret_listing)
{
	char key[QUERY_KEY_MAX];
	struct listing *made;

	query_key(query, key);
	offline_check(sync);

	struct listing *found = listing_find(sync, kind, key);

	if (!found || !listing_is_present(found)) {
		int err = listing_make(sync, kind, query, key, &made);

		if (err)
			return err;
		if (found)
			listing_replace(found, made);
		/* The replaced listing is not given to readers any more. */
		if (found && !found->holders)
			listing_drop(found);
		found = made;
	}
	found->holders++;
	listing_shrink(sync);

	int err = found->source ? 0 : listing_begin_filling(found);

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
	if (!listing->holders &&
		(!listing_is_valid(listing) || listing_find(listing->sync, listing->kind,
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
	return listing->state != LISTING_FILLING;
}

int64_t listing_age_ms(const struct listing *listing)
{
	return loop_now_ms(listing->sync->loop) - listing->started_ms;
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

	if (listing->state == LISTING_FAILED)
		return -EIO;
	if (there && (listing->state == LISTING_COMPLETE || !listing->reading_ahead))
		return 0;
	if (listing->state == LISTING_COMPLETE)
		return -ENOENT;
	if (position > listing->wanted)
		listing->wanted = position;
	if (!there) {
		listing->reader_waiting = true;
		listing->reading_ahead = listing->reading_ahead ||
					 listing->members.len > 0;
	}
	listing->error = 0;
	listing->asked = there ? 0 : position + 1;
	if (offline_is(listing->sync))
		listing_use_cache(listing);
	listing->source->pull(listing);
	listing->asked = 0;
	/* The source may have added members, failed or completed the listing at once. */
	if (position < listing->members.len)
		return 0;
	if (listing->error)
		return listing->error;
	if (listing->state == LISTING_COMPLETE)
		return -ENOENT;
	listing->reader_waiting = true;
	return -EAGAIN;
}

void listing_grew(struct listing *listing)
{
	/*
	 * Parked requests are woken and call listing_want() again if they lack more. A
	 * listing_want() that is running now is not in the queue yet: it still waits.
	 */
	listing->reader_waiting = listing->asked > listing->members.len;
	listing->grew_ms = loop_now_ms(listing->sync->loop);
	wait_wake(&listing->queue, 0);
}

void listing_completed(struct listing *listing)
{
	listing_publish(listing);
	if (listing->state == LISTING_FILLING)
		listing->state = LISTING_COMPLETE;
	listing->reader_waiting = false;
	listing_end_filling(listing);
	/* Listings of names keep their hash table for listing_has_name(). */
	if (listing->kind == LISTING_JOBS || listing->kind == LISTING_DAYS)
		member_set_seal(&listing->members);
	wait_wake(&listing->queue, 0);
}

void listing_failed(struct listing *listing, int error, const char *errmsg)
{
	bool unreached = offline_means(listing->sync, error);

	if (unreached && listing_use_cache(listing))
		return;
	/* The next reader fails at once instead of waiting for the API again. */
	if (unreached && listing->origin == ORIGIN_API) {
		listing_end_source(listing);
		listing_begin_source(listing, &source_unreachable);
	}
	if (*errmsg && !unreached)
		log_error(listing->sync->log, "%s", errmsg);
	listing->reader_waiting = false;
	listing->error = sync_errno(error);
	wait_wake(&listing->queue, listing->error);
}
