/* SPDX-License-Identifier: MIT */
#include "unfinished.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "page.h"

/* Returns the number of requests that a list of the known unfinished jobs takes. */
static unsigned unfinished_list_cost(struct sync *sync)
{
	int64_t *rows = NULL;
	size_t len = 0;

	if (jobs_unfinished(sync->catalog, &rows, &len))
		return UINT_MAX;
	free(rows);
	return 1 + (unsigned)len / page_size_unfinished(&sync->page_size);
}

/* Ends the list, if there is one, and fetches the jobs that still wait by their id. */
static void unfinished_end(struct sync *sync, bool complete)
{
	struct unfinished *unfinished = &sync->unfinished;

	loop_timer_cancel(&unfinished->patience);
	page_free(unfinished->page);
	unfinished->page = NULL;
	if (complete && unfinished->jobs >= unfinished->gets) {
		unfinished->gets_min = UNFINISHED_GETS_MIN;
	} else {
		log_debug(sync->log, "listing the unfinished jobs saved no requests");
		if (unfinished->gets_min < UNFINISHED_GETS_MAX)
			unfinished->gets_min *= 2;
	}
	unfinished->gets = 0;
	job_fetch_settle_listed(sync, unfinished, true);
}

static void unfinished_on_page(struct page *page);

static int unfinished_ask(struct sync *sync, uint64_t offset)
{
	struct unfinished *unfinished = &sync->unfinished;
	int err = page_ask(sync, &unfinished->query, 0, offset,
		page_size_unfinished(&sync->page_size), unfinished_on_page, sync,
		&unfinished->page);

	if (err)
		return err;
	unfinished->requests++;
	loop_timer_set(sync->loop, &unfinished->patience,
		loop_now_ms(sync->loop) + UNFINISHED_PATIENCE_MS);
	return 0;
}

static size_t unfinished_matching(const struct page *page)
{
	size_t matching = 0;

	for (size_t i = 0; i < page->len; i++)
		matching += page->rows[i] > 0;
	return matching;
}

/*
 * Evaluates a page. Returns the offset of the next page to request, -ENOENT after the
 * last one, or another error if the list should not continue.
 */
static int64_t unfinished_take(struct sync *sync, const struct page *page)
{
	struct unfinished *unfinished = &sync->unfinished;
	size_t matching = unfinished_matching(page);

	if (page->error == -EINVAL && page_size_refused(&sync->page_size, page->limit))
		return (int64_t)page->offset;
	if (page->error)
		return page->error;
	page_note_cut(page, &unfinished->cut);
	unfinished->jobs += matching;
	if (page->end.last)
		return -ENOENT;
	/* If less than half of them match, the API seems to list all jobs. */
	if (!page->items || 2 * matching < page->items)
		return -EINVAL;
	return (int64_t)(page->offset + page->items);
}

static void unfinished_on_page(struct page *page)
{
	struct sync *sync = page->ctx;
	struct unfinished *unfinished = &sync->unfinished;
	int64_t next = unfinished_take(sync, page);

	page_free(page);
	unfinished->page = NULL;
	/* The list may take up to twice as many requests as the fetches before it. */
	if (next < 0 || unfinished->requests >= 2 * unfinished->gets ||
		unfinished_ask(sync, (uint64_t)next))
		unfinished_end(sync, next == -ENOENT);
	else
		job_fetch_settle_listed(sync, unfinished, false);
}

static void unfinished_on_patience(void *ctx)
{
	struct sync *sync = ctx;

	unfinished_end(sync, false);
}

bool unfinished_use_list(struct sync *sync)
{
	struct unfinished *unfinished = &sync->unfinished;
	int64_t now_ms = loop_now_ms(sync->loop);

	if (unfinished->page)
		return true;
	/* With ttl=0 a list would answer only requests that wait already: never list. */
	if (now_ms - unfinished->since_ms >= sync->config.ttl_ms) {
		unfinished->since_ms = now_ms;
		unfinished->gets = 0;
	}
	if (unfinished->gets < unfinished->gets_min ||
		unfinished->gets < unfinished_list_cost(sync)) {
		unfinished->gets++;
		return false;
	}
	unfinished->requests = 0;
	unfinished->jobs = 0;
	unfinished->cut = 0;
	return !unfinished_ask(sync, 0);
}

void unfinished_init(struct sync *sync)
{
	struct unfinished *unfinished = &sync->unfinished;

	query_init(&unfinished->query);
	unfinished->query.statuses = 1U << JOB_QUEUED | 1U << JOB_PROCESSING;
	unfinished->gets_min = UNFINISHED_GETS_MIN;
	loop_timer_init(&unfinished->patience, unfinished_on_patience, sync);
}

void unfinished_done(struct sync *sync)
{
	loop_timer_cancel(&sync->unfinished.patience);
	page_free(sync->unfinished.page);
	sync->unfinished.page = NULL;
}
