/* SPDX-License-Identifier: MIT */
#include "sync/listing.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/*
 * Listings nobody holds are kept for who comes within the time to live, and to find out
 * what is gone when the query is read anew: so many, with so many members together.
 */
enum { KEPT_MAX = 256, KEPT_MEMBERS_MAX = 4 << 20 };

static const struct filler *const fillers[] = {
	[LISTING_JOBS] = &filler_pages,
	[LISTING_DAYS] = &filler_days,
};

struct listing *listing_find(
	const struct sync *sync, enum listing_kind kind, const char *key)
{
	/* The newest of a query comes last. */
	for (struct list *link = sync->listings.prev; link != &sync->listings;
		link = link->prev) {
		struct listing *listing = list_entry(link, struct listing, link);

		if (listing->kind == kind && strcmp(listing->key, key) == 0)
			return listing;
	}
	return NULL;
}

static bool is_present(const struct listing *listing)
{
	int64_t age = loop_now_ms(listing->sync->loop) - listing->began_ms;

	return !listing->broken && !listing->outdated &&
	       age < listing->sync->config.ttl_ms;
}

static void end_filling(struct listing *listing)
{
	if (listing->filling)
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
	free(listing->key);
	free(listing);
}

/* The one to let go next: the oldest that nobody holds, where there are too many. */
static struct listing *find_surplus(struct sync *sync)
{
	struct listing *oldest = NULL;
	uint64_t members = 0;

	list_for_each (link, &sync->listings) {
		struct listing *listing = list_entry(link, struct listing, link);

		members += listing->members.len;
		if (!oldest && !listing->holders)
			oldest = listing;
	}
	return sync->listings_len > KEPT_MAX || members > KEPT_MEMBERS_MAX ? oldest
									   : NULL;
}

static void shrink(struct sync *sync)
{
	struct listing *surplus;

	/* One may hold another: begin anew after each. */
	while ((surplus = find_surplus(sync)))
		listing_drop(surplus);
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
	listing->filler = fillers[kind];
	listing->began_ms = loop_now_ms(sync->loop);
	listing->began_wall_ms = clock_wall_ms(loop_clock(sync->loop));
	snapshot_init(&listing->members);
	wait_queue_init(&listing->queue);
	if (!listing->key || listing->filler->begin(listing)) {
		free(listing->key);
		free(listing);
		return -ENOMEM;
	}
	listing->id = ++sync->last_id;
	list_append(&sync->listings, &listing->link);
	sync->listings_len++;
	*ret_listing = listing;
	return 0;
}

/* The last whole listing of the query will be compared with the new one. */
static void replace(struct listing *old, struct listing *new)
{
	struct listing *whole = old->complete ? old : old->before;

	if (!whole || whole->broken)
		return;
	whole->holders++;
	new->before = whole;
}

int listing_get(struct sync *sync, enum listing_kind kind, const struct query *query,
	struct listing **ret_listing)
{
	char key[QUERY_KEY_MAX];
	struct listing *made;

	query_key(query, key);

	struct listing *found = listing_find(sync, kind, key);

	if (!found || !is_present(found)) {
		int err = make(sync, kind, query, key, &made);

		if (err)
			return err;
		if (found)
			replace(found, made);
		found = made;
	}
	found->holders++;
	shrink(sync);
	*ret_listing = found;
	return 0;
}

void listing_put(struct listing *listing)
{
	assert(listing->holders);
	listing->holders--;
	/* Nobody comes back to what has been replaced. */
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

int64_t listing_member(const struct listing *listing, size_t position)
{
	assert(position < listing->members.len);
	return listing->members.members[position];
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
	listing->filler->pull(listing);
	if (there)
		return 0;
	/* It can turn out at once that nothing comes. */
	if (listing->complete)
		return -ENOENT;
	return listing->lacking ? -EAGAIN : -ENOMEM;
}

void listing_grew(struct listing *listing)
{
	listing->lacking = listing->lacking && listing->wanted >= listing->members.len;
	wait_wake(&listing->queue, 0);
}

/* What the listing before this one had, and this one never met. */
static void tell_missed(struct listing *listing)
{
	const struct listing *before = listing->before;

	if (!before || listing->kind != LISTING_JOBS)
		return;
	for (size_t i = 0; i < before->members.len; i++) {
		int64_t row = before->members.members[i];

		if (!snapshot_has(&listing->members, row))
			sync_missed(listing->sync, row, &listing->query,
				listing->began_wall_ms);
	}
}

void listing_completed(struct listing *listing)
{
	tell_missed(listing);
	listing->complete = true;
	listing->lacking = false;
	end_filling(listing);
	snapshot_seal(&listing->members);
	wait_wake(&listing->queue, 0);
}

void listing_failed(struct listing *listing, int error, const char *why)
{
	if (*why)
		log_error(listing->sync->log, "%s", why);
	listing->lacking = false;
	wait_wake(&listing->queue, error);
}
