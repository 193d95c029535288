/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * A histogram of durations with a fixed size: exact below 16 ms, above that with an error
 * of at most one eighth. A zeroed struct is an empty histogram.
 */
enum { HISTOGRAM_BUCKETS = 16 + 28 * 8 };

struct histogram {
	uint64_t count;
	int64_t max_ms;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Adds one duration. A negative duration counts as 0. */
void histogram_add(struct histogram *histogram, int64_t ms);

/*
 * Returns the duration that `percent` percent (1 to 100) of all durations do not exceed,
 * in milliseconds: never less than the true value, and at most one eighth more. Returns 0
 * if the histogram is empty.
 */
int64_t histogram_percentile(const struct histogram *histogram, unsigned percent);
