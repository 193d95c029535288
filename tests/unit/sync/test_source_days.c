/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cmocka.h"

#include "gladia/timestamp.h"
#include "sync_fixture.h"

/* SEMANTICS 3.4: the days that have jobs, by skipping from one to the next. */

static struct query of_all(void)
{
	struct query query;

	query_init(&query);
	return query;
}

static void add(struct bench *bench, const char *id, const char *instant)
{
	int64_t ms;

	assert_int_equal(timestamp_parse(instant, &ms), 0);
	fake_add(bench->api, id, JOB_DONE, ms);
}

/* Three days, with six jobs, two and one. */
static void fill_three_days(struct bench *bench)
{
	add(bench, "a", "2026-04-01T23:59:59.999Z");
	add(bench, "b", "2026-04-01T11:00Z");
	add(bench, "c", "2026-04-01T10:00Z");
	add(bench, "d", "2026-04-01T09:00Z");
	add(bench, "e", "2026-04-01T08:00Z");
	add(bench, "f", "2026-04-01");
	add(bench, "g", "2026-03-31T12:00Z");
	add(bench, "h", "2026-03-31T11:00Z");
	add(bench, "i", "2025-12-31");
}

static const char three_days[] = "2026-04-01 2026-03-31 2025-12-31";

static void assert_days(
	struct bench *bench, const struct query *query, const char *wanted)
{
	struct reader *reader;

	bench_reset(bench, BENCH_CONNECTIONS, 0);
	reader = reader_open(bench, LISTING_DAYS, query);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, wanted);
	reader_close(reader);
}

/* One small request for each day, and one that finds no more; in order, newest first. */
static void a_request_for_each_day(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();
	struct reader *reader;

	fill_three_days(bench);
	reader = reader_open(bench, LISTING_DAYS, &query);
	for (unsigned requests = 1; requests <= 4; requests++) {
		assert_int_equal(reader_read(reader), -EAGAIN);
		assert_int_equal(bench->api->pending_len, 1);
		assert_int_equal(bench->api->lists, requests);
		assert_in_range(fake_call(bench->api, 0)->limit, 1, 3);
		assert_int_equal(fake_call(bench->api, 0)->offset, 0);
		fake_answer(fake_call(bench->api, 0));
		bench_turn(bench);
	}
	assert_int_equal(reader_read(reader), -ENOENT);
	assert_members(reader, three_days);
	assert_int_equal(bench->api->lists, 4);
	reader_close(reader);
}

/* SEMANTICS 6.2: nobody who reads on, no request. */
static void days_are_lazy(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();
	struct reader *reader;

	fill_three_days(bench);
	reader = reader_open(bench, LISTING_DAYS, &query);
	assert_int_equal(bench->api->lists, 0);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	bench_settle(bench);
	assert_int_equal(reader_want(reader, 0), 0);
	bench_settle(bench);
	assert_int_equal(bench->api->lists, 1);
	assert_members(reader, "2026-04-01");
	reader_close(reader);
}

static void no_jobs_no_days(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();

	assert_days(bench, &query, "");
	assert_int_equal(bench->api->lists, 1);
}

/* status/done/date/ and the like show what is in them. */
static void days_within_filters(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();

	fill_three_days(bench);
	fake_find(bench->api, "g")->job.status = JOB_ERROR;
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "error"), 0);
	assert_days(bench, &query, "2026-03-31");
	query = of_all();
	assert_int_equal(query_narrow(&query, QUERY_BEFORE, "2026-04-01"), 0);
	assert_days(bench, &query, "2026-03-31 2025-12-31");
	query = of_all();
	assert_int_equal(query_narrow(&query, QUERY_AFTER, "2026-01-01"), 0);
	assert_days(bench, &query, "2026-04-01 2026-03-31");
}

/* Several spans, one after the other: a request less where a span is but a day. */
static void days_of_several_spans(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();

	fill_three_days(bench);
	assert_int_equal(
		query_narrow(&query, QUERY_DATE, "2026-04-01,2025-12-31,2025-01-01"), 0);
	assert_days(bench, &query, "2026-04-01 2025-12-31");
	assert_int_equal(bench->api->lists, 3);
}

/* Jobs of midnight, by limits that are inclusive, or not. */
static void midnight_belongs_to_one_day(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();

	add(bench, "a", "2026-04-02");
	add(bench, "b", "2026-04-01");
	add(bench, "c", "2026-03-30T23:59:59.999Z");
	bench->api->rules.limits_inclusive = true;
	assert_days(bench, &query, "2026-04-02 2026-04-01 2026-03-30");
	assert_int_equal(query_narrow(&query, QUERY_BEFORE, "2026-04-02"), 0);
	assert_days(bench, &query, "2026-04-01 2026-03-30");
	assert_int_equal(query_narrow(&query, QUERY_AFTER, "2026-03-31"), 0);
	assert_days(bench, &query, "2026-04-01");
}

