/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * How many jobs to ask for in a page (SPEC 6.5): what about a mebibyte or half a second
 * brings, going by the last page, within what the API is known to grant. One per account.
 */
struct page_size {
	unsigned fixed;   /* option page_size; 0: adaptive */
	unsigned granted; /* the API refuses more; 0: not known */
	unsigned proven;  /* it has granted this, most of all */
	unsigned denials; /* of what was proven, in a row */
	unsigned given;   /* it gives no more, whatever is asked for; 0: not known */
	unsigned next;
};

void page_size_init(struct page_size *size, unsigned fixed);

/* Another listing is read: two jobs are tried again, as pages of one do not overlap. */
void page_size_begin(struct page_size *size);

/* For a listing's first page, and for a later one. At least 1. */
unsigned page_size_first(const struct page_size *size);
unsigned page_size_next(const struct page_size *size);

/* For jobs without a result, of about a kilobyte each. */
unsigned page_size_unfinished(const struct page_size *size);

/* A page of `items` jobs came, of so many bytes, in so many ms. */
void page_size_learn(struct page_size *size, unsigned items, uint64_t bytes, int64_t ms);

/* The API answered a request with this limit, however many it gave. */
void page_size_granted(struct page_size *size, unsigned limit);

/*
 * A request with this limit was refused (400, 422). True: half of it, rounded up, is to
 * be tried. False: the limit was not the reason, as it has been granted before, or is 1.
 */
bool page_size_refused(struct page_size *size, unsigned limit);

/* The API gives `items` where more are asked for; a page of more tells otherwise. */
void page_size_capped(struct page_size *size, unsigned items);
