/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "revalidate.h"

/*
 * The steps of a revalidation that find jobs whose status has changed: UNFINISHED,
 * STATUS_CHANGES and VERIFY_UNFINISHED. The table of all steps is in revalidate.h.
 */

/* A job whose status has changed, while it is fetched. */
struct moved {
	struct waiter waiter;
	struct check *check;
	bool waiting;
};

static int compare_rows(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return (*x > *y) - (*x < *y);
}

/* True if `row` is among `rows`, which are in ascending order. */
static bool has_row(const struct rows *rows, int64_t row)
{
	return rows->len &&
	       bsearch(&row, rows->rows, rows->len, sizeof(row), compare_rows);
}

/* Requests the first or the next page of unfinished jobs. */
static void ask_unfinished(struct check *check, const struct rows *known)
{
	check_ask(check, &check->unfinished_query, known->len ? known->len - 1 : 0,
		page_size_unfinished(&check->listing->sync->page_size));
}

/*
 * Adds the jobs of the page to `known`. Gaps and duplicates are harmless here: a job that
 * we skip is fetched by its id, or found by the next refresh.
 */
static int take_unfinished(struct check *check, struct rows *known, bool *ret_whole)
{
	const struct page *page = check->page;
	int err = rows_append(known, page->rows, page->len);

	*ret_whole = page->end.last;
	/* The API says that there are more jobs, but does not return them. */
	if (!err && !*ret_whole && page->len <= 1)
		return -ESTALE;
	if (!err && *ret_whole && known->len)
		qsort(known->rows, known->len, sizeof(*known->rows), compare_rows);
	return err;
}

void unfinished_start(struct check *check)
{
	ask_unfinished(check, &check->unfinished);
}

int unfinished_take(struct check *check)
{
	struct rows *unfinished = &check->unfinished;
	bool whole;
	int err = take_unfinished(check, unfinished, &whole);

	if (err || !whole)
		return err;
	check->step = STEP_MOVED;
	if (check_is_of_all(check))
		return 0;
	/* The next refresh needs them, however this one ends. */
	err = listing_watch(check->listing, unfinished->rows, unfinished->len);
	return !err && !check->watched ? -ESTALE : err;
}

void still_start(struct check *check)
{
	ask_unfinished(check, &check->still);
}

int still_take(struct check *check)
{
	bool whole;
	int err = take_unfinished(check, &check->still, &whole);

	if (err || !whole)
		return err;
	for (size_t i = 0; i < check->unfinished.len; i++)
		if (!has_row(&check->still, check->unfinished.rows[i]))
			return check_restart(check);
	check_finish(check);
	return 0;
}

/* True if the job predicted at `at` was created in the same millisecond. */
static bool is_tie(const struct expected *expected, size_t at, int64_t created_ms)
{
	struct catalog_job job;

	return at < expected->len &&
	       !jobs_by_row(expected->catalog, expected->rows[at], &job) &&
	       job.job.created_ms == created_ms;
}

/* Inserts the job into the prediction, or removes it, as its state requires. */
static int classify(struct check *check, const struct catalog_job *job)
{
	const struct query *query = &check->listing->query;
	bool belongs = !job->gone && query_matches(query, &job->job);
	size_t at;
	int err = expected_find(&check->expected, job, check->expected.len, &at);

	if (err && err != -ENOENT)
		return err;
	if (belongs)
		newest_note(check->listing, job_mtime_ms(&job->job));
	if (belongs == !err)
		return 0;
	/* Only the API knows which of the two comes first. */
	if (belongs && is_tie(&check->expected, at, job->job.created_ms))
		return -ESTALE;
	/* The jobs after it have shifted: their positions are not confirmed any more. */
	if (check->good >= at)
		check->good = at ? at - 1 : 0;
	check->changed = true;
	return belongs ? expected_splice(&check->expected, at, at, &job->row, 1)
		       : expected_splice(&check->expected, at, at + 1, NULL, 0);
}

