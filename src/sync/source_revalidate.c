/* SPDX-License-Identifier: MIT */
#include "source_revalidate.h"

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

int rows_append(struct rows *rows, const int64_t *more, size_t len)
{
	int64_t *grown = realloc(rows->rows, (rows->len + len + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	if (len)
		memcpy(grown + rows->len, more, len * sizeof(*grown));
	rows->rows = grown;
	rows->len += len;
	return 0;
}

bool check_is_of_all(const struct check *check)
{
	return check->listing->query.statuses == QUERY_ALL_STATUSES;
}

unsigned check_limit(const struct check *check)
{
	return page_size_next(&check->listing->sync->page_size);
}

void check_start(struct check *check)
{
	if (!check->paused)
		check_steps[check->step].start(check);
}

/*
 * Reads the listing as if nothing were known of it. Members emitted so far keep their
 * positions.
 */
void check_fall_back(struct check *check)
{
	struct listing *listing = check->listing;

	log_debug(listing->sync->log, "the listing \"%s\" is read again", listing->key);
	listing_fill_by(listing, &filler_pages);
}

void check_fail(struct check *check, int error, const char *why)
{
	listing_failed(check->listing, error, why);
}

void check_settle(struct check *check, int error)
{
	if (error == -ESTALE || error == -EIO)
		check_fall_back(check);
	else if (error)
		check_fail(check, error, strerror(-error));
	else
		check_start(check);
}

/*
 * True if the members emitted so far are exactly the predicted jobs. If not, new jobs
 * follow members that they belong before: the listing is not in order.
 */
static bool stand_as_expected(const struct check *check)
{
	const struct snapshot *members = &check->listing->members;
	const struct expected *expected = &check->expected;

	return members->len == expected->len &&
	       (!members->len || memcmp(members->members, expected->rows,
					 members->len * sizeof(*expected->rows)) == 0);
}

void check_finish(struct check *check)
{
	struct listing *listing = check->listing;
	const struct expected *expected = &check->expected;
	int err = 0;

	for (size_t i = 0; !err && i < expected->len; i++)
		err = snapshot_see(
			&listing->members, expected->rows[i], LISTING_TOLD, true);
	if (err) {
		check_fail(check, err, strerror(-err));
		return;
	}
	listing->ordered = stand_as_expected(check);
	listing->same = !check->changed;
	listing_completed(listing);
}

/* Returns 0 if the page can be used, -ESTALE to fall back, or the page's error. */
static int judge(const struct page *page)
{
	/* Reading pages finds the limit that is granted. */
	if (page->error == -EINVAL)
		return -ESTALE;
	if (page->error)
		return page->error;
	return page->foreign ? -ESTALE : 0;
}

static void on_page(struct page *page)
{
	struct check *check = page->ctx;
	struct listing *listing = check->listing;
	int err = judge(page);

	if (err && err != -ESTALE) {
		char *why = page->why;

		page->why = NULL;
		page_free(page);
		check->page = NULL;
		check_fail(check, err, why ? why : strerror(-err));
		free(why);
		return;
	}
	if (!err && page->query == &listing->query)
		newest_note(listing, page->newest_ms);
	if (!err)
		err = check_steps[check->step].take(check);
	/* The step may have completed the listing and freed our state. */
	if (listing->filling != check)
		return;
	page_free(page);
	check->page = NULL;
	check_settle(check, err);
}

void check_ask(
	struct check *check, const struct query *query, uint64_t offset, unsigned limit)
{
	if (++check->requests > check->most) {
		check_fall_back(check);
		return;
	}

	int err = page_ask(check->listing->sync, query, 0, offset, limit, on_page, check,
		&check->page);

	if (err)
		check_fail(check, err, strerror(-err));
}

static void pull(struct listing *listing)
{
	struct check *check = listing->filling;

	if (listing->goes_on)
		check->paused = false;
	if (!check->page && !check->moved_len && (listing->lacking || listing->goes_on))
		check_start(check);
}

/* True if listings of this query can be revalidated. */
static bool suits(const struct query *query)
{
	const unsigned unfinished = 1U << JOB_QUEUED | 1U << JOB_PROCESSING;

	/* There are few unfinished jobs, and they move too much. */
	return query->spans_len == 1 &&
	       (query->statuses == QUERY_ALL_STATUSES || !(query->statuses & unfinished));
}

/* Loads the rows of the previous listing, from memory or from the catalog. */
static int load_rows(const struct listing *listing, struct rows *ret_rows)
{
	const struct listing *before = listing->before;
	struct catalog_listing kept;

	*ret_rows = (struct rows){0};
	if (before && !before->ordered)
		return -ENOENT;
	if (before)
		return rows_append(
			ret_rows, before->members.members, before->members.len);

	int err = listings_load(listing->sync->catalog, listing->key, &kept,
		&ret_rows->rows, &ret_rows->len);

	if (err || kept.ordered)
		return err;
	free(ret_rows->rows);
	return -ENOENT;
}

/* Returns created_at of the first predicted job. */
static int64_t newest_of(const struct expected *expected)
{
	struct catalog_job job;

	/* If it is not known, all jobs count as new. */
	if (jobs_by_row(expected->catalog, expected->rows[0], &job))
		return INT64_MIN;
	return job.job.created_ms;
}

static void end(struct listing *listing)
{
	struct check *check = listing->filling;

	page_free(check->page);
	moved_end(check);
	free(check->head.rows);
	expected_done(&check->expected);
	free(check);
}

static int begin(struct listing *listing)
{
	const struct page_size *size = &listing->sync->page_size;
	struct rows rows;

	if (!suits(&listing->query) || size->granted == 1 || size->given == 1)
		return -ENOENT;

	int err = load_rows(listing, &rows);

	if (err)
		return err;

	unsigned pages = (unsigned)(rows.len / page_size_next(size));
	struct check *check = pages < PAGES_MIN ? NULL : calloc(1, sizeof(*check));

	if (!check) {
		free(rows.rows);
		return pages < PAGES_MIN ? -ENOENT : -ENOMEM;
	}
	check->listing = listing;
	check->most = pages + ALLOWANCE;
	check->unfinished_query = listing->query;
	check->unfinished_query.statuses = 1U << JOB_QUEUED | 1U << JOB_PROCESSING;
	expected_init(&check->expected, listing->sync->catalog, rows.rows, rows.len);
	check->newest_ms = newest_of(&check->expected);
	listing->filling = check;
	err = moved_begin(check);
	if (err) {
		end(listing);
		listing->filling = NULL;
	}
	return err;
}

const struct filler filler_check = {begin, pull, end};
