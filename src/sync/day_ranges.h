/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/array.h"
#include "base/list.h"
#include "gladia/query.h"

/*
 * Plans which ranges of time source_days.c searches for days that have jobs. It sends no
 * requests.
 *
 * One request searches one range. Its answer contains the newest jobs of the range, so it
 * shows the newest days, and what is older remains to be searched. A range that takes
 * several requests can be split, so that its parts are searched at the same time.
 *
 *   the range ...                           action
 *   is the first one                        search it alone: it may have all jobs
 *   is idle, and so is a connection         split the range that takes the most requests
 *                                           (day_ranges_next()), then search both
 *   is answered with jobs                   queue their days; search what is older
 *   is answered with the last of its jobs,  it is settled
 *   or with none
 *   is the newest one                       emit its days
 *   is the newest one, and is settled       remove it
 *
 * Number of requests: each one finds at least one day, or else settles its range. So
 * there are never more than the days that have jobs, plus one per range. `spare` counts
 * how many ranges we may still add: at first one less than there are connections. A range
 * that is settled without such a request gives its one back, and so does each further day
 * that a request finds.
 *
 * Where to split: it is not known how old the account is. So we cut the oldest range at a
 * guess, a tenth older than what was searched already: if there is nothing beyond, that
 * takes a request. Other ranges are cut in half. Both use whole weeks, because many
 * accounts have no jobs at weekends: a range whose first day has jobs is settled without
 * a request for what is before that day. Ranges of less than two weeks are split after
 * the oldest one, unless jobs are created every day.
 */
struct day_range {
	struct list link;
	struct span span; /* time that is not searched yet; empty: settled */
	struct rows days; /* days found, newest first, in the order of their jobs */
	size_t emitted;   /* number of these that were emitted */
	int64_t job_ms;   /* average time between two jobs; 0: less than is useful */
	bool busy;        /* a request searches it now */
	bool searched;    /* it has been answered, or is part of one that was */
	bool oldest;      /* it is not known how old its jobs are */
};

struct day_ranges {
	struct list all; /* newest first */
	enum zone zone;  /* of the days */
	unsigned connections;
	unsigned spare;
	unsigned page_jobs; /* jobs that a request for a page returns, set by the owner */
	unsigned answers;   /* requests that were answered */
	unsigned gaps;      /* number of these that showed a day without jobs */
	int64_t newest_ms;  /* beginning of the newest day that was found */
};

/* Plans to search the spans of a query. Returns 0 or -ENOMEM. */
int day_ranges_init(
	struct day_ranges *ranges, const struct query *query, unsigned connections);

/* Frees all ranges. */
void day_ranges_done(struct day_ranges *ranges);

/*
 * Returns the range to search next, or NULL if no other one can be searched before an
 * answer arrives. The caller starts a request for `range->span` and sets `range->busy`,
 * until the request has ended.
 */
struct day_range *day_ranges_next(struct day_ranges *ranges);

/*
 * Records that a range was searched: `days` are the days of its newest jobs, newest
 * first, without repetitions. `last`: it has no other jobs. Returns 0 or -ENOMEM.
 */
int day_ranges_answered(struct day_ranges *ranges, struct day_range *range,
	const struct rows *days, bool last);

/* Returns true and the next day to emit, or false if that is not known yet. */
bool day_ranges_emit(struct day_ranges *ranges, int64_t *ret_day);

/* True if all ranges are settled and all days were emitted. */
bool day_ranges_complete(const struct day_ranges *ranges);

/* Returns the number of days that are not searched yet; INT64_MAX: unlimited. */
int64_t day_range_days_left(const struct day_range *range);
