/* SPDX-License-Identifier: MIT */
#include "page_size.h"

#include "gladia/api.h"

enum {
	TARGET_BYTES = 1 << 20,
	TARGET_MS = 500,
	/* Of the largest jobs too: each page brings one that is known already. */
	SMALLEST = 4,
	/* No maximum is declared, 50 was seen: more than this saves no time. */
	LARGEST = 1000,
	/* One page says little about the next ones. */
	GROWTH = 4,
};

static unsigned within(uint64_t value, unsigned low, unsigned high)
{
	if (value < low)
		return low;
	return value > high ? high : (unsigned)value;
}

static unsigned as_granted(const struct page_size *size, unsigned limit)
{
	return size->granted && limit > size->granted ? size->granted : limit;
}

void page_size_init(struct page_size *size, unsigned fixed)
{
	*size = (struct page_size){.fixed = fixed, .next = API_LIMIT_DEFAULT};
}

unsigned page_size_first(const struct page_size *size)
{
	return as_granted(size, size->fixed ? size->fixed : API_LIMIT_DEFAULT);
}

unsigned page_size_next(const struct page_size *size)
{
	return as_granted(size, size->fixed ? size->fixed : size->next);
}

void page_size_learn(struct page_size *size, unsigned items, uint64_t bytes, int64_t ms)
{
	if (!items)
		return;

	uint64_t by_bytes = (uint64_t)TARGET_BYTES * items / (bytes + !bytes);
	uint64_t by_time = (uint64_t)TARGET_MS * items / (uint64_t)(ms > 0 ? ms : 1);
	uint64_t next = by_bytes < by_time ? by_bytes : by_time;

	size->next = within(next, SMALLEST, within(size->next * GROWTH, 0, LARGEST));
}

void page_size_refused(struct page_size *size, unsigned limit)
{
	size->granted = limit > 1 ? limit / 2 : 1;
}

void page_size_capped(struct page_size *size, unsigned items)
{
	size->granted = items;
}

void page_size_forget(struct page_size *size)
{
	size->granted = 0;
}
