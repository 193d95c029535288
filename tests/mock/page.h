/* SPDX-License-Identifier: MIT */
#pragma once

#include "account.h"
#include "answer.h"
#include "listing.h"
#include "modes.h"

/*
 * The body of a page: {first, current, next, items}, in the order and layout of the
 * modes.
 */

/* The parts of a page; a fault may replace the items. */
struct page {
	const char *origin; /* "http://127.0.0.1:1234" */
	uint64_t offset, limit;
	const char *filter; /* the rest of the query */
	bool more;          /* whether there is a next page */
	struct job **jobs;
	size_t count;
	struct answer *items; /* unless empty, the array instead of jobs; emptied */
};

void page_write(struct answer *out, const struct page *p, const struct modes *modes);

/* Adds one job, as in a page or alone; a summary has no transcription. */
void page_job(struct answer *out, const struct job *job, bool summary);
