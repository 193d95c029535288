/* SPDX-License-Identifier: MIT */
#include "prefetch_order.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum {
	/*
	 * The reader is following the directory's order after this many reads in a row,
	 * each at most LISTED_GAP positions after the previous one.
	 */
	LISTED_RUN = 2,
	LISTED_GAP = 8,
	/*
	 * The reader is following names or inode numbers after this many that rise in a
	 * row. By chance that happens once in 5,040 times.
	 */
	RISING_RUN = 6,
	MISSES_MAX = 3,
	/*
	 * Rows to add in one turn of the event loop; each costs a lookup in the catalog.
	 */
	SORT_STEP = 512,
	FIRST_CAP = 1024,
	/*
	 * How many positions to search for a file, from the last one or from the start.
	 */
	SEEK_MAX = 64 << 10,
};

void prefetch_order_begin(
	struct prefetch_order *walk, uint64_t dir, struct listing *listing)
{
	listing_hold(listing);
	prefetch_order_end(walk);
	*walk = (struct prefetch_order){.listing = listing, .dir = dir};
}

void prefetch_order_end(struct prefetch_order *walk)
{
	if (walk->listing)
		listing_put(walk->listing);
	free(walk->sorted);
	*walk = (struct prefetch_order){0};
}

/*
 * Returns the first bytes of a name as a number. Numbers compare like memcmp() of the
 * names.
 */
static uint64_t order_name_key(const char *id)
{
	uint64_t bytes = 0;

	memcpy(&bytes, id, strnlen(id, sizeof(bytes)));
	return be64toh(bytes);
}

static uint64_t order_key_of(const struct catalog_job *job, enum walk_order order)
{
	return order == ORDER_BY_INODE ? job->ino : order_name_key(job->job.id);
}

static bool order_seek_from(const struct prefetch_order *walk, int64_t row, size_t from,
	uint64_t *ret_position)
{
	size_t len = listing_len(walk->listing);
	size_t end = len - from < SEEK_MAX ? len : from + SEEK_MAX;

	for (size_t at = from; at < end; at++) {
		if (listing_member(walk->listing, at) == row) {
			*ret_position = at;
			return true;
		}
	}
	return false;
}

/*
 * Finds a file's position in the directory, most often shortly after the one read last.
 */
static bool order_seek(
	const struct prefetch_order *walk, int64_t row, uint64_t *ret_position)
{
	size_t last = walk->row ? (size_t)walk->keys[ORDER_LISTED] : 0;

	if (last > listing_len(walk->listing))
		last = 0;
	return order_seek_from(walk, row, last, ret_position) ||
	       (last && order_seek_from(walk, row, 0, ret_position));
}

/*
 * Records which file was read last. Returns false if it was not found in this directory.
 */
static bool order_note_read(struct prefetch_order *walk, const struct catalog_job *job)
{
	uint64_t keys[ORDERS] = {
		[ORDER_BY_INODE] = order_key_of(job, ORDER_BY_INODE),
		[ORDER_BY_NAME] = order_key_of(job, ORDER_BY_NAME),
	};

	if (!order_seek(walk, job->row, &keys[ORDER_LISTED]))
		return false;
	/* Reading the same file again says nothing about the order. */
	if (job->row == walk->row)
		return true;
	for (int order = 0; order < ORDERS; order++) {
		bool rises = walk->row && keys[order] >= walk->keys[order];

		if (order == ORDER_LISTED)
			rises = rises && keys[order] - walk->keys[order] <= LISTED_GAP;
		walk->runs[order] = rises ? walk->runs[order] + 1 : 0;
		walk->keys[order] = keys[order];
	}
	walk->row = job->row;
	return true;
}

int64_t prefetch_order_row(const struct prefetch_order *walk, size_t rank)
{
	if (walk->order != ORDER_LISTED)
		return rank < walk->sorted_len ? walk->sorted[rank].row : 0;
	return rank < listing_len(walk->listing) ? listing_member(walk->listing, rank)
						 : 0;
}

static void order_start_walking(struct prefetch_order *walk, size_t rank)
{
	walk->state = ORDER_KNOWN;
	walk->rank = rank;
	walk->given = rank + 1;
	walk->misses = 0;
}

