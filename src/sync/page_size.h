/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Chooses the number of jobs to request per page (SEMANTICS 6.5): as many as take about a
 * mebibyte or half a second, judging by the last page, but no more than the API is known
 * to grant. There is one per account.
 */
struct page_size {
	unsigned fixed;   /* option page_size; 0: adaptive */
	unsigned granted; /* largest limit that the API does not refuse; 0: unknown */
	unsigned proven;  /* largest limit that the API has granted so far */
	unsigned denials; /* refusals in a row of a limit that was granted before */
	unsigned given; /* the API returns no more jobs than this per page; 0: unknown */
	unsigned next;  /* limit for the next page, if adaptive */
};

/* Initialises `size`. `fixed` is the option page_size; 0: adaptive. */
void page_size_init(struct page_size *size, unsigned fixed);

/*
 * Begins another listing. If only pages of one job were granted, tries two again, because
 * pages of one job cannot overlap.
 */
void page_size_begin(struct page_size *size);

/* Returns the limit for the first page of a listing; at least 1. */
unsigned page_size_first(const struct page_size *size);

/* Returns the limit for a later page of a listing; at least 1. */
unsigned page_size_next(const struct page_size *size);

/*
 * Returns the limit for a list of unfinished jobs, which have no result and take about a
 * kilobyte each.
 */
unsigned page_size_unfinished(const struct page_size *size);

/* Adapts to a page of `items` jobs that had `bytes` bytes and took `ms` milliseconds. */
void page_size_learn(struct page_size *size, unsigned items, uint64_t bytes, int64_t ms);

/* Records that the API accepted `limit`, whatever number of jobs it returned. */
void page_size_granted(struct page_size *size, unsigned limit);

/*
 * Records that the API refused `limit` (400 or 422). Returns true if the caller shall
 * request the page again with a smaller limit: half of it, rounded up. Returns false if
 * the limit cannot be the reason: it is 1, or it was granted before and has not been
 * refused many times since.
 */
bool page_size_refused(struct page_size *size, unsigned limit);

/*
 * Records that the API returns only `items` jobs if more are requested. A page with more
 * jobs revokes this.
 */
void page_size_capped(struct page_size *size, unsigned items);
