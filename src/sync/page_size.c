/* SPDX-License-Identifier: MIT */
#include "page_size.h"

#include "gladia/api.h"

enum {
	TARGET_BYTES = 1 << 20,
	TARGET_MS = 500,
	/* Even if the jobs are large: one job on each page is known already. */
	SMALLEST = 4,
	/* The API declares no maximum, and 50 was seen. More than this saves no time. */
	LARGEST = 1000,
	/* Maximum growth per page, because one page says little about the next ones. */
	GROWTH = 4,
	/* After this many refusals in a row the API seems to grant less than it did. */
	DENIALS_MAX = 10,
};

static unsigned page_size_within(uint64_t value, unsigned low, unsigned high)
{
	if (value < low)
		return low;
	return value > high ? high : (unsigned)value;
}

static unsigned page_size_at_most(unsigned limit, unsigned most)
{
	return most && limit > most ? most : limit;
}

void page_size_init(struct page_size *size, unsigned fixed)
{
	/* Pages of a single job cannot overlap. */
	*size = (struct page_size){
		.fixed = fixed == 1 ? 2 : fixed,
		.next = API_LIMIT_DEFAULT,
	};
}

void page_size_begin(struct page_size *size)
{
	if (size->granted == 1)
		size->granted = 2;
}

unsigned page_size_first(const struct page_size *size)
{
	/* The first page shows whether the API still has the limit seen before. */
	return page_size_at_most(
		size->fixed ? size->fixed : API_LIMIT_DEFAULT, size->granted);
}

static unsigned page_size_as_given(const struct page_size *size, unsigned limit)
{
	/* Pages of one job cannot overlap; requesting one more costs nothing. */
	limit = page_size_at_most(limit, size->given == 1 ? 2 : size->given);
	return page_size_at_most(limit, size->granted);
}

unsigned page_size_next(const struct page_size *size)
{
	return page_size_as_given(size, size->fixed ? size->fixed : size->next);
}

unsigned page_size_unfinished(const struct page_size *size)
{
	const unsigned few = 200;
	unsigned next = page_size_next(size);

	return size->fixed || next > few ? next : page_size_as_given(size, few);
}

void page_size_learn(struct page_size *size, unsigned items, uint64_t bytes, int64_t ms)
{
	if (!items)
		return;
	if (items > size->given)
		size->given = 0;

	uint64_t by_bytes = (uint64_t)TARGET_BYTES * items / (bytes + !bytes);
	uint64_t by_time = (uint64_t)TARGET_MS * items / (uint64_t)(ms > 0 ? ms : 1);

	/* If even short answers are slow, requesting fewer jobs does not help. */
	if (by_time < API_LIMIT_DEFAULT)
		by_time = API_LIMIT_DEFAULT;

	uint64_t next = by_bytes < by_time ? by_bytes : by_time;

	size->next = page_size_within(
		next, SMALLEST, page_size_within(size->next * GROWTH, 0, LARGEST));
}

void page_size_granted(struct page_size *size, unsigned limit)
{
	if (limit >= size->proven) {
		size->proven = limit;
		size->denials = 0;
	}
	if (size->granted && limit > size->granted)
		size->granted = limit;
}

bool page_size_refused(struct page_size *size, unsigned limit)
{
	if (limit <= size->proven) {
		if (++size->denials < DENIALS_MAX)
			return false;
		size->proven = 0;
	}
	size->denials = 0;
	size->granted = limit > 1 ? (limit + 1) / 2 : 0;
	return limit > 1;
}

void page_size_capped(struct page_size *size, unsigned items)
{
	size->given = items;
}
