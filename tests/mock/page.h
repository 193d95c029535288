/* SPDX-License-Identifier: MIT */
#pragma once

#include "account.h"
#include "answer.h"
#include "listing.h"
#include "modes.h"

/*
 * The body of a page: {first, current, next, items}, in the order and layout that the
 * modes select.
 */

/* The contents of a page. */
struct page {
	const char *origin; /* "http://127.0.0.1:1234" */
	const char *path;   /* of the list */
	uint64_t offset, limit;
	const char *filter; /* the query without offset and limit */
	bool more;          /* true if there is a next page */
	struct job **jobs;
	size_t count;
	struct answer *items; /* if not empty, the items instead of `jobs` */
};

void page_write(struct answer *out, const struct page *p, const struct modes *modes);

/* Adds a job. A summary has no transcription. */
void page_job(struct answer *out, const struct job *job, bool summary);
