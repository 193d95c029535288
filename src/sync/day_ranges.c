/* SPDX-License-Identifier: MIT */
#include "day_ranges.h"

#include <stdlib.h>
#include <sys/param.h>

#include "gladia/timestamp.h"

enum {
	WEEK = 7, /* days */
	/*
	 * The oldest range counts as so many days if they may have gaps, or if it seems
	 * that they have none. So larger ranges are split first. The second value is what
	 * searched a year the fastest in unit/sync/test_day_ranges.c.
	 */
	OLDEST_DAYS = 2 * WEEK - 1,
	OLDEST_DENSE_DAYS = 4,
};

/* Inserts a range after the link of a newer one. */
static struct day_range *ranges_add(struct list *newer, struct span span)
{
	struct day_range *range = calloc(1, sizeof(*range));

	if (!range)
		return NULL;
	range->span = span;
	list_append(newer->next, &range->link);
	return range;
}

static void ranges_free(struct day_range *range)
{
	list_remove(&range->link);
	rows_done(&range->days);
	free(range);
}

static struct day_range *ranges_at(struct list *link)
{
	return list_entry(link, struct day_range, link);
}

int day_ranges_init(
	struct day_ranges *ranges, const struct query *query, unsigned connections)
{
	*ranges = (struct day_ranges){.zone = query->zone,
		.connections = connections,
		.spare = connections - 1,
		.page_jobs = 1,
		.newest_ms = INT64_MIN};
	list_init(&ranges->all);
	for (unsigned i = 0; i < query->spans_len; i++) {
		struct day_range *range = ranges_add(ranges->all.prev, query->spans[i]);

		if (!range) {
			day_ranges_done(ranges);
			return -ENOMEM;
		}
		range->oldest = true;
	}
	return 0;
}

void day_ranges_done(struct day_ranges *ranges)
{
	list_for_each_safe (link, &ranges->all)
		ranges_free(ranges_at(link));
}

static bool ranges_is_settled(const struct day_range *range)
{
	return range->span.from_ms >= range->span.to_ms;
}

int64_t day_range_days_left(const struct day_range *range)
{
	const struct span *span = &range->span;

	if (span->from_ms == INT64_MIN || span->to_ms == INT64_MAX)
		return INT64_MAX;
	return (span->to_ms - span->from_ms + DAY_MS - 1) / DAY_MS;
}

/* Returns the number of days that a page is expected to cover; at least 1. */
static int64_t ranges_page_days(
	const struct day_ranges *ranges, const struct day_range *range)
{
	return MAX(range->job_ms * ranges->page_jobs / DAY_MS, 1);
}

/* True if hardly any day so far had no jobs. */
static bool ranges_are_dense(const struct day_ranges *ranges)
{
	return ranges->answers > 2 * WEEK && ranges->gaps < ranges->answers / 16 + 1;
}

/* Returns the number of requests that a range will take. One is not worth splitting. */
static int64_t ranges_requests(
	const struct day_ranges *ranges, const struct day_range *range)
{
	int64_t days = day_range_days_left(range);
	int64_t page_days = ranges_page_days(ranges, range);
	int64_t most = ranges_are_dense(ranges) ? OLDEST_DENSE_DAYS : OLDEST_DAYS;

	if (!range->searched)
		return 1;
	if (range->oldest && days > most)
		return MAX(most / page_days, 2);
	return days / page_days;
}

/* Returns the number of days of the older part of a range, see day_ranges.h. */
static int64_t ranges_older_days(
	const struct day_ranges *ranges, const struct day_range *range)
{
	int64_t left = day_range_days_left(range);
	int64_t older = left / 2;

	if (range->oldest) {
		int64_t known = (ranges->newest_ms - range->span.to_ms) / DAY_MS;
		int64_t page = ranges_page_days(ranges, range);
		int64_t newer = MAX(known / 10 + WEEK, page) / WEEK * WEEK;

		return MAX(older, left - newer);
	}
	return older > WEEK ? older - older % WEEK : older;
}

/* Returns the beginning of a day that divides a range. */
static int64_t ranges_middle(
	const struct day_ranges *ranges, const struct day_range *range)
{
	int64_t newer = day_range_days_left(range) - ranges_older_days(ranges, range);
	int64_t middle_ms = range->span.to_ms - newer * DAY_MS;
	/* Days have 23 to 25 hours. */
	int64_t day = zone_day(ranges->zone, middle_ms + DAY_MS / 2);
	int64_t begin_ms = zone_day_begin(ranges->zone, day);

	return begin_ms > range->span.from_ms ? begin_ms : middle_ms;
}

