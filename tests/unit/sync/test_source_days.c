/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cmocka.h"

#include "base/array.h"
#include "failing_read.h"
#include "gladia/timestamp.h"
#include "sync_fixture.h"

/* SEMANTICS 3.4: the days that have jobs are searched in several ranges of time at once.
 */

static struct query of_all(void)
{
	struct query query;

	query_init(&query);
	return query;
}

static void add(struct sync_fixture *fixture, const char *id, const char *instant)
{
	int64_t ms;

	assert_int_equal(timestamp_parse(instant, &ms), 0);
	fake_add(fixture->api, id, JOB_DONE, ms);
}

/* Adds jobs with the same timestamp: PREFIX0, PREFIX1 and so on. */
static void add_many(struct sync_fixture *fixture, const char *prefix, unsigned count,
	const char *instant)
{
	for (unsigned i = 0; i < count; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%s%u", prefix, i);
		add(fixture, id, instant);
	}
}

/* Adds six jobs on one day, two on another and one on a third. */
static void fill_three_days(struct sync_fixture *fixture)
{
	add(fixture, "a", "2026-04-01T23:59:59.999Z");
	add(fixture, "b", "2026-04-01T11:00Z");
	add(fixture, "c", "2026-04-01T10:00Z");
	add(fixture, "d", "2026-04-01T09:00Z");
	add(fixture, "e", "2026-04-01T08:00Z");
	add(fixture, "f", "2026-04-01");
	add(fixture, "g", "2026-03-31T12:00Z");
	add(fixture, "h", "2026-03-31T11:00Z");
	add(fixture, "i", "2025-12-31");
}

static const char three_days[] = "2026-04-01 2026-03-31 2025-12-31";

/* Asserts the days, whatever the number of connections and the size of pages. */
static void assert_days(
	struct sync_fixture *fixture, const struct query *query, const char *wanted)
{
	static const struct {
		int connections;
		unsigned page_size;
	} with[] = {{1, 2}, {8, 2}, {3, 3}, {64, 5}, {1, 0}, {FIXTURE_CONNECTIONS, 0}};

	for (size_t i = 0; i < ARRAY_SIZE(with); i++) {
		struct reader *reader;

		fixture_reset(fixture, with[i].connections, with[i].page_size);
		fixture->api->lists = 0;
		reader = reader_open(fixture, LISTING_DAYS, query);
		assert_int_equal(reader_finish(reader), 0);
		assert_members(reader, wanted);
		reader_close(reader);
	}
}

/*
 * If the account has more jobs than a page, each day costs one small request, and the end
 * costs another; the newest day is first.
 */
static void a_request_for_each_day(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();
	struct reader *reader;

	fill_three_days(fixture);
	add(fixture, "j", "2025-12-30");
	add(fixture, "k", "2025-12-30");
	fixture_reset(fixture, 1, 2);
	reader = reader_open(fixture, LISTING_DAYS, &query);
	for (unsigned requests = 1; requests <= 4; requests++) {
		assert_int_equal(reader_read(reader), -EAGAIN);
		assert_int_equal(fixture->api->pending_len, 1);
		assert_int_equal(fixture->api->lists, requests);
		assert_in_range(fake_call(fixture->api, 0)->limit, 1, 3);
		assert_int_equal(fake_call(fixture->api, 0)->offset, 0);
		fake_answer(fake_call(fixture->api, 0));
		fixture_turn(fixture);
	}
	assert_int_equal(reader_read(reader), -ENOENT);
	assert_members(reader, "2026-04-01 2026-03-31 2025-12-31 2025-12-30");
	assert_int_equal(fixture->api->lists, 4);
	reader_close(reader);
}

/* SEMANTICS 6.2: a day is not requested before a reader wants it. */
static void days_are_lazy(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();
	struct reader *reader;

	fill_three_days(fixture);
	fixture_reset(fixture, FIXTURE_CONNECTIONS, 2);
	reader = reader_open(fixture, LISTING_DAYS, &query);
	assert_int_equal(fixture->api->lists, 0);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	fixture_settle(fixture);
	assert_int_equal(fixture->api->lists, 1);
	assert_members(reader, "2026-04-01");
	reader_close(reader);
}

static void no_jobs_no_days(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();

	assert_days(fixture, &query, "");
	assert_int_equal(fixture->api->lists, 1);
}

/* Only days on which a job matches the filters are listed. */
static void days_within_filters(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();

	fill_three_days(fixture);
	fake_find(fixture->api, "g")->job.status = JOB_ERROR;
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "error"), 0);
	assert_days(fixture, &query, "2026-03-31");
	query = of_all();
	assert_int_equal(query_narrow(&query, QUERY_BEFORE, "2026-04-01"), 0);
	assert_days(fixture, &query, "2026-03-31 2025-12-31");
	query = of_all();
	assert_int_equal(query_narrow(&query, QUERY_AFTER, "2026-01-01"), 0);
	assert_days(fixture, &query, "2026-04-01 2026-03-31");
}

