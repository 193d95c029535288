/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/saved_listings.h"
#include "revalidate.h"

/*
 * Fills a listing by revalidating the previous one: runs the steps described in
 * revalidate.h, and falls back to reading if they do not work out.
 */

enum {
	/* A revalidation may take this many requests more than reading all pages. */
	ALLOWANCE = 8,
	/* A shorter listing is read: that takes as few requests. */
	PAGES_MIN = 3,
};

bool revalidate_is_of_all(const struct revalidation *check)
{
	return check->listing->query.statuses == QUERY_ALL_STATUSES;
}

unsigned revalidate_limit(const struct revalidation *check)
{
	return page_size_next(&check->listing->sync->page_size);
}

void revalidate_start(struct revalidation *check)
{
	if (!check->paused)
		revalidate_steps[check->step].start(check);
}

/*
 * Reads the listing as if nothing were known of it. Members emitted so far keep their
 * positions.
 */
void revalidate_fall_back(struct revalidation *check)
{
	struct listing *listing = check->listing;

	log_debug(listing->sync->log, "the listing \"%s\" is being read again",
		listing->key);
	listing_switch_source(listing, &source_pages);
}

void revalidate_fail(struct revalidation *check, int error, const char *errmsg)
{
	listing_failed(check->listing, error, errmsg);
}

void revalidate_settle(struct revalidation *check, int error)
{
	if (error == -ESTALE || error == -EIO)
		revalidate_fall_back(check);
	else if (error)
		revalidate_fail(check, error, strerror(-error));
	else
		revalidate_start(check);
}

/*
 * True if the members emitted so far are exactly the predicted jobs. If not, new jobs
 * follow members that they belong before: the listing is not in order.
 */
static bool revalidate_is_as_predicted(const struct revalidation *check)
{
	const struct member_set *members = &check->listing->members;
	const struct row_order *order = &check->row_order;

	return members->len == order->len &&
	       (!members->len || memcmp(members->members, order->rows,
					 members->len * sizeof(*order->rows)) == 0);
}

void revalidate_finish(struct revalidation *check)
{
	struct listing *listing = check->listing;
	const struct row_order *order = &check->row_order;
	int err = 0;

	for (size_t i = 0; !err && i < order->len; i++)
		err = member_set_add(
			&listing->members, order->rows[i], LISTING_EMITTED, true);
	if (err) {
		revalidate_fail(check, err, strerror(-err));
		return;
	}
	listing->ordered = revalidate_is_as_predicted(check);
	listing->unchanged = !check->changed;
	listing_completed(listing);
}

/* Returns 0 if the page can be used, -ESTALE to fall back, or the page's error. */
static int revalidate_judge(const struct page *page)
{
	/* Reading pages finds the limit that is granted. */
	if (page->error == -EINVAL)
		return -ESTALE;
	if (page->error)
		return page->error;
	return page->has_mismatches ? -ESTALE : 0;
}

static void revalidate_on_page(struct page *page)
{
	struct revalidation *check = page->ctx;
	struct listing *listing = check->listing;
	int err = revalidate_judge(page);

	if (err && err != -ESTALE) {
		char *errmsg = page->why;

		page->why = NULL;
		page_free(page);
		check->page = NULL;
		revalidate_fail(check, err, errmsg ? errmsg : strerror(-err));
		free(errmsg);
		return;
	}
	if (!err && page->query == &listing->query)
		newest_note(listing, page->newest_ms);
	if (!err)
		err = revalidate_steps[check->step].take(check);
	/* The step may have completed the listing and freed our state. */
	if (listing->source_state != check)
		return;
	page_free(page);
	check->page = NULL;
	revalidate_settle(check, err);
}

void revalidate_ask(struct revalidation *check, const struct query *query,
	uint64_t offset, unsigned limit)
{
	if (++check->requests > check->most) {
		revalidate_fall_back(check);
		return;
	}

	int err = page_ask(check->listing->sync, query, 0, offset, limit,
		revalidate_on_page, check, &check->page);

	if (err)
		revalidate_fail(check, err, strerror(-err));
}

static void revalidate_pull(struct listing *listing)
{
	struct revalidation *check = listing->source_state;

	if (listing->reading_ahead)
		check->paused = false;
	if (!check->page && !check->changed_jobs_len &&
		(listing->reader_waiting || listing->reading_ahead))
		revalidate_start(check);
}

/* True if listings of this query can be revalidated. */
static bool revalidate_suits(const struct query *query)
{
	const unsigned unfinished = 1U << JOB_QUEUED | 1U << JOB_PROCESSING;

	/* There are few unfinished jobs, and they move too much. */
	return query->spans_len == 1 &&
	       (query->statuses == QUERY_ALL_STATUSES || !(query->statuses & unfinished));
}

/* Loads the rows of the previous listing, from memory or from the catalog. */
static int revalidate_load_rows(const struct listing *listing, struct rows *ret_rows)
{
	const struct listing *before = listing->previous;
	struct catalog_listing kept;

	*ret_rows = (struct rows){0};
	if (before && !before->ordered)
		return -ENOENT;
	if (before)
		return rows_append(
			ret_rows, before->members.members, before->members.len);

	int err = saved_listings_load(listing->sync->catalog, listing->key, &kept,
		&ret_rows->rows, &ret_rows->len);

	if (err || kept.ordered)
		return err;
	free(ret_rows->rows);
	return -ENOENT;
}

/* Returns created_at of the first predicted job. */
static int64_t revalidate_newest_of(const struct row_order *order)
{
	struct catalog_job job;

	/* If it is not known, all jobs count as new. */
	if (jobs_by_row(order->catalog, order->rows[0], &job))
		return INT64_MIN;
	return job.job.created_ms;
}

static void revalidate_end(struct listing *listing)
{
	struct revalidation *check = listing->source_state;

	page_free(check->page);
	changes_end(check);
	free(check->head.rows);
	row_order_done(&check->row_order);
	free(check);
}

static int revalidate_begin(struct listing *listing)
{
	const struct page_size *size = &listing->sync->page_size;
	struct rows rows;

	if (!revalidate_suits(&listing->query) || size->granted == 1 || size->given == 1)
		return -ENOENT;

	int err = revalidate_load_rows(listing, &rows);

	if (err)
		return err;

	unsigned pages = (unsigned)(rows.len / page_size_next(size));
	struct revalidation *check = pages < PAGES_MIN ? NULL : calloc(1, sizeof(*check));

	if (!check) {
		free(rows.rows);
		return pages < PAGES_MIN ? -ENOENT : -ENOMEM;
	}
	check->listing = listing;
	check->most = pages + ALLOWANCE;
	check->unfinished_query = listing->query;
	check->unfinished_query.statuses = 1U << JOB_QUEUED | 1U << JOB_PROCESSING;
	row_order_init(&check->row_order, listing->sync->catalog, rows.rows, rows.len);
	check->newest_ms = revalidate_newest_of(&check->row_order);
	listing->source_state = check;
	err = changes_begin(check);
	if (err) {
		revalidate_end(listing);
		listing->source_state = NULL;
	}
	return err;
}

const struct listing_source source_revalidate = {
	ORIGIN_API, revalidate_begin, revalidate_pull, revalidate_end};
