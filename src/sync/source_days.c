/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gladia/api.h"
#include "gladia/timestamp.h"
#include "internal.h"

/*
 * Fills a listing of the days that have jobs by skipping from day to day (SEMANTICS 3.4):
 * the newest job created before a timestamp gives a day, and the beginning of that day is
 * the next timestamp. This requires that the API returns the newest job first. To check
 * this, we request a few jobs instead of one. If their order is different, or if they do
 * not match the request, all jobs are listed instead.
 *
 *   SKIPPING   the jobs are as expected             their day is a member; skip it
 *              no job, and it is the last page      the next span; after the last span,
 *                                                   complete
 *              the jobs are not as expected         READING
 *              the span has one day, and its jobs   READING
 *              do not show their order
 *              no job, but more may follow, or      READING: source_pages.c finds out if
 *              the listing had jobs before          there is really none
 *   READING    the listing of jobs is complete      its days are members; complete
 *
 * With a filter on metadata it begins with READING.
 */
enum { SAMPLE = 3 };

struct days {
	struct api_call *call;
	int64_t before_ms; /* all days from here on are known */
	struct query asked;
	struct job sample[SAMPLE];
	unsigned sample_len;
	unsigned span_days;   /* days found in the present span */
	bool doubtful;        /* the last sample does not show in which order it is */
	struct listing *jobs; /* listing of all jobs, while READING; else NULL */
	struct waiter waiter;
	struct loop_task again;
	int error; /* error that READING failed with */
	struct listing *listing;
};

/* Returns the part of the query that is before a timestamp. */
static void days_clip(
	const struct query *query, int64_t before_ms, struct query *ret_clipped)
{
	struct query clipped = {.statuses = query->statuses};

	for (unsigned i = 0; i < query->spans_len; i++) {
		struct span span = query->spans[i];

		if (span.from_ms >= before_ms)
			continue;
		if (span.to_ms > before_ms)
			span.to_ms = before_ms;
		clipped.spans[clipped.spans_len++] = span;
	}
	*ret_clipped = clipped;
}

static int days_add_day(struct listing *listing, int64_t day)
{
	return member_set_add(&listing->members, day + LISTING_DAY_BASE, 0, true);
}