/* True if the catalog still has the job as unfinished, but the API does not. */
static bool has_moved(const struct check *check, const struct catalog_job *job)
{
	return !job->gone && !job_finished(&job->job) &&
	       !has_row(&check->unfinished, job->row);
}

static int ask_moved(struct check *check, const struct catalog_job *job)
{
	struct wait_queue *queue;
	struct moved *moved = check->moved;

	while (moved->waiting)
		moved++;
	if (++check->requests > check->most)
		return -ESTALE;

	int err = single_get(check->listing->sync, job->job.id, &queue);

	if (err)
		return err;
	moved->waiting = true;
	check->moved_len++;
	wait_enter(queue, &moved->waiter);
	return 0;
}

/* Fetches as many of the changed jobs as there are connections. */
static int ask_on(struct check *check)
{
	const struct listing *listing = check->listing;
	const struct rows *watch = &check->watch;
	struct catalog_job job;
	int err = 0;

	while (!err && check->watch_at < watch->len &&
		check->moved_len < listing->sync->config.connections) {
		int64_t row = watch->rows[check->watch_at++];

		if (!jobs_by_row(listing->sync->catalog, row, &job) &&
			has_moved(check, &job))
			err = ask_moved(check, &job);
	}
	return err;
}

/* All changed jobs have been fetched: puts each where the catalog says it belongs. */
static int classify_all(struct check *check)
{
	struct catalog_job job;
	int err = 0;

	for (size_t i = 0; !err && i < check->watch.len; i++)
		if (!jobs_by_row(check->expected.catalog, check->watch.rows[i], &job))
			err = classify(check, &job);
	check->step = STEP_TAIL;
	return err;
}

void moved_start(struct check *check)
{
	int err = ask_on(check);

	if (!err && check->moved_len)
		return;
	if (!err)
		err = classify_all(check);
	check_settle(check, err);
}

static void on_moved(struct waiter *waiter, int error)
{
	struct moved *moved = list_entry(waiter, struct moved, waiter);
	struct check *check = moved->check;

	moved->waiting = false;
	check->moved_len--;
	/* If it was deleted, the catalog knows. The job fetch has logged other errors. */
	if (!error || error == -ENOENT) {
		moved_start(check);
		return;
	}
	check->watch_at = 0;
	check_fail(check, error, "");
}

/*
 * Loads the unfinished jobs of the query that the catalog has. In a listing of all
 * statuses these are all there were at the previous refresh.
 */
static int watch_known(struct check *check)
{
	const struct listing *listing = check->listing;
	struct rows known = {0};
	int err = jobs_unfinished(listing->sync->catalog, &known.rows, &known.len);

	for (size_t i = 0; !err && i < known.len; i++) {
		struct catalog_job job;

		if (!jobs_by_row(listing->sync->catalog, known.rows[i], &job) &&
			query_matches(&listing->query, &job.job))
			err = rows_append(&check->watch, &known.rows[i], 1);
	}
	free(known.rows);
	return err;
}

/* Loads the jobs that were unfinished at the previous refresh, if they are known. */
static int load_watch(struct check *check)
{
	struct rows *watch = &check->watch;

	check->watched = true;
	if (check_is_of_all(check))
		return watch_known(check);

	int err = listing_load_watch(check->listing, &watch->rows, &watch->len);

	check->watched = !err;
	return err == -ENOENT ? 0 : err;
}

int moved_begin(struct check *check)
{
	int len = check->listing->sync->config.connections;

	check->moved = calloc((size_t)len, sizeof(*check->moved));
	if (!check->moved)
		return -ENOMEM;
	for (int i = 0; i < len; i++) {
		check->moved[i].check = check;
		waiter_init(&check->moved[i].waiter, on_moved);
	}
	return load_watch(check);
}

void moved_end(struct check *check)
{
	int len = check->listing->sync->config.connections;

	for (int i = 0; check->moved && i < len; i++)
		wait_leave(&check->moved[i].waiter);
	free(check->moved);
	free(check->watch.rows);
	free(check->unfinished.rows);
	free(check->still.rows);
}
