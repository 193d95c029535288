/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gladia/api.h"
#include "gladia/timestamp.h"
#include "source_select.h"

/*
 * Fills a listing of the days that have jobs by skipping from day to day (SEMANTICS 3.4):
 * the newest job created before a timestamp gives a day, and the beginning of that day is
 * the next timestamp. This requires that the API returns the newest job first. To check
 * this, we request a few jobs instead of one. If their order is different, or if they do
 * not match the request, all jobs are listed instead.
 *
 *   the jobs are as expected               their day is a member; skip it
 *   no job, and it is the last page        the next span; after the last span, complete
 *   the jobs are not as expected           select the days from the listing of jobs
 *                                          (select_growing), which is read to its end
 *   the span has one day, and its jobs do  the same
 *   not show their order
 *   no job, but more may follow, or the    the same: source_pages.c finds out if there is
 *   listing had jobs before                really none
 */
enum { SAMPLE = 3 };

struct days {
	struct api_call *call;
	int64_t before_ms; /* all days from here on are known */
	struct query asked;
	struct job sample[SAMPLE];
	unsigned sample_len;
	unsigned span_days; /* days found in the present span */
	bool doubtful;      /* the last sample does not show in which order it is */
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
		listing_switch_source(listing, &select_growing);
	else if (error)
		listing_failed(listing, error, errmsg);
	else
		days_pull(listing);
}

static const struct api_handlers handlers = {days_on_item, days_on_restart, days_on_done};

static void days_pull(struct listing *listing)
{
	struct days *days = listing->source_state;

	if (days->call || !listing->reader_waiting)
		return;
	days_clip(&listing->query, days->before_ms, &days->asked);

	bool at_end = !days->asked.spans_len;

	if (at_end && !listing->members.len && listing_had_jobs(listing)) {
		listing_switch_source(listing, &select_growing);
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
	listing->source_state = days;
	return 0;
}

static void days_end(struct listing *listing)
{
	struct days *days = listing->source_state;

	if (days->call)
		api_cancel(days->call);
	free(days);
}

const struct listing_source source_days = {ORIGIN_API, days_begin, days_pull, days_end};
