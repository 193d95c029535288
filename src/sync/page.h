/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/list.h"
#include "gladia/api.h"
#include "internal.h"

/*
 * One request for a page of a query's jobs, and its result. Jobs are stored in the
 * catalog while they stream in; the page keeps their rows only.
 */
struct page {
	struct list link; /* for lists of the caller */
	struct sync *sync;
	const struct query *query;
	struct api_call *call; /* NULL after it has ended */
	uint64_t offset;
	unsigned limit;
	int64_t *rows; /* negated if the job does not match the query */
	size_t len;
	size_t cap;
	unsigned items;      /* number of jobs so far, refused ones included */
	unsigned usable_len; /* index after the last job that was not refused */
	/* Newest job_mtime_ms() of the jobs that match, or JOB_NO_TIME. */
	int64_t newest_ms;
	bool gap_filler_requested; /* a page before it was requested to fill a gap
				      (source_pages.c) */
	bool has_mismatches;       /* some jobs do not match, or were refused */
	bool ordered;              /* the jobs are in descending order of created_at */
	int64_t first_ms;
	int64_t last_ms; /* created_at of the last job */
	/* Set after success. A 404 beyond the start counts as an empty last page. */
	struct api_page end;
	int error;
	char *why; /* error message, or NULL */
	void (*on_end)(struct page *page);
	void *ctx;
};

/*
 * Requests `limit` jobs from `offset` on of one span of the query; `query` is kept by
 * reference. Calls `on_end` once, unless page_free() is called first; `on_end` may free
 * the page. Returns 0 or -ENOMEM.
 */
int page_ask(struct sync *sync, const struct query *query, unsigned span, uint64_t offset,
	unsigned limit, void (*on_end)(struct page *page), void *ctx,
	struct page **ret_page);

/*
 * Sets `cut` to the number of jobs on the page if it is shorter than requested, else to
 * 0. If two pages in a row have the same short length, this is the API's own limit: calls
 * page_size_capped().
 */
void page_note_cut(const struct page *page, unsigned *cut);

/* Cancels the request if it has not ended, and frees the page. NULL is fine. */
void page_free(struct page *page);
