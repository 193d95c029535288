/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * How long things took, in a fixed room: exact below 16 ms, then to an eighth. Zero it
 * to begin.
 */
enum { HISTOGRAM_BUCKETS = 16 + 28 * 8 };

struct histogram {
	uint64_t count;
	int64_t max_ms;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* A negative time counts as 0. */
void histogram_add(struct histogram *histogram, int64_t ms);

/*
 * So many percent (1 to 100) took at most as long as this; never less than the truth,
 * and at most an eighth more. 0 where nothing was added.
 */
int64_t histogram_percentile(const struct histogram *histogram, unsigned percent);
