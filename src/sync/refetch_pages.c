/* SPDX-License-Identifier: MIT */
#include "refetch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/param.h>

#include "page.h"

/* The texts that are requested for a reader, and the pages that bring them. */

enum {
	/* So many jobs in a row that have text end a page. */
	GAP_MAX = 8,
	/* Texts that a reader may leave unread. */
	TEXTS_MAX = 16384,
	/* Bytes of JSON files that are requested ahead for each text that the reader has
	 * read in order: two may have followed each other by chance. */
	AHEAD_EACH = 256 << 10,
};

/* A page in flight, and the positions that it is expected to bring. */
struct refetch_page {
	struct list link;
	struct refetch *refetch;
	struct page *page;
	size_t from;
};

/* True if one list request can return the jobs of the listing in its order. */
static bool refetch_is_one_list(const struct listing *listing)
{
	return listing->query.spans_len == 1 && !*listing->query.metadata;
}

bool refetch_uses_inos(const struct refetch *refetch)
{
	return refetch->run < REFETCH_RUN_MIN && refetch->ino_run >= REFETCH_INO_RUN_MIN;
}

bool refetch_uses_pages(const struct refetch *refetch)
{
	return refetch->run >= REFETCH_RUN_MIN &&
	       refetch->failures < REFETCH_FAILURES_MAX &&
	       refetch_is_one_list(refetch->listing);
}

struct refetch_text *refetch_find_text(const struct refetch *refetch, int64_t row)
{
	for (size_t i = 0; i < refetch->texts_len; i++)
		if (refetch->texts[i].row == row)
			return &refetch->texts[i];
	return NULL;
}

void refetch_drop_text(struct refetch *refetch, struct refetch_text *text)
{
	refetch->bytes -= text->size;
	*text = refetch->texts[--refetch->texts_len];
}

void refetch_retire_text(struct refetch *refetch, struct refetch_text *text)
{
	texts_retire(refetch->sync->catalog, text->row);
	refetch_drop_text(refetch, text);
}

int refetch_add_text(
	struct refetch *refetch, size_t position, const struct catalog_job *job)
{
	if (refetch->texts_len == TEXTS_MAX)
		return -EMSGSIZE;

	int err = ARRAY_RESERVE(
		refetch->texts, refetch->texts_cap, refetch->texts_len + 1);

	if (err)
		return err;
	refetch->texts[refetch->texts_len++] = (struct refetch_text){
		.position = position, .row = job->row, .size = job->size};
	refetch->bytes += job->size;
	return 0;
}

void refetch_set_headroom(struct sync *sync)
{
	uint64_t bytes = 0;

	for (int i = 0; i < REFETCHES; i++)
		if (sync->refetches.readers[i].run >= REFETCH_RUN_MIN ||
			refetch_uses_inos(&sync->refetches.readers[i]))
			bytes = REFETCH_HEADROOM;
	catalog_set_headroom(sync->catalog, bytes);
}

/*
 * Ends a page. Requests that wait for a job that it did not bring fetch that by its id.
 */
static void refetch_end_page(struct refetch_page *expected)
{
	list_remove(&expected->link);
	expected->refetch->pages_len--;
	job_fetch_settle_listed(expected->refetch->sync, expected, true);
	page_free(expected->page);
	free(expected);
}

void refetch_cancel_pages(struct refetch *refetch)
{
	while (!list_empty(&refetch->pages))
		refetch_end_page(
			list_entry(refetch->pages.next, struct refetch_page, link));
}

/* Drops the texts that the reader has passed without reading them. */
static void refetch_drop_passed(struct refetch *refetch)
{
	for (size_t i = refetch->texts_len; i-- > 0;) {
		struct refetch_text *text = &refetch->texts[i];

		if (!text->page && text->position + REFETCH_BACK_MAX < refetch->position)
			refetch_retire_text(refetch, text);
	}
}

/* Loads a member. True if its text was evicted and nothing has requested it. */
static bool refetch_is_missing(
	const struct refetch *refetch, size_t position, struct catalog_job *ret_job)
{
	const struct listing *listing = refetch->listing;

	return !jobs_by_row(listing->sync->catalog, listing->members.members[position],
		       ret_job) &&
	       !ret_job->deleted && ret_job->size >= 0 && !ret_job->has_text &&
	       job_finished(&ret_job->job) && !refetch_find_text(refetch, ret_job->row);
}

/*
 * Adds the texts of the next page, which begins at `refetch->next` or later, but not far
 * ahead of the reader. Advances `next`. Returns how many positions the page covers, and
 * its first one.
 */
static unsigned refetch_plan(struct refetch *refetch, size_t *ret_from)
{
	const struct sync *sync = refetch->sync;
	unsigned limit = page_size_next(&sync->page_size);
	size_t ahead = 2 * (size_t)sync->config.connections * limit;
	size_t len = refetch->listing->members.len;
	size_t at = refetch->next;
	struct catalog_job job;
	size_t from, last;

	/* Find the first text, */
	while (at < len && at <= refetch->position + ahead &&
		!refetch_is_missing(refetch, at, &job))
		at++;
	refetch->next = at;
	if (at >= len || at > refetch->position + ahead)
		return 0;
	/* and those that follow. */
	from = last = at;
	for (; at < len && at < from + limit && at <= last + GAP_MAX; at++) {
		if (at > from && !refetch_is_missing(refetch, at, &job))
			continue;
		if (refetch_add_text(refetch, at, &job))
			return 0;
		last = at;
	}
	refetch->next = last + 1;
	*ret_from = from;
	return (unsigned)(last - from + 1);
}