/* Spans are read one after the other; a span of one day costs one request. */
static void days_of_several_spans(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();

	fill_three_days(fixture);
	assert_int_equal(
		query_narrow(&query, QUERY_DATE, "2026-04-01,2025-12-31,2025-01-01"), 0);
	assert_days(fixture, &query, "2026-04-01 2025-12-31");
	assert_int_equal(fixture->api->lists, 3);
}

/* A job at midnight belongs to one day, even if the API's limits are inclusive. */
static void midnight_belongs_to_one_day(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();

	add(fixture, "a", "2026-04-02");
	add(fixture, "b", "2026-04-01");
	add(fixture, "c", "2026-03-30T23:59:59.999Z");
	fixture->api->rules.limits_inclusive = true;
	assert_days(fixture, &query, "2026-04-02 2026-04-01 2026-03-30");
	assert_int_equal(query_narrow(&query, QUERY_BEFORE, "2026-04-02"), 0);
	assert_days(fixture, &query, "2026-04-01 2026-03-30");
	assert_int_equal(query_narrow(&query, QUERY_AFTER, "2026-03-31"), 0);
	assert_days(fixture, &query, "2026-04-01");
}

/* Many jobs at midnight do not hide the days before them. */
static void many_at_midnight_hide_none(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();

	add_many(fixture, "m", 5, "2026-04-02");
	add(fixture, "x", "2026-03-30");
	fixture->api->rules.limits_inclusive = true;
	assert_days(fixture, &query, "2026-04-02 2026-03-30");
}

/* If the order of the account does not allow skipping, all jobs are read. */
static void other_orders_are_read(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();

	fixture->api->rules.order = FAKE_OLDEST_FIRST;
	fill_three_days(fixture);
	assert_days(fixture, &query, three_days);
	fixture->api->jobs_len = 0;
	fixture->api->rules.order = FAKE_UNSORTED;
	fill_three_days(fixture);
	assert_days(fixture, &query, three_days);
}

/* No day is missed if the oldest jobs are first and the first page does not show it. */
static void oldest_first_behind_equal_times(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();

	fixture->api->rules.order = FAKE_OLDEST_FIRST;
	add_many(fixture, "m", 4, "2026-03-01T10:00Z");
	add(fixture, "n", "2026-03-02T10:00Z");
	add(fixture, "o", "2026-03-04T10:00Z");
	for (int connections = 1; connections <= 8; connections += 7) {
		struct reader *reader;

		fixture_reset(fixture, connections, 3);
		reader = reader_open(fixture, LISTING_DAYS, &query);
		assert_int_equal(reader_finish(reader), 0);
		assert_int_equal(listing_len(reader->listing), 3);
		reader_close(reader);
	}
	/* Within one day, the order does not matter. */
	assert_int_equal(query_narrow(&query, QUERY_DATE, "2026-03-01"), 0);
	fixture->api->lists = 0;
	assert_days(fixture, &query, "2026-03-01");
	assert_int_equal(fixture->api->lists, 1);
}

/* No day is missed if pages of one job do not show the order. */
static void oldest_first_in_pages_of_one(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();
	struct reader *reader;

	fixture->api->rules.order = FAKE_OLDEST_FIRST;
	fixture->api->rules.gives_at_most = 1;
	fill_three_days(fixture);
	reader = reader_open(fixture, LISTING_DAYS, &query);
	assert_int_equal(reader_finish(reader), 0);
	assert_int_equal(listing_len(reader->listing), 3);
	reader_close(reader);
}

/* Jobs with equal timestamps, newest first, cost no additional requests. */
static void equal_times_newest_first(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();

	add_many(fixture, "m", 6, "2026-03-01T10:00Z");
	add_many(fixture, "n", 6, "2026-03-04T10:00Z");
	assert_days(fixture, &query, "2026-03-04 2026-03-01");
	fixture_reset(fixture, 1, 3);
	fixture->api->lists = 0;
	assert_int_equal(fixture_read_all(fixture, LISTING_DAYS, &query), 0);
	assert_int_equal(fixture->api->lists, 3);
}

static void dates_that_are_not_heeded(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();

	fixture->api->rules.ignores_dates = true;
	fill_three_days(fixture);
	assert_days(fixture, &query, three_days);
}

/* The first request has no date filter; the API refuses the filter of the second one. */
static void dates_that_are_refused(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();
	struct reader *reader;

	fill_three_days(fixture);
	fixture_reset(fixture, FIXTURE_CONNECTIONS, 2);
	reader = reader_open(fixture, LISTING_DAYS, &query);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_answer(fake_call(fixture->api, 0));
	assert_int_equal(reader_read(reader), -EAGAIN);
	assert_int_equal(fixture->api->pending_len, FIXTURE_CONNECTIONS);
	fake_fail(fake_call(fixture->api, 0), -EINVAL, "test: no such filter");
	assert_int_equal(reader->error, 0);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, three_days);
	reader_close(reader);
}

