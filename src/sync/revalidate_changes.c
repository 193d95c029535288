/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "revalidate.h"

/*
 * The steps of a revalidation that find jobs whose status has changed: UNFINISHED,
 * STATUS_CHANGES and VERIFY_UNFINISHED. The table of all steps is in revalidate.h.
 */

/* A job whose status has changed, while it is fetched. */
struct changed_job {
	struct waiter waiter;
	struct revalidation *check;
	bool waiting;
};

static int changes_compare_rows(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return (*x > *y) - (*x < *y);
}

/* True if `row` is among `rows`, which are in ascending order. */
static bool changes_has_row(const struct rows *rows, int64_t row)
{
	return rows->len &&
	       bsearch(&row, rows->rows, rows->len, sizeof(row), changes_compare_rows);
}

/* Requests the first or the next page of unfinished jobs. */
static void changes_ask_unfinished(struct revalidation *check, const struct rows *known)
{
	revalidate_ask(check, &check->unfinished_query, known->len ? known->len - 1 : 0,
		page_size_unfinished(&check->listing->sync->page_size));
}

/*
 * Adds the jobs of the page to `known`. Gaps and duplicates are harmless here: a job that
 * we skip is fetched by its id, or found by the next refresh.
 */
static int changes_take_unfinished(
	struct revalidation *check, struct rows *known, bool *ret_whole)
{
	const struct page *page = check->page;
	int err = rows_append(known, page->rows, page->len);

	*ret_whole = page->end.last;
	/* The API says that there are more jobs, but does not return them. */
	if (!err && !*ret_whole && page->len <= 1)
		return -ESTALE;
	if (!err && *ret_whole && known->len)
		qsort(known->rows, known->len, sizeof(*known->rows),
			changes_compare_rows);
	return err;
}

void changes_unfinished_start(struct revalidation *check)
{
	changes_ask_unfinished(check, &check->unfinished);
}

int changes_unfinished_take(struct revalidation *check)
{
	struct rows *unfinished = &check->unfinished;
	bool whole;
	int err = changes_take_unfinished(check, unfinished, &whole);

	if (err || !whole)
		return err;
	check->step = STEP_STATUS_CHANGES;
	if (revalidate_is_of_all(check))
		return 0;
	/* The next refresh needs them, however this one ends. */
	err = listing_set_unfinished(check->listing, unfinished->rows, unfinished->len);
	return !err && !check->has_unfinished_before ? -ESTALE : err;
}

void changes_verify_start(struct revalidation *check)
{
	changes_ask_unfinished(check, &check->still_unfinished);
}

int changes_verify_take(struct revalidation *check)
{
	bool whole;
	int err = changes_take_unfinished(check, &check->still_unfinished, &whole);

	if (err || !whole)
		return err;
	for (size_t i = 0; i < check->unfinished.len; i++)
		if (!changes_has_row(&check->still_unfinished, check->unfinished.rows[i]))
			return revalidate_restart(check);
	revalidate_finish(check);
	return 0;
}

/*
 * Checks whether the job predicted at `at` was created in the same millisecond. Returns 0
 * or -EIO.
 */
static int changes_is_tie(
	const struct row_order *order, size_t at, int64_t created_ms, bool *ret_tie)
{
	struct catalog_job job;

	*ret_tie = false;
	if (at == order->len)
		return 0;
	if (jobs_by_row(order->catalog, order->rows[at], &job))
		return -EIO;
	*ret_tie = job.job.created_ms == created_ms;
	return 0;
}

/* Inserts the job into the prediction, or removes it, as its state requires. */
static int changes_classify(struct revalidation *check, const struct catalog_job *job)
{
	const struct query *query = &check->listing->query;
	bool belongs = !job->deleted && query_matches(query, &job->job);
	bool tie = false;
	size_t at;
	int err = row_order_find(&check->row_order, job, check->row_order.len, &at);

	if (err && err != -ENOENT)
		return err;
	if (belongs)
		newest_note(check->listing, job_mtime_ms(&job->job));
	if (belongs == !err)
		return 0;
	err = belongs ? changes_is_tie(&check->row_order, at, job->job.created_ms, &tie)
		      : 0;
	if (err)
		return err;
	/* Only the API knows which of the two comes first. */
	if (tie)
		return -ESTALE;
	/* The jobs after it have shifted: their positions are not confirmed any more. */
	if (check->low >= at)
		check->low = at ? at - 1 : 0;
	check->changed = true;
	return belongs ? row_order_splice(&check->row_order, at, at, &job->row, 1)
		       : row_order_splice(&check->row_order, at, at + 1, NULL, 0);
}

