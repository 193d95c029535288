/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cmocka.h"

#include "gladia/timestamp.h"
#include "sync_fixture.h"

/* SEMANTICS 3.4: how many requests the days of accounts of different sizes take. */

/* If the first page has all jobs, there is no other request. */
static void a_small_account(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, NULL, NULL);
	struct reader *reader;

	fixture_fill(fixture, 0, 19);
	fake_add(fixture->api, "x", JOB_DONE, fixture_noon_ms() - DAY_MS);
	reader = reader_open(fixture, LISTING_DAYS, &query);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "2026-04-01 2026-03-31");
	assert_int_equal(fixture->api->lists, 1);
	reader_close(reader);
}

/* Adds `each` jobs on each of 300 days, some two and three quarters of an hour apart. */
static void fill_days(struct sync_fixture *fixture, unsigned each)
{
	fixture->api->jobs_len = 0;
	for (unsigned i = 0; i < 300 * each; i++) {
		char id[16];

		snprintf(id, sizeof(id), "j%04u", i);
		fake_add(fixture->api, id, JOB_DONE,
			fixture_noon_ms() - (int64_t)i * DAY_MS / each);
	}
}

/*
 * Several ranges are searched at once. The first name takes one request, and all days
 * take no more than one each, and one per connection.
 */
static void days_of_a_large_account(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, NULL, NULL);
	struct reader *reader;
	unsigned rounds = 0;

	fill_days(fixture, 6);
	/* A day has more than a mebibyte. */
	fixture->api->rules.bytes_each = 300000;
	reader = reader_open(fixture, LISTING_DAYS, &query);
	while (reader_read(reader) == -EAGAIN) {
		assert_int_equal(listing_len(reader->listing) > 0, rounds > 0);
		fake_answer_all(fixture->api);
		fixture_turn(fixture);
		rounds++;
	}
	assert_int_equal(listing_len(reader->listing), 301);
	assert_in_range(fixture->api->lists, 300, 301 + FIXTURE_CONNECTIONS);
	assert_in_range(rounds, 38, 43);
	assert_int_equal(fixture->api->most_pending, FIXTURE_CONNECTIONS);
	reader_close(reader);
}

/* If a day's jobs have less than a mebibyte, pages of many days are requested. */
static void pages_of_several_days(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, NULL, NULL);
	struct reader *reader;
	unsigned rounds = 0;

	fill_days(fixture, 6);
	reader = reader_open(fixture, LISTING_DAYS, &query);
	while (reader_read(reader) == -EAGAIN) {
		fake_answer_all(fixture->api);
		fixture_turn(fixture);
		rounds++;
	}
	assert_int_equal(listing_len(reader->listing), 301);
	assert_in_range(fixture->api->lists, 1, 30);
	assert_in_range(rounds, 2, 6);
	reader_close(reader);
}

/* A page size that the API refuses is not taken for a refusal of the dates. */
static void a_limit_that_is_refused(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, NULL, NULL);
	struct reader *reader;

	fill_days(fixture, 6);
	fixture->api->rules.refuses_above = 20;
	reader = reader_open(fixture, LISTING_DAYS, &query);
	assert_int_equal(reader_finish(reader), 0);
	assert_int_equal(listing_len(reader->listing), 301);
	assert_in_range(fixture->api->lists, 1, 150);
	reader_close(reader);
}

/* If several requests fail, the reader gets one error, and nothing is repeated for it. */
static void requests_that_fail_together(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, NULL, NULL);
	struct reader *reader;

	fill_days(fixture, 6);
	fixture_reset(fixture, FIXTURE_CONNECTIONS, 2);
	reader = reader_open(fixture, LISTING_DAYS, &query);
	for (unsigned i = 0; i < 5; i++) {
		unsigned lists;

		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_answer_all(fixture->api);
		assert_int_equal(reader_read(reader), -EAGAIN);
		assert_int_equal(fixture->api->pending_len, FIXTURE_CONNECTIONS);
		lists = fixture->api->lists;
		reader->wakeups = 0;
		while (fixture->api->pending_len)
			fake_fail(fake_call(fixture->api, 0), -EBUSY, "test: busy");
		fixture_turn(fixture);
		assert_int_equal(reader->wakeups, 1);
		assert_int_equal(reader->error, -EBUSY);
		assert_int_equal(fixture->api->lists, lists);
		reader->error = 0;
	}
	assert_int_equal(reader_finish(reader), 0);
	assert_int_equal(listing_len(reader->listing), 301);
	reader_close(reader);
}

/* If the API goes out of reach, all requests end, with or without a cache to show. */
static void requests_that_do_not_reach_the_api(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, NULL, NULL);

	fill_days(fixture, 6);
	for (unsigned i = 0; i < 3; i++) {
		struct reader *reader;

		fixture->offline_ok = i > 0;
		fixture_reset(fixture, FIXTURE_CONNECTIONS, 2);
		if (i == 2)
			assert_int_equal(
				fixture_read_all(fixture, LISTING_JOBS, &query), 0);
		fixture_forward(fixture, FIXTURE_TTL_MS);
		reader = reader_open(fixture, LISTING_DAYS, &query);
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_answer_all(fixture->api);
		assert_int_equal(reader_read(reader), -EAGAIN);
		assert_int_equal(fixture->api->pending_len, FIXTURE_CONNECTIONS);
		fake_fail(fake_call(fixture->api, 3), -EHOSTUNREACH, "test: lost");
		fixture_turn(fixture);
		while (i < 2 && fixture->api->pending_len)
			fake_fail(
				fake_call(fixture->api, 0), -EHOSTUNREACH, "test: lost");
		if (i == 2)
			assert_int_equal(reader_finish(reader), 0);
		else
			assert_int_equal(reader->error, -EHOSTUNREACH);
		assert_int_equal(listing_len(reader->listing), i == 2 ? 301 : 1);
		reader_close(reader);
		fake_reach(fixture->api, true);
		fixture_settle(fixture);
	}
}

/* Days are read ahead of a reader, but not without end if it stops. */
static void a_reader_that_stops(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, NULL, NULL);
	struct reader *reader;

	fill_days(fixture, 6);
	fixture_reset(fixture, FIXTURE_CONNECTIONS, 2);
	reader = reader_open(fixture, LISTING_DAYS, &query);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	fixture_settle(fixture);
	assert_int_equal(reader_want(reader, 1), -EAGAIN);
	fixture_settle(fixture);
	assert_in_range(fixture->api->lists, 9, 150);
	reader_close(reader);
}

int main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_small_account),
		TEST(days_of_a_large_account),
		TEST(pages_of_several_days),
		TEST(a_limit_that_is_refused),
		TEST(requests_that_fail_together),
		TEST(requests_that_do_not_reach_the_api),
		TEST(a_reader_that_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