static void order_look_anew(struct prefetch_order *walk)
{
	walk->state = ORDER_UNKNOWN;
	memset(walk->runs, 0, sizeof(walk->runs));
	free(walk->sorted);
	walk->sorted = NULL;
	walk->sorted_len = walk->sorted_cap = 0;
}

static bool order_goes_on(struct prefetch_order *walk, int64_t row)
{
	for (size_t rank = walk->rank; rank < walk->rank + ORDER_REACH; rank++) {
		int64_t there = prefetch_order_row(walk, rank);

		if (there == row) {
			walk->rank = rank;
			walk->misses = 0;
			return true;
		}
		if (!there)
			return false;
	}
	return false;
}

static void order_decide(struct prefetch_order *walk)
{
	if (walk->runs[ORDER_LISTED] >= LISTED_RUN) {
		walk->order = ORDER_LISTED;
		order_start_walking(walk, (size_t)walk->keys[ORDER_LISTED]);
		return;
	}
	for (enum walk_order order = ORDER_BY_INODE; order < ORDERS; order++) {
		if (walk->runs[order] >= RISING_RUN &&
			listing_len(walk->listing) <= ORDER_SORT_MAX) {
			walk->order = order;
			walk->state = ORDER_SORTING;
			return;
		}
	}
}

bool prefetch_order_read(struct prefetch_order *walk, const struct catalog_job *job)
{
	if (!walk->listing)
		return false;
	if (walk->state == ORDER_KNOWN && order_goes_on(walk, job->row))
		return true;
	if (!order_note_read(walk, job))
		return false;
	/* It can be a second reader in this directory, so allow some misses. */
	if (walk->state == ORDER_KNOWN && ++walk->misses > MISSES_MAX)
		order_look_anew(walk);
	if (walk->state == ORDER_UNKNOWN)
		order_decide(walk);
	return true;
}

static int order_compare_keys(const void *one, const void *two)
{
	const struct prefetch_key *a = one;
	const struct prefetch_key *b = two;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->row < b->row ? -1 : a->row > b->row;
}

static bool order_grow(struct prefetch_order *walk)
{
	size_t cap = walk->sorted_cap ? 2 * walk->sorted_cap : FIRST_CAP;
	struct prefetch_key *sorted = reallocarray(
		walk->sorted, cap, sizeof(*walk->sorted));

	if (!sorted)
		return false;
	walk->sorted = sorted;
	walk->sorted_cap = cap;
	return true;
}

static void order_end_sorting(struct prefetch_order *walk)
{
	const struct prefetch_key last = {
		.key = walk->keys[walk->order], .row = walk->row};
	const struct prefetch_key *found;

	qsort(walk->sorted, walk->sorted_len, sizeof(*walk->sorted), order_compare_keys);
	found = bsearch(&last, walk->sorted, walk->sorted_len, sizeof(*walk->sorted),
		order_compare_keys);
	if (found)
		order_start_walking(walk, (size_t)(found - walk->sorted));
	else
		order_look_anew(walk);
}

/*
 * Adds a batch of rows to those to be sorted. Returns false if memory is short or the
 * directory is too large.
 */
static bool order_add_keys(struct prefetch_order *walk, struct catalog *catalog)
{
	size_t len = listing_len(walk->listing);

	for (int i = 0; i < SORT_STEP && walk->sorted_len < len; i++) {
		size_t at = walk->sorted_len;
		int64_t row = listing_member(walk->listing, at);
		struct catalog_job job;

		if ((at == walk->sorted_cap && !order_grow(walk)) || at >= ORDER_SORT_MAX)
			return false;
		/*
		 * A job that is not in the catalog sorts last, where no reader gets to
		 * it.
		 */
		walk->sorted[at] = (struct prefetch_key){.key = UINT64_MAX, .row = row};
		if (!jobs_by_row(catalog, row, &job))
			walk->sorted[at].key = order_key_of(&job, walk->order);
		walk->sorted_len++;
	}
	return true;
}

bool prefetch_order_sort(struct prefetch_order *walk, struct catalog *catalog)
{
	catalog_read_begin(catalog);

	bool added = order_add_keys(walk, catalog);

	catalog_read_end(catalog);
	if (!added) {
		order_look_anew(walk);
		return true;
	}
	if (walk->sorted_len < listing_len(walk->listing))
		return false;
	order_end_sorting(walk);
	return true;
}
