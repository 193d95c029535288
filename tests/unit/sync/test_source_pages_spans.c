/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cmocka.h"

#include "gladia/timestamp.h"
#include "sync_fixture.h"

/* Queries of several spans ("or", SEMANTICS 3.2) are listed one span after the other. */

static struct query of_dates(const char *words)
{
	struct query query;

	query_init(&query);
	assert_int_equal(query_narrow(&query, QUERY_DATE, words), 0);
	return query;
}

/* Adds two jobs on each day from 2026-03-01 on, at its first and its last millisecond. */
static void fill_days(struct sync_fixture *fixture, unsigned days)
{
	int64_t first_ms;

	assert_int_equal(timestamp_parse("2026-03-01", &first_ms), 0);
	for (unsigned day = 0; day < days; day++) {
		char id[16];

		snprintf(id, sizeof(id), "%02ua", day + 1);
		fake_add(fixture->api, id, JOB_DONE, first_ms + (int64_t)day * DAY_MS);
		snprintf(id, sizeof(id), "%02uz", day + 1);
		fake_add(fixture->api, id, JOB_DONE,
			first_ms + (int64_t)(day + 1) * DAY_MS - 1);
	}
}

/*
 * Spans are listed to their ends one after the other, the latest first, with one request
 * each.
 */
static void spans_are_listed_one_by_one(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_dates("2026-03-02,2026-03-09,2026-03-04,2026-03-05");
	struct reader *reader;

	fill_days(fixture, 10);
	reader = reader_open(fixture, LISTING_JOBS, &query);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "09z 09a 05z 05a 04z 04a 02z 02a");
	assert_int_equal(fixture->api->lists, 3);
	assert_int_equal(fixture->api->most_pending, 1);
	reader_close(reader);
}

/* SEMANTICS 6.2: the first page is that of the first span that has jobs. */
static void first_page_is_that_of_one_span(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_dates("2026-03-02,2026-03-09,2026-03-21,2026-03-23");
	struct reader *reader;

	fill_days(fixture, 10);
	reader = reader_open(fixture, LISTING_JOBS, &query);
	while (reader_want(reader, 0) == -EAGAIN) {
		assert_int_equal(fixture->api->pending_len, 1);
		fake_answer(fake_call(fixture->api, 0));
	}
	assert_members(reader, "09z 09a");
	fixture_settle(fixture);
	assert_int_equal(fixture->api->lists, 3);
	reader_close(reader);
}

/* No job is emitted twice if the API's limits are inclusive. */
static void inclusive_limits_double_none(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_dates("2026-03-02,2026-03-04,2026-03-06");
	struct reader *reader;

	fill_days(fixture, 10);
	fixture->api->rules.limits_inclusive = true;
	for (unsigned size = 2; size < 8; size++) {
		fixture_reset(fixture, 2, size);
		reader = reader_open(fixture, LISTING_JOBS, &query);
		assert_int_equal(reader_finish(reader), 0);
		assert_members(reader, "06z 06a 04z 04a 02z 02a");
		reader_close(reader);
	}
}

static void dates_that_are_not_heeded(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_dates("2026-03-02,2026-03-09");
	struct reader *reader;

	fill_days(fixture, 30);
	fixture->api->rules.ignores_dates = true;
	reader = reader_open(fixture, LISTING_JOBS, &query);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "09z 09a 02z 02a");
	reader_close(reader);
}

/* Reading ahead restarts in each span, so a span of one page costs one request. */
static void spans_of_a_page_cost_a_request(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_dates("2026-03-01,2026-03-03,2026-03-05,2026-03-07,"
				      "2026-03-09,2026-03-11,2026-03-13,2026-03-15,"
				      "2026-03-17,2026-03-19,2026-03-21,2026-03-23");

	fill_days(fixture, 24);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	assert_int_equal(fixture->api->lists, 12);
}

/* SEMANTICS 6.1: a retry continues in the span that failed. */
static void failure_in_a_later_span(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = of_dates("2026-03-02,2026-03-04,2026-03-06");
	struct reader *reader;

	fill_days(fixture, 10);
	reader = reader_open(fixture, LISTING_JOBS, &query);
	for (unsigned span = 0; span < 3; span++) {
		assert_int_equal(reader_read(reader), -EAGAIN);
		assert_int_equal(fake_call(fixture->api, 0)->span, span);
		fake_fail(fake_call(fixture->api, 0), -ETIMEDOUT, "test: silence");
		assert_int_equal(reader_read(reader), -EAGAIN);
		assert_int_equal(fake_call(fixture->api, 0)->span, span);
		fake_answer(fake_call(fixture->api, 0));
	}
	assert_int_equal(reader_read(reader), -ENOENT);
	assert_members(reader, "06z 06a 04z 04a 02z 02a");
	reader_close(reader);
}

int main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(spans_are_listed_one_by_one),
		TEST(first_page_is_that_of_one_span),
		TEST(inclusive_limits_double_none),
		TEST(dates_that_are_not_heeded),
		TEST(spans_of_a_page_cost_a_request),
		TEST(failure_in_a_later_span),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