/* True if the catalog still has the job as unfinished, but the API does not. */
static bool changes_has_finished(
	const struct revalidation *check, const struct catalog_job *job)
{
	return !job->deleted && !job_finished(&job->job) &&
	       !changes_has_row(&check->unfinished, job->row);
}

static int changes_fetch(struct revalidation *check, const struct catalog_job *job)
{
	struct wait_queue *queue;
	struct changed_job *changed = check->changed_jobs;

	while (changed->waiting)
		changed++;
	if (++check->requests > check->most)
		return -ESTALE;

	int err = job_fetch_by_id(check->listing->sync, job->job.id, &queue);

	if (err)
		return err;
	changed->waiting = true;
	check->changed_jobs_len++;
	wait_enter(queue, &changed->waiter);
	return 0;
}

/* Fetches as many of the changed jobs as there are connections. */
static int changes_fetch_some(struct revalidation *check)
{
	const struct listing *listing = check->listing;
	const struct rows *before = &check->unfinished_before;
	struct catalog_job job;
	int err = 0;

	while (!err && check->unfinished_at < before->len &&
		check->changed_jobs_len < listing->sync->config.connections) {
		int64_t row = before->rows[check->unfinished_at++];

		err = jobs_by_row(listing->sync->catalog, row, &job);
		if (!err && changes_has_finished(check, &job))
			err = changes_fetch(check, &job);
		if (err == -ENOENT)
			err = 0;
	}
	return err;
}

/* All changed jobs have been fetched: puts each where the catalog says it belongs. */
static int changes_classify_all(struct revalidation *check)
{
	struct catalog_job job;
	int err = 0;

	for (size_t i = 0; !err && i < check->unfinished_before.len; i++) {
		err = jobs_by_row(
			check->row_order.catalog, check->unfinished_before.rows[i], &job);
		if (!err)
			err = changes_classify(check, &job);
		if (err == -ENOENT)
			err = 0;
	}
	check->step = STEP_TAIL;
	return err;
}

void changes_fetch_start(struct revalidation *check)
{
	int err = changes_fetch_some(check);

	if (!err && check->changed_jobs_len)
		return;
	if (!err)
		err = changes_classify_all(check);
	revalidate_settle(check, err);
}

static void changes_on_fetched(struct waiter *waiter, int error)
{
	struct changed_job *changed = list_entry(waiter, struct changed_job, waiter);
	struct revalidation *check = changed->check;

	changed->waiting = false;
	check->changed_jobs_len--;
	/* If it was deleted, the catalog knows. The job fetch has logged other errors. */
	if (!error || error == -ENOENT) {
		changes_fetch_start(check);
		return;
	}
	check->unfinished_at = 0;
	revalidate_fail(check, error, "");
}

/*
 * Loads the unfinished jobs of the query that the catalog has. In a listing of all
 * statuses these are all there were at the previous refresh.
 */
static int changes_load_known(struct revalidation *check)
{
	const struct listing *listing = check->listing;
	struct rows known = {0};
	int err = jobs_unfinished(listing->sync->catalog, &known.rows, &known.len);

	for (size_t i = 0; !err && i < known.len; i++) {
		struct catalog_job job;

		err = jobs_by_row(listing->sync->catalog, known.rows[i], &job);
		if (!err && query_matches(&listing->query, &job.job))
			err = rows_append(&check->unfinished_before, &known.rows[i], 1);
		if (err == -ENOENT)
			err = 0;
	}
	free(known.rows);
	return err;
}

/* Loads the jobs that were unfinished at the previous refresh, if they are known. */
static int changes_load_before(struct revalidation *check)
{
	check->has_unfinished_before = true;
	if (revalidate_is_of_all(check))
		return changes_load_known(check);

	int err = listing_load_unfinished(check->listing, &check->unfinished_before);

	check->has_unfinished_before = !err;
	return err == -ENOENT ? 0 : err;
}

int changes_begin(struct revalidation *check)
{
	int len = check->listing->sync->config.connections;

	check->changed_jobs = calloc((size_t)len, sizeof(*check->changed_jobs));
	if (!check->changed_jobs)
		return -ENOMEM;
	for (int i = 0; i < len; i++) {
		check->changed_jobs[i].check = check;
		waiter_init(&check->changed_jobs[i].waiter, changes_on_fetched);
	}
	return changes_load_before(check);
}

void changes_end(struct revalidation *check)
{
	int len = check->listing->sync->config.connections;

	for (int i = 0; check->changed_jobs && i < len; i++)
		wait_leave(&check->changed_jobs[i].waiter);
	free(check->changed_jobs);
	free(check->unfinished_before.rows);
	free(check->unfinished.rows);
	free(check->still_unfinished.rows);
}
