/* SPDX-License-Identifier: MIT */
#include "page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* No sensible server returns more jobs on a page. */
enum { PAGE_ROWS_MAX = 100000 };

static int page_add_row(struct page *page, int64_t row)
{
	if (page->len == PAGE_ROWS_MAX)
		return -EMSGSIZE;

	int err = ARRAY_RESERVE(page->rows, page->cap, page->len + 1);

	if (!err)
		page->rows[page->len++] = row;
	return err;
}

static void page_note_order(struct page *page, int64_t created_ms)
{
	if (page->len == 1)
		page->first_ms = created_ms;
	else if (created_ms > page->last_ms)
		page->ordered = false;
	page->last_ms = created_ms;
}

static int page_on_item(void *ctx, const struct api_item *item)
{
	struct page *page = ctx;
	struct catalog_job job;
	int err = item ? sync_put(page->sync, item, &job) : -EEXIST;

	page->items++;
	/* A job that was refused, or has another job's inode number, is in no listing. */
	if (err == -EEXIST) {
		page->has_mismatches = true;
		return 0;
	}
	if (err)
		return err;

	/* A job that was deleted here a moment ago (job_delete.c) must not come back. */
	bool matches = !job.deleted && query_matches(page->query, &job.job);

	page->has_mismatches = page->has_mismatches || !matches;
	err = page_add_row(page, matches ? job.row : -job.row);
	if (err)
		return err;
	if (matches && job_mtime_ms(&job.job) > page->newest_ms)
		page->newest_ms = job_mtime_ms(&job.job);
	page->usable_len = page->items;
	page_note_order(page, job.job.created_ms);
	return 0;
}

static void page_on_restart(void *ctx)
{
	struct page *page = ctx;

	page->len = 0;
	page->items = 0;
	page->usable_len = 0;
	page->newest_ms = JOB_NO_TIME;
	page->has_mismatches = false;
	page->ordered = true;
}

static void page_on_done(
	void *ctx, int error, const struct api_page *end, const char *errmsg)
{
	struct page *page = ctx;

	page->call = NULL;
	if (!error) {
		page_size_granted(&page->sync->page_size, page->limit);
		page->end = *end;
	} else if (error == -ENOENT && page->offset) {
		/* Some servers answer 404 beyond the end. */
		page->end = (struct api_page){.last = true};
	} else {
		page->error = error;
		page->why = strdup(errmsg);
	}
	page->on_end(page);
}

int page_ask(struct sync *sync, const struct query *query, unsigned span, uint64_t offset,
	unsigned limit, void (*on_end)(struct page *page), void *ctx,
	struct page **ret_page)
{
	static const struct api_handlers handlers = {
		page_on_item, page_on_restart, page_on_done};
	struct page *page = calloc(1, sizeof(*page));

	if (!page)
		return -ENOMEM;
	*page = (struct page){
		.sync = sync,
		.query = query,
		.offset = offset,
		.limit = limit,
		.ordered = true,
		.newest_ms = JOB_NO_TIME,
		.on_end = on_end,
		.ctx = ctx,
	};
	list_init(&page->link);

	int err = api_list(
		sync->api, query, span, offset, limit, &handlers, page, &page->call);

	if (err) {
		free(page);
		return err;
	}
	*ret_page = page;
	return 0;
}

void page_note_cut(const struct page *page, unsigned *cut)
{
	unsigned items = page->end.items < page->limit ? page->end.items : 0;

	/* If `next` is farther ahead than its jobs reach, they were filtered, not cut. */
	if (page->end.next > page->offset + page->end.items)
		items = 0;
	if (items && items == *cut)
		page_size_capped(&page->sync->page_size, items);
	*cut = items;
}

void page_free(struct page *page)
{
	if (!page)
		return;
	if (page->call)
		api_cancel(page->call);
	list_remove(&page->link);
	free(page->rows);
	free(page->why);
	free(page);
}
