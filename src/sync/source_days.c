/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "day_ranges.h"
#include "gladia/api.h"
#include "gladia/timestamp.h"
#include "source_select.h"

/*
 * Fills a listing of the days that have jobs by searching several ranges of time at once
 * (SEMANTICS 3.4, day_ranges.h). The newest jobs of a range give days, and the beginning
 * of the oldest of these days is the end of what remains to be searched. This requires
 * that the API returns the newest job first, which each answer is checked for.
 *
 *   no reader is close to what is known    send nothing
 *   the jobs are as expected               queue their days; search what remains
 *   no job, and it is the last page        the range is settled
 *   all ranges are settled                 complete
 *   the jobs are not as expected           select the days from the listing of jobs
 *                                          (select_growing), which is read to its end
 *   all ranges are settled, but no answer  the same
 *   shows the order, and one should have
 *   no job, but more may follow, or the    the same: source_pages.c finds out if there is
 *   listing had jobs before                really none
 *   a request fails                        the readers get the error; the next reader
 *                                          repeats that request
 *
 * How many jobs to request: a page of a mebibyte costs about as much as a round trip, and
 * shows all days that its jobs cover. So if a day's jobs have less than a mebibyte, a
 * page costs no more than a sample of a few jobs, and saves requests. But it costs more
 * bytes. So we request pages only for the first SMALL_ACCOUNT bytes, which are 3,000 jobs
 * of 20 kB, or five seconds at 100 Mbit/s. In a larger account, days cost a sample each.
 * `date/` of a small account thus takes as long as `all/`.
 */
enum {
	SAMPLE = 2, /* jobs; enough to check their order */
	DAY_BYTES = 1 << 20,
	SMALL_ACCOUNT = 64 << 20,
};

struct days {
	struct listing *listing;
	struct day_ranges ranges;
	struct list searches;
	uint64_t bytes;    /* of all answers */
	bool order_shown;  /* an answer has shown that the newest jobs are first */
	bool order_hidden; /* an answer would be the same if the oldest were first */
};

/* A request that searches a range. */
struct search {
	struct list link; /* in days.searches */
	struct days *days;
	struct day_range *range;
	struct query asked;
	struct api_call *call;
	unsigned limit;
	struct rows found; /* days of the jobs, newest first */
	unsigned jobs;     /* number of jobs, without those at the edge */
	int64_t newest_ms; /* created_at of the first of these jobs */
	int64_t oldest_ms; /* created_at of the last one so far */
	bool unexpected;   /* there is a job that should not be there, or not in this
			      order */
};

static void search_on_restart(void *ctx)
{
	struct search *search = ctx;

	search->found.len = 0;
	search->jobs = 0;
	search->unexpected = false;
}

static void search_free(struct search *search)
{
	if (search->call)
		api_cancel(search->call);
	search->range->busy = false;
	list_remove(&search->link);
	rows_done(&search->found);
	free(search);
}

/*
 * True if the job is at the edge of the span. It is not known whether the API's limits
 * are inclusive (query_print_url()).
 */
static bool search_is_at_edge(const struct span *span, const struct job *job)
{
	return job->created_ms == span->to_ms ||
	       (job->created_ms < span->from_ms && job->created_ms + 1 == span->from_ms);
}

static int search_add_job(struct search *search, const struct job *job)
{
	struct rows *found = &search->found;
	int64_t day = zone_day(search->days->ranges.zone, job->created_ms);

	if (job->created_ms == JOB_NO_TIME || !query_matches(&search->asked, job) ||
		(search->jobs && job->created_ms > search->oldest_ms))
		search->unexpected = true;
	if (search->unexpected)
		return 0;
	if (!search->jobs++)
		search->newest_ms = job->created_ms;
	search->oldest_ms = job->created_ms;
	if (found->len && found->rows[found->len - 1] == day)
		return 0;
	return rows_append(found, &day, 1);
}

static int search_on_item(void *ctx, const struct api_item *item)
{
	struct search *search = ctx;
	struct catalog_job job;

	if (!item)
		return 0;

	int err = sync_put(search->days->listing->sync, item, &job);

	if (err && err != -EEXIST)
		return err;
	if (search_is_at_edge(&search->asked.spans[0], &item->job))
		return 0;
	return search_add_job(search, &item->job);
}

/*
 * Notes whether the answer shows the order of the jobs. If all its jobs were created at
 * the same time, they may be the oldest ones of the range, and we would find no other day
 * of it. But a search of what is older then finds nothing.
 */
static void search_note_order(const struct search *search, bool last)
{
	struct days *days = search->days;
	int64_t day_end_ms = zone_day_begin(days->ranges.zone, search->found.rows[0] + 1);

	if (search->newest_ms > search->oldest_ms || search->range->searched)
		days->order_shown = true;
	else if (!last && day_end_ms < search->asked.spans[0].to_ms)
		days->order_hidden = true;
}

/* Decides what the next requests for the range ask for, see above. */
static void search_note_density(const struct search *search, const struct api_page *page)
{
	struct days *days = search->days;
	struct page_size *size = &days->listing->sync->page_size;
	int64_t time_ms = search->newest_ms - search->oldest_ms;
	double day_bytes = (double)page->bytes * (double)DAY_MS / (double)MAX(time_ms, 1);

	page_size_granted(size, search->limit);
	/* A few jobs do not show how many of them fit into a page. */
	if (page->items >= API_LIMIT_DEFAULT)
		page_size_learn(size, page->items, page->bytes, page->elapsed_ms);
	days->ranges.page_jobs = page_size_next(size);
	days->bytes += page->bytes;
	/* A sample of one day shows only that this day has so many jobs. */
	if (search->limit > SAMPLE || search->found.len > 1)
		search->range->job_ms = day_bytes <= (double)DAY_BYTES
						? time_ms / (int64_t)search->jobs
						: 0;
}