/* Splits a range that is idle. Returns false if memory is short. */
static bool ranges_split(struct day_ranges *ranges, struct day_range *newer)
{
	int64_t middle_ms = ranges_middle(ranges, newer);
	struct day_range *older = ranges_add(
		&newer->link, (struct span){newer->span.from_ms, middle_ms});

	if (!older)
		return false;
	older->job_ms = newer->job_ms;
	older->searched = newer->searched;
	older->oldest = newer->oldest;
	newer->oldest = false;
	newer->span.from_ms = middle_ms;
	ranges->spare--;
	return true;
}

/* The ranges that are not settled. */
struct survey {
	unsigned open;
	unsigned busy;
	struct day_range *idle;    /* the newest idle range, or NULL */
	struct day_range *largest; /* the idle range that takes the most requests */
	int64_t idle_requests;     /* of that one */
	int64_t busy_requests;     /* of the busy range that takes the most */
};

static struct survey ranges_survey(const struct day_ranges *ranges)
{
	struct survey survey = {0};

	list_for_each (link, &ranges->all) {
		struct day_range *range = ranges_at(link);
		int64_t requests = ranges_requests(ranges, range);

		if (ranges_is_settled(range))
			continue;
		survey.open++;
		if (range->busy) {
			survey.busy++;
			survey.busy_requests = MAX(survey.busy_requests, requests);
			continue;
		}
		if (!survey.idle)
			survey.idle = range;
		if (requests > survey.idle_requests) {
			survey.idle_requests = requests;
			survey.largest = range;
		}
	}
	return survey;
}

/*
 * True if another range is worth a request. A busy range that is much larger will be
 * split when its request is answered, which is soon.
 */
static bool ranges_should_split(
	const struct day_ranges *ranges, const struct survey *survey)
{
	return ranges->spare && survey->open < ranges->connections &&
	       survey->idle_requests > 1 &&
	       survey->busy_requests <= 2 * survey->idle_requests;
}

struct day_range *day_ranges_next(struct day_ranges *ranges)
{
	struct survey survey = ranges_survey(ranges);

	if (!ranges->answers && survey.busy)
		return NULL;
	while (ranges_should_split(ranges, &survey) &&
		ranges_split(ranges, survey.largest))
		survey = ranges_survey(ranges);
	return survey.busy < ranges->connections ? survey.idle : NULL;
}

/* Records the days that were found in a range. */
static void ranges_note_days(
	struct day_ranges *ranges, struct day_range *range, const struct rows *days)
{
	enum zone zone = ranges->zone;
	int64_t newest_ms = zone_day_begin(zone, days->rows[0]);

	if (ranges->answers &&
		zone_day_begin(zone, days->rows[0] + 1) < range->span.to_ms)
		ranges->gaps++;
	ranges->newest_ms = MAX(ranges->newest_ms, newest_ms);
	ranges->spare += (unsigned)days->len - 1;
	range->span.to_ms = zone_day_begin(zone, days->rows[days->len - 1]);
}

int day_ranges_answered(struct day_ranges *ranges, struct day_range *range,
	const struct rows *days, bool last)
{
	int err = rows_append(&range->days, days->rows, days->len);

	if (err)
		return err;
	if (days->len)
		ranges_note_days(ranges, range, days);
	if (last || !days->len)
		range->span.to_ms = range->span.from_ms;
	if (days->len && ranges_is_settled(range))
		ranges->spare++;
	range->searched = true;
	ranges->answers++;
	return 0;
}

bool day_ranges_emit(struct day_ranges *ranges, int64_t *ret_day)
{
	while (!list_empty(&ranges->all)) {
		struct day_range *range = ranges_at(ranges->all.next);

		if (range->emitted < range->days.len) {
			*ret_day = range->days.rows[range->emitted++];
			return true;
		}
		if (!ranges_is_settled(range))
			return false;
		ranges_free(range);
	}
	return false;
}

bool day_ranges_complete(const struct day_ranges *ranges)
{
	return list_empty(&ranges->all);
}