static void refetch_on_page(struct page *page);

/* Requests the page with the texts from number `texts` on. */
static int refetch_ask(struct refetch *refetch, size_t from, unsigned limit, size_t texts)
{
	struct refetch_page *expected = calloc(1, sizeof(*expected));
	int64_t offset = (int64_t)from + refetch->shift;
	int err;

	if (!expected)
		return -ENOMEM;
	err = page_ask(refetch->sync, &refetch->listing->query, 0,
		(uint64_t)MAX(offset, 0), limit, refetch_on_page, expected,
		&expected->page);
	if (err) {
		free(expected);
		return err;
	}
	expected->refetch = refetch;
	expected->from = from;
	list_append(&refetch->pages, &expected->link);
	refetch->pages_len++;
	for (; texts < refetch->texts_len; texts++)
		refetch->texts[texts].page = expected;
	return 0;
}

/*
 * Requests pages ahead of the reader. If the first of these is `wanted`, requests at
 * least that one.
 */
static void refetch_pull(struct refetch *refetch, bool wanted)
{
	struct sync *sync = refetch->sync;

	/* Begin with a few, and ask alone if the last page brought nothing. */
	unsigned most = refetch->failures ? 1
					  : MIN((unsigned)sync->config.connections,
						    refetch->run - 1);
	int64_t ahead = MIN((int64_t)refetch->run * AHEAD_EACH, REFETCH_AHEAD_BYTES);

	refetch_drop_passed(refetch);
	for (; wanted || (refetch->pages_len < most && refetch->bytes < ahead);
		wanted = false) {
		size_t texts = refetch->texts_len;
		size_t from;
		unsigned limit = refetch_plan(refetch, &from);

		if (limit && !refetch_ask(refetch, from, limit, texts))
			continue;
		while (refetch->texts_len > texts)
			refetch_drop_text(
				refetch, &refetch->texts[refetch->texts_len - 1]);
		break;
	}
	refetch_set_headroom(sync);
}

/*
 * Fetches jobs ahead of the reader by their ids. The first one is already being fetched
 * for the reader, which waits for it, unless the reader is led.
 */
static void refetch_pull_by_id(struct refetch *refetch)
{
	struct sync *sync = refetch->sync;
	struct listing *listing = refetch->listing;

	listing->prefetch_position = refetch->position;
	sync->prefetch_listing = listing;
	sync->prefetch_texts = true;
	sync->prefetch_ino = refetch_uses_inos(refetch) ? refetch->ino : 0;
	refetch_set_headroom(sync);
	if (refetch->is_led)
		job_fetch_one_ahead(
			sync, listing, listing->members.members[refetch->position]);
	job_fetch_ahead(sync);
}

void refetch_go_on(struct refetch *refetch, size_t position, bool wanted)
{
	refetch->position = position;
	if (refetch_uses_pages(refetch))
		refetch_pull(refetch, wanted);
	else if (refetch->run >= REFETCH_RUN_MIN || refetch_uses_inos(refetch))
		refetch_pull_by_id(refetch);
}

/*
 * Corrects the offset of the next pages: finds a job of this page near the position at
 * which it was expected.
 */
static void refetch_note_shift(
	struct refetch *refetch, const struct refetch_page *expected)
{
	const struct member_set *members = &refetch->listing->members;
	const struct page *page = expected->page;
	size_t near = 2 * (size_t)page->limit;
	size_t from = expected->from > near ? expected->from - near : 0;
	size_t end = MIN(expected->from + 2 * near, members->len);

	for (size_t i = 0; i < page->len; i++) {
		for (size_t at = from; at < end; at++) {
			if (members->members[at] != page->rows[i])
				continue;
			refetch->shift = (int64_t)(page->offset + i) - (int64_t)at;
			return;
		}
	}
}

/*
 * Notes which of a page's texts are there. Returns false if they are few: the list is not
 * the expected one, or has only summaries of most jobs.
 */
static bool refetch_take_texts(
	struct refetch *refetch, const struct refetch_page *expected)
{
	size_t taken = 0;
	size_t all = 0;

	for (size_t i = refetch->texts_len; i-- > 0;) {
		struct refetch_text *text = &refetch->texts[i];
		struct catalog_job job;

		if (text->page != expected)
			continue;
		text->page = NULL;
		all++;
		if (!jobs_by_row(refetch->sync->catalog, text->row, &job) && job.has_text)
			taken++;
		else
			refetch_drop_text(refetch, text);
	}
	/* If all were read before the page ended, there are none left. */
	return !all || (taken && 4 * taken >= MIN(all, expected->page->len));
}

static void refetch_on_page(struct page *page)
{
	struct refetch_page *expected = page->ctx;
	struct refetch *refetch = expected->refetch;
	struct sync *sync = refetch->sync;
	bool refused = page->error == -EINVAL &&
		       page_size_refused(&sync->page_size, page->limit);
	bool failed = page->error && !refused;

	if (!page->error) {
		page_size_learn(&sync->page_size, page->end.items, page->end.bytes,
			page->end.elapsed_ms);
		page_note_cut(page, &refetch->cut);
		refetch_note_shift(refetch, expected);
	}
	if (refetch_take_texts(refetch, expected))
		refetch->failures = 0;
	else
		refetch->failures += !refused;
	refetch_end_page(expected);
	/* After an error, the reader's next request decides whether to go on. */
	if (!failed && refetch->listing)
		refetch_go_on(refetch, refetch->position, false);
	if (!failed)
		refetch_report(sync);
}