static int days_compare(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

/* Adds the days of all jobs of a complete listing. */
static int days_add_read(struct listing *listing, const struct listing *jobs)
{
	int64_t *days = calloc(listing_len(jobs) + 1, sizeof(*days));
	size_t len = 0;
	int err = 0;

	if (!days)
		return -ENOMEM;
	for (size_t i = 0; !err && i < listing_len(jobs); i++) {
		struct catalog_job job;

		err = jobs_by_row(listing->sync->catalog, listing_member(jobs, i), &job);
		if (!err && job.job.created_ms != JOB_NO_TIME)
			days[len++] = day_of_timestamp(job.job.created_ms);
		if (err == -ENOENT)
			err = 0;
	}
	qsort(days, len, sizeof(*days), days_compare);
	for (size_t i = 0; !err && i < len; i++)
		err = days_add_day(listing, days[i]);
	free(days);
	return err;
}

static void days_read_on(struct listing *listing)
{
	struct days *days = listing->source_state;
	int err;

	do
		err = listing_want(days->jobs, listing_len(days->jobs));
	while (!err);
	if (err == -EAGAIN) {
		wait_enter(listing_queue(days->jobs), &days->waiter);
		return;
	}
	if (err == -ENOENT)
		err = days_add_read(listing, days->jobs);
	listing->origin = days->jobs->origin;
	if (err)
		listing_failed(listing, err, strerror(-err));
	else
		listing_completed(listing);
}

/*
 * Completing the days releases the listing of jobs, which is still waking its queue: do
 * it in a task.
 */
static void days_on_jobs(struct waiter *waiter, int error)
{
	struct days *days = list_entry(waiter, struct days, waiter);

	days->error = error;
	loop_task_post(days->listing->sync->loop, &days->again);
}

static void days_go_on(void *ctx)
{
	struct listing *listing = ctx;
	struct days *days = listing->source_state;

	/* The listing of jobs has logged the error. */
	if (days->error)
		listing_failed(listing, days->error, "");
	else
		days_read_on(listing);
}

static void days_begin_reading(struct listing *listing)
{
	struct days *days = listing->source_state;
	int err = listing_get(listing->sync, LISTING_JOBS, &listing->query, &days->jobs);

	if (err)
		listing_failed(listing, err, strerror(-err));
	else
		days_read_on(listing);
}

/*
 * True if the job is at the edge of the span. It is not known whether the API's limits
 * are inclusive (query_print_url()).
 */
static bool days_is_at_edge(const struct span *span, const struct job *job)
{
	return job->created_ms == span->to_ms ||
	       (job->created_ms < span->from_ms && job->created_ms + 1 == span->from_ms);
}

static int days_on_item(void *ctx, const struct api_item *item)
{
	struct days *days = ((struct listing *)ctx)->source_state;

	if (!item)
		return 0;

	struct catalog_job job;
	int err = sync_put(((struct listing *)ctx)->sync, item, &job);

	if (err && err != -EEXIST)
		return err;
	if (days->sample_len < SAMPLE &&
		!days_is_at_edge(&days->asked.spans[0], &item->job))
		days->sample[days->sample_len++] = item->job;
	return 0;
}

static void days_on_restart(void *ctx)
{
	struct days *days = ((struct listing *)ctx)->source_state;

	days->sample_len = 0;
}

static bool days_as_expected(const struct days *days, const struct api_page *page)
{
	/* Jobs may follow those at the edge, or an empty page that is not the end. */
	if (!days->sample_len && !page->last)
		return false;
	for (unsigned i = 0; i < days->sample_len; i++) {
		const struct job *job = &days->sample[i];

		if (job->created_ms == JOB_NO_TIME || !query_matches(&days->asked, job))
			return false;
		if (i && job->created_ms > days->sample[i - 1].created_ms)
			return false;
	}
	return true;
}

/*
 * Adds the day of the newest job. If the API returned the oldest job first, we would find
 * no day before it. So the order is in doubt only if there is a single day, and if the
 * sample does not show the order.
 */
static int days_take_day(struct days *days, const struct api_page *page)
{
	const struct job *newest = &days->sample[0];
	const struct job *oldest = &days->sample[days->sample_len - 1];
	int64_t day = day_of_timestamp(newest->created_ms);

	days->before_ms = day * DAY_MS;
	days->span_days++;
	days->doubtful = newest->created_ms == oldest->created_ms && !page->last &&
			 (day + 1) * DAY_MS < days->asked.spans[0].to_ms;
	return days_add_day(days->listing, day);
}

/* Returns 0, -EINVAL if skipping cannot continue, or another error. */
static int days_take_page(struct listing *listing, const struct api_page *page)
{
	struct days *days = listing->source_state;
	const struct span *span = &days->asked.spans[0];
	int err = days->sample_len ? days_take_day(days, page) : 0;

	if (err)
		return err;
	if (!days->sample_len || days->before_ms <= span->from_ms) {
		if (days->span_days == 1 && days->doubtful)
			return -EINVAL;
		days->before_ms = span->from_ms;
		days->span_days = 0;
	}
	if (days->sample_len)
		listing_grew(listing);
	return 0;
}

static void days_pull(struct listing *listing);

static void days_on_done(
	void *ctx, int error, const struct api_page *page, const char *errmsg)
{
	struct listing *listing = ctx;
	struct days *days = listing->source_state;

	days->call = NULL;
	if (!error) {
		error = days_as_expected(days, page) ? days_take_page(listing, page)
						     : -EINVAL;
		errmsg = strerror(-error);
	}
	/* The API may also have refused the dates. */
	if (error == -EINVAL)
		days_begin_reading(listing);
	else if (error)
		listing_failed(listing, error, errmsg);
	else
		days_pull(listing);
}

static const struct api_handlers handlers = {days_on_item, days_on_restart, days_on_done};

static void days_pull(struct listing *listing)
{
	struct days *days = listing->source_state;

	if (days->jobs) {
		days_read_on(listing);
		return;
	}
	if (days->call || !listing->reader_waiting)
		return;
	days_clip(&listing->query, days->before_ms, &days->asked);

	bool at_end = !days->asked.spans_len;
	bool is_doubtful = at_end && !listing->members.len && listing_had_jobs(listing);

	/* With a filter on metadata the newest job before a timestamp may not match. */
	if (*listing->query.metadata || is_doubtful) {
		days_begin_reading(listing);
		return;
	}
	if (at_end) {
		listing_completed(listing);
		return;
	}
	days_on_restart(listing);

	int err = api_list(listing->sync->api, &days->asked, 0, 0, SAMPLE, &handlers,
		listing, &days->call);

	if (err)
		listing_failed(listing, err, strerror(-err));
}

static int days_begin(struct listing *listing)
{
	struct days *days = calloc(1, sizeof(*days));

	if (!days)
		return -ENOMEM;
	days->before_ms = INT64_MAX;
	days->listing = listing;
	waiter_init(&days->waiter, days_on_jobs);
	loop_task_init(&days->again, days_go_on, listing);
	listing->source_state = days;
	return 0;
}

static void days_end(struct listing *listing)
{
	struct days *days = listing->source_state;

	if (days->call)
		api_cancel(days->call);
	wait_leave(&days->waiter);
	loop_task_cancel(&days->again);
	if (days->jobs)
		listing_put(days->jobs);
	free(days);
}

const struct listing_source source_days = {ORIGIN_API, days_begin, days_pull, days_end};
