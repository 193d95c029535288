/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/list.h"
#include "gladia/api.h"
#include "internal.h"

/*
 * One request for a part of a query's jobs, and what it brought. Jobs go into the
 * catalog as they stream in; only their rows are kept here.
 */
struct page {
	struct list link; /* the asker's */
	struct sync *sync;
	const struct query *query;
	struct api_call *call; /* NULL: it has ended */
	uint64_t offset;
	unsigned limit;
	int64_t *rows; /* negative where the job does not match the query */
	size_t len;
	size_t cap;
	unsigned items;    /* that came so far, those refused included, */
	unsigned reach;    /* up to the last that was not */
	int64_t newest_ms; /* of those that match, by job_mtime_ms(); or JOB_NO_TIME */
	bool bridged;      /* the asker's */
	bool foreign;      /* some do not match, or were refused */
	bool ordered;      /* they stand in falling order of created_at ... */
	int64_t first_ms;
	int64_t last_ms;     /* ... which of the first and last job is this */
	struct api_page end; /* a 404 behind the start is an empty last page */
	int error;
	char *why; /* of the error; may be NULL */
	void (*on_end)(struct page *page);
	void *ctx;
};

/*
 * Asks for it; `query` by reference. `on_end` is called once, unless page_free() comes
 * first; it may free the page. 0 or -ENOMEM.
 */
int page_ask(struct sync *sync, const struct query *query, unsigned span, uint64_t offset,
	unsigned limit, void (*on_end)(struct page *page), void *ctx,
	struct page **ret_page);

/*
 * Notes in `cut` how many items the page has if it is shorter than requested, else 0. Two
 * pages in a row of the same short length show the API's own limit (page_size_capped()).
 */
void page_note_cut(const struct page *page, unsigned *cut);

/* Gives up what is under way. NULL is fine. */
void page_free(struct page *page);