/* So many at midnight that they hide what stands behind them. */
static void many_at_midnight_hide_none(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();

	for (int i = 0; i < 5; i++) {
		char id[16];

		snprintf(id, sizeof(id), "m%d", i);
		add(bench, id, "2026-04-02");
	}
	add(bench, "x", "2026-03-30");
	bench->api->rules.limits_inclusive = true;
	assert_days(bench, &query, "2026-04-02 2026-03-30");
}

/* Orders in which skipping would miss days: then all is read, and nothing missed. */
static void other_orders_are_read(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();

	bench->api->rules.order = FAKE_OLDEST_FIRST;
	fill_three_days(bench);
	assert_days(bench, &query, three_days);
	bench->api->jobs_len = 0;
	bench->api->rules.order = FAKE_UNSORTED;
	fill_three_days(bench);
	assert_days(bench, &query, three_days);
}

/* The oldest first, and the sample does not show it. */
static void oldest_first_behind_equal_times(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();

	bench->api->rules.order = FAKE_OLDEST_FIRST;
	for (int i = 0; i < 4; i++) {
		char id[16];

		snprintf(id, sizeof(id), "m%d", i);
		add(bench, id, "2026-03-01T10:00Z");
	}
	add(bench, "n", "2026-03-02T10:00Z");
	add(bench, "o", "2026-03-04T10:00Z");

	struct reader *reader = reader_open(bench, LISTING_DAYS, &query);

	assert_int_equal(reader_finish(reader), 0);
	assert_int_equal(listing_len(reader->listing), 3);
	reader_close(reader);
	/* Within a day there is no doubt. */
	assert_int_equal(query_narrow(&query, QUERY_DATE, "2026-03-01"), 0);
	bench->api->lists = 0;
	assert_days(bench, &query, "2026-03-01");
	assert_int_equal(bench->api->lists, 1);
}

/* A page cut to one job tells no order. */
static void oldest_first_in_pages_of_one(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();
	struct reader *reader;

	bench->api->rules.order = FAKE_OLDEST_FIRST;
	bench->api->rules.gives_at_most = 1;
	fill_three_days(bench);
	reader = reader_open(bench, LISTING_DAYS, &query);
	assert_int_equal(reader_finish(reader), 0);
	assert_int_equal(listing_len(reader->listing), 3);
	reader_close(reader);
}

/* Newest first by all the same times costs no more than other days. */
static void equal_times_newest_first(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();

	for (int i = 0; i < 12; i++) {
		char id[16];

		snprintf(id, sizeof(id), "m%02d", i);
		add(bench, id, i < 6 ? "2026-03-01T10:00Z" : "2026-03-04T10:00Z");
	}
	assert_days(bench, &query, "2026-03-04 2026-03-01");
	assert_int_equal(bench->api->lists, 3);
}

static void dates_that_are_not_heeded(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();

	bench->api->rules.ignores_dates = true;
	fill_three_days(bench);
	assert_days(bench, &query, three_days);
}

/* The first request has no date, the second one is refused for it. */
static void dates_that_are_refused(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();
	struct reader *reader;

	fill_three_days(bench);
	reader = reader_open(bench, LISTING_DAYS, &query);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_answer(fake_call(bench->api, 0));
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_fail(fake_call(bench->api, 0), -EINVAL, "test: no such filter");
	assert_int_equal(reader->error, 0);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, three_days);
	reader_close(reader);
}

/* Jobs without created_at are of no day. */
static void jobs_without_time(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();

	bench->api->rules.order = FAKE_OLDEST_FIRST;
	fake_add(bench->api, "none", JOB_DONE, JOB_NO_TIME);
	assert_days(bench, &query, "");
	fill_three_days(bench);
	assert_days(bench, &query, three_days);
	bench->api->rules.order = FAKE_NEWEST_FIRST;
	bench->api->jobs_len = 0;
	fill_three_days(bench);
	fake_add(bench->api, "none", JOB_DONE, JOB_NO_TIME);
	assert_days(bench, &query, three_days);
}