/* Returns 0, -EINVAL if searching cannot continue, or another error. */
static int search_take(struct search *search, const struct api_page *page)
{
	/* Jobs may follow those at the edge, or an empty page that is not the end. */
	if (search->unexpected || (!search->jobs && !page->last))
		return -EINVAL;
	if (search->jobs) {
		search_note_order(search, page->last);
		search_note_density(search, page);
	}
	return day_ranges_answered(
		&search->days->ranges, search->range, &search->found, page->last);
}

/* Emits the days that are known. Returns 0, -ENOMEM or -EFBIG. */
static int days_emit(struct days *days)
{
	struct listing *listing = days->listing;
	size_t len = listing->members.len;
	int64_t day;
	int err = 0;

	while (!err && day_ranges_emit(&days->ranges, &day))
		err = member_set_add(&listing->members, day + LISTING_DAY_BASE, 0, true);
	if (listing->members.len > len)
		listing_grew(listing);
	return err;
}

static void days_pull(struct listing *listing);

static void search_on_done(
	void *ctx, int error, const struct api_page *page, const char *errmsg)
{
	struct search *search = ctx;
	struct days *days = search->days;
	struct listing *listing = days->listing;
	bool smaller = error == -EINVAL &&
		       page_size_refused(&listing->sync->page_size, search->limit);

	search->call = NULL;
	if (!error) {
		error = search_take(search, page);
		errmsg = strerror(-error);
	}
	search_free(search);
	if (!error)
		error = days_emit(days);
	/* The API may also have refused the dates. */
	if (error == -EINVAL && !smaller)
		listing_switch_source(listing, &select_growing);
	else if (!error || smaller)
		days_pull(listing);
	/* If several requests fail, the readers get the first error. */
	else if (!listing->error)
		listing_failed(listing, error, errmsg);
}

/* Returns the number of jobs to request from a range. */
static unsigned days_limit(const struct days *days, const struct day_range *range)
{
	const struct page_size *size = &days->listing->sync->page_size;

	if (!days->ranges.answers)
		return page_size_first(size);
	if (range->job_ms && day_range_days_left(range) > 1 &&
		days->bytes <= SMALL_ACCOUNT)
		return page_size_next(size);
	return MIN(SAMPLE, page_size_next(size));
}

static int days_search(struct days *days, struct day_range *range)
{
	static const struct api_handlers handlers = {
		search_on_item, search_on_restart, search_on_done};
	struct search *search = calloc(1, sizeof(*search));

	if (!search)
		return -ENOMEM;
	search->days = days;
	search->range = range;
	search->asked.statuses = days->listing->query.statuses;
	search->asked.spans[0] = range->span;
	search->asked.spans_len = 1;
	search->limit = days_limit(days, range);
	list_append(&days->searches, &search->link);
	range->busy = true;

	int err = api_list(days->listing->sync->api, &search->asked, 0, 0, search->limit,
		&handlers, search, &search->call);

	if (err)
		search_free(search);
	return err;
}

/* All ranges are settled: completes the listing, unless that is doubtful. */
static void days_finish(struct listing *listing)
{
	const struct days *days = listing->source_state;
	bool doubtful = days->order_hidden && !days->order_shown;

	if (doubtful || (!listing->members.len && listing_had_jobs(listing)))
		listing_switch_source(listing, &select_growing);
	else
		listing_completed(listing);
}

/*
 * True if a reader waits, or is close to the end of what is known: it reads on when it
 * has taken the names that were emitted last, and we do not wait for that.
 */
static bool days_is_wanted(const struct listing *listing)
{
	size_t ahead = 2 * (size_t)listing->sync->config.connections;

	return listing->reader_waiting ||
	       (listing->reading_ahead && !listing->error &&
		       listing->members.len < listing->wanted + ahead);
}

static void days_pull(struct listing *listing)
{
	struct days *days = listing->source_state;
	struct day_range *range;

	if (!days_is_wanted(listing))
		return;
	if (day_ranges_complete(&days->ranges)) {
		days_finish(listing);
		return;
	}
	while ((range = day_ranges_next(&days->ranges))) {
		int err = days_search(days, range);

		if (err) {
			listing_failed(listing, err, strerror(-err));
			return;
		}
	}
}

static int days_begin(struct listing *listing)
{
	struct days *days = calloc(1, sizeof(*days));

	if (!days)
		return -ENOMEM;
	if (day_ranges_init(&days->ranges, &listing->query,
		    (unsigned)listing->sync->config.connections)) {
		free(days);
		return -ENOMEM;
	}
	days->listing = listing;
	list_init(&days->searches);
	listing->source_state = days;
	return 0;
}

static void days_end(struct listing *listing)
{
	struct days *days = listing->source_state;

	list_for_each_safe (link, &days->searches)
		search_free(list_entry(link, struct search, link));
	day_ranges_done(&days->ranges);
	free(days);
}

const struct listing_source source_days = {ORIGIN_API, days_begin, days_pull, days_end};
