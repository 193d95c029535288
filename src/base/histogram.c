/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"

/*
 * Durations below EXACT ms have one bucket per millisecond. Above that, each range from
 * one power of two to the next has PARTS buckets of equal width.
 */
enum { EXACT = 16, EXACT_BITS = 4, PARTS_BITS = 3, PARTS = 1 << PARTS_BITS };

static unsigned histogram_bucket_of(uint64_t ms)
{
	if (ms < EXACT)
		return (unsigned)ms;

	unsigned bits = 63 - (unsigned)__builtin_clzll(ms);
	unsigned part = (unsigned)(ms >> (bits - PARTS_BITS)) & (PARTS - 1);
	unsigned bucket = EXACT + (bits - EXACT_BITS) * PARTS + part;

	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* Returns the longest duration that belongs to a bucket. */
static int64_t histogram_end_of(unsigned bucket)
{
	if (bucket < EXACT)
		return bucket;

	unsigned bits = (bucket - EXACT) / PARTS + EXACT_BITS;
	uint64_t part = (bucket - EXACT) % PARTS;

	return (int64_t)(((PARTS + part + 1) << (bits - PARTS_BITS)) - 1);
}

void histogram_add(struct histogram *histogram, int64_t ms)
{
	if (ms < 0)
		ms = 0;
	if (ms > histogram->max_ms)
		histogram->max_ms = ms;
	histogram->count++;
	histogram->buckets[histogram_bucket_of((uint64_t)ms)]++;
}

int64_t histogram_percentile(const struct histogram *histogram, unsigned percent)
{
	/* The number of durations that must not exceed the result, rounded up. */
	uint64_t rank = (histogram->count / 100) * percent +
			((histogram->count % 100) * percent + 99) / 100;
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += histogram->buckets[i];
		if (seen >= rank)
			return histogram_end_of(i) < histogram->max_ms
				       ? histogram_end_of(i)
				       : histogram->max_ms;
	}
	return histogram->max_ms;
}