/* Times that no calendar has. */
static void first_and_last_day_of_all(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();

	add(bench, "a", "9999-12-31T23:59:59.999Z");
	add(bench, "b", "1970-01-01");
	add(bench, "c", "1969-12-31T23:59:59.999Z");
	add(bench, "d", "0001-01-01");
	assert_days(bench, &query, "9999-12-31 1970-01-01 1969-12-31 0001-01-01");
}

/* SEMANTICS 6.1: a retry goes on where it failed. */
static void failed_requests_are_tried_again(void **state)
{
	struct bench *bench = *state;
	struct query query = of_all();
	struct reader *reader;

	fill_three_days(bench);
	reader = reader_open(bench, LISTING_DAYS, &query);
	for (unsigned i = 0; i < 4; i++) {
		size_t len = listing_len(reader->listing);

		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_restart(fake_call(bench->api, 0));
		fake_fail(fake_call(bench->api, 0), -EBUSY, "test: too many requests");
		assert_int_equal(reader->error, -EBUSY);
		assert_int_equal(listing_len(reader->listing), len);
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_restart(fake_call(bench->api, 0));
		fake_answer(fake_call(bench->api, 0));
	}
	assert_int_equal(reader_read(reader), -ENOENT);
	assert_members(reader, three_days);
	assert_int_equal(bench->api->lists, 8);
	reader_close(reader);
}

/* Opens days that have to be read, and stops where they are. */
static struct reader *open_reading(struct bench *bench)
{
	struct query query = of_all();
	struct reader *reader;

	bench_reset(bench, 4, 4);
	bench->api->rules.order = FAKE_OLDEST_FIRST;
	fill_three_days(bench);
	reader = reader_open(bench, LISTING_DAYS, &query);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_answer(fake_call(bench->api, 0));
	bench_turn(bench);
	assert_int_equal(reader_read(reader), -EAGAIN);
	assert_int_equal(bench->api->pending_len, 1);
	return reader;
}

/* SEMANTICS 6.1: also where all jobs are read. */
static void failed_reading_is_tried_again(void **state)
{
	struct bench *bench = *state;
	struct reader *reader = open_reading(bench);
	int failures = 0;

	while (failures < 2) {
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_answer(fake_call(bench->api, 0));
		assert_int_equal(reader_read(reader), -EAGAIN);
		reader->error = 0;
		fake_fail(fake_call(bench->api, 0), -EBUSY, "test: too many requests");
		bench_turn(bench);
		assert_int_equal(reader->error, -EBUSY);
		failures++;
	}
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, three_days);
	reader_close(reader);
}

/* The jobs' listing is the one that all/ has. */
static void reading_is_shared(void **state)
{
	struct bench *bench = *state;
	struct reader *reader = open_reading(bench);
	struct query query = of_all();
	unsigned lists;

	assert_int_equal(reader_finish(reader), 0);
	reader_close(reader);
	lists = bench->api->lists;
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &query), 0);
	assert_int_equal(bench->api->lists, lists);
}

/* The days hold a listing that is younger than they are. */
static void sync_ends_while_reading(void **state)
{
	struct bench *bench = *state;

	reader_close(open_reading(bench));
	bench_reset(bench, 1, 0);
	assert_int_equal(bench->api->pending_len, 0);
	/* And while it is being told of the end. */
	reader_close(open_reading(bench));
	fake_settle(bench->api);
	bench_reset(bench, 1, 0);
	bench_turn(bench);
}

/* The days are the last to hold the jobs' listing, which goes as soon as they have it. */
static void reading_of_an_outdated_listing(void **state)
{
	struct bench *bench = *state;
	struct reader *reader = open_reading(bench);
	struct reader *newer;

	sync_refresh(bench->sync);
	newer = reader_open_all(bench);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, three_days);
	reader_close(newer);
	reader_close(reader);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, bench_set_up, bench_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_request_for_each_day),
		TEST(days_are_lazy),
		TEST(no_jobs_no_days),
		TEST(days_within_filters),
		TEST(days_of_several_spans),
		TEST(midnight_belongs_to_one_day),
		TEST(many_at_midnight_hide_none),
		TEST(other_orders_are_read),
		TEST(oldest_first_behind_equal_times),
		TEST(oldest_first_in_pages_of_one),
		TEST(equal_times_newest_first),
		TEST(dates_that_are_not_heeded),
		TEST(dates_that_are_refused),
		TEST(jobs_without_time),
		TEST(first_and_last_day_of_all),
		TEST(failed_requests_are_tried_again),
		TEST(failed_reading_is_tried_again),
		TEST(reading_is_shared),
		TEST(sync_ends_while_reading),
		TEST(reading_of_an_outdated_listing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