/* Jobs without created_at belong to no day. */
static void jobs_without_time(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();

	fixture->api->rules.order = FAKE_OLDEST_FIRST;
	fake_add(fixture->api, "none", JOB_DONE, JOB_NO_TIME);
	assert_days(fixture, &query, "");
	fill_three_days(fixture);
	assert_days(fixture, &query, three_days);
	fixture->api->rules.order = FAKE_NEWEST_FIRST;
	fixture->api->jobs_len = 0;
	fill_three_days(fixture);
	fake_add(fixture->api, "none", JOB_DONE, JOB_NO_TIME);
	assert_days(fixture, &query, three_days);
}

/* The first and the last day that a timestamp can have are listed. */
static void first_and_last_day_of_all(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();

	add(fixture, "a", "9999-12-31T23:59:59.999Z");
	add(fixture, "b", "1970-01-01");
	add(fixture, "c", "1969-12-31T23:59:59.999Z");
	add(fixture, "d", "0001-01-01");
	assert_days(fixture, &query, "9999-12-31 1970-01-01 1969-12-31 0001-01-01");
}

/* SEMANTICS 6.1: a retry continues at the request that failed. */
static void failed_requests_are_tried_again(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_all();
	struct reader *reader;

	fill_three_days(fixture);
	fixture_reset(fixture, 1, 2);
	reader = reader_open(fixture, LISTING_DAYS, &query);
	for (unsigned i = 0; i < 3; i++) {
		size_t len = listing_len(reader->listing);

		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_restart(fake_call(fixture->api, 0));
		fake_fail(fake_call(fixture->api, 0), -EBUSY, "test: too many requests");
		assert_int_equal(reader->error, -EBUSY);
		assert_int_equal(listing_len(reader->listing), len);
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_restart(fake_call(fixture->api, 0));
		fake_answer(fake_call(fixture->api, 0));
	}
	assert_int_equal(reader_read(reader), -ENOENT);
	assert_members(reader, three_days);
	assert_int_equal(fixture->api->lists, 6);
	reader_close(reader);
}

/* Opens a listing of days that reads all jobs, and stops when it begins to read them. */
static struct reader *open_reading(struct sync_fixture *fixture)
{
	struct query query = of_all();
	struct reader *reader;

	fixture_reset(fixture, 4, 4);
	fixture->api->rules.order = FAKE_OLDEST_FIRST;
	fill_three_days(fixture);
	reader = reader_open(fixture, LISTING_DAYS, &query);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_answer(fake_call(fixture->api, 0));
	fixture_turn(fixture);
	assert_int_equal(reader_read(reader), -EAGAIN);
	assert_int_equal(fixture->api->pending_len, 1);
	return reader;
}

/* SEMANTICS 6.1: a retry continues while all jobs are read, too. */
static void failed_reading_is_tried_again(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = open_reading(fixture);
	int failures = 0;

	while (failures < 2) {
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_answer(fake_call(fixture->api, 0));
		fixture_turn(fixture);
		assert_int_equal(reader_read(reader), -EAGAIN);
		reader->error = 0;
		fake_fail(fake_call(fixture->api, 0), -EBUSY, "test: too many requests");
		fixture_turn(fixture);
		assert_int_equal(reader->error, -EBUSY);
		failures++;
	}
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, three_days);
	reader_close(reader);
}

/* all/ uses the listing of jobs that was read to find the days. */
static void reading_is_shared(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = open_reading(fixture);
	struct query query = of_all();
	unsigned lists;

	assert_int_equal(reader_finish(reader), 0);
	reader_close(reader);
	lists = fixture->api->lists;
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	assert_int_equal(fixture->api->lists, lists);
}

/* sync_free() frees days that hold a listing newer than they are. */
static void sync_ends_while_reading(void **state)
{
	struct sync_fixture *fixture = *state;

	reader_close(open_reading(fixture));
	fixture_reset(fixture, 1, 0);
	assert_int_equal(fixture->api->pending_len, 0);
	/* sync_free() before the days have handled the end of that listing. */
	reader_close(open_reading(fixture));
	fake_settle(fixture->api);
	fixture_reset(fixture, 1, 0);
	fixture_turn(fixture);
}

/*
 * The days hold the last reference to an outdated listing of jobs, and release it when
 * they have read it.
 */
static void reading_of_an_outdated_listing(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = open_reading(fixture);
	struct reader *newer;

	sync_refresh(fixture->sync);
	newer = reader_open_all(fixture);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, three_days);
	reader_close(newer);
	reader_close(reader);
}

/* If the catalog fails to read a row, no day is lost: the reader gets -EIO. */
static void a_row_that_cannot_be_read_loses_no_day(void **state)
{
	struct sync_fixture *fixture = *state;
	bool failed = true;

	for (unsigned number = 1; failed; number++) {
		struct reader *reader;
		int err;

		fixture->api->jobs_len = 0;
		reader = open_reading(fixture);
		failing_read_at(number);
		err = reader_finish(reader);
		failed = failing_read_calls() >= number;
		failing_read_at(0);
		assert_int_equal(err, failed ? -EIO : 0);
		assert_int_equal(reader_finish(reader), 0);
		assert_members(reader, three_days);
		reader_close(reader);
	}
}

int main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
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
		TEST(a_row_that_cannot_be_read_loses_no_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
