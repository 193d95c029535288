/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "sync_fixture.h"

/* How a listing is filled page by page: SEMANTICS 6.1 to 6.3, 6.6. */

enum { PAGE = API_LIMIT_DEFAULT };

static void assert_requested(
	const struct sync_fixture *fixture, unsigned number, uint64_t offset)
{
	assert_int_equal(fake_call(fixture->api, number)->offset, offset);
}

/* SEMANTICS 6.2: a reader that stops after the first page costs exactly one list request.
 */
static void first_page_is_one_request(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;

	fixture_fill(fixture, 0, 100);
	reader = reader_open_all(fixture);
	fixture_turn(fixture);
	assert_int_equal(fixture->api->lists, 0);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	assert_int_equal(fixture->api->lists, 1);
	assert_requested(fixture, 0, 0);
	assert_int_equal(fake_call(fixture->api, 0)->limit, PAGE);
	fixture_settle(fixture);
	assert_int_equal(reader->wakeups, 1);
	assert_int_equal(listing_len(reader->listing), PAGE);
	for (size_t i = 0; i < PAGE; i++)
		assert_int_equal(reader_want(reader, i), 0);
	fixture_settle(fixture);
	assert_int_equal(fixture->api->lists, 1);
	reader_close(reader);
}

/* SEMANTICS 6.2: more and more pages are read ahead, up to `connections` at a time. */
static void pages_are_read_ahead_more_and_more(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;
	static const unsigned pending[] = {2, 4, 6, 8, 8};

	fixture_reset(fixture, 8, PAGE);
	fixture_fill(fixture, 0, 800);
	reader = reader_open_all(fixture);
	assert_int_equal(reader_read(reader), -EAGAIN);
	assert_int_equal(fixture->api->pending_len, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(pending); i++) {
		fake_answer(fake_call(fixture->api, 0));
		assert_int_equal(reader_read(reader), -EAGAIN);
		assert_int_equal(fixture->api->pending_len, pending[i]);
	}
	assert_int_equal(reader_finish(reader), 0);
	assert_int_equal(fixture->api->most_pending, 8);
	reader_close(reader);
}

/*
 * SEMANTICS 6.2: if no reader goes on, at most twice `connections` pages are read ahead.
 */
static void reading_ahead_stops_with_the_reader(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;
	struct query query;

	query_init(&query);
	fixture_reset(fixture, 4, PAGE);
	fixture_fill(fixture, 0, 1500);
	reader = reader_open_all(fixture);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fixture_settle(fixture);
	assert_int_equal(reader_want(reader, 20), -EAGAIN);
	fixture_settle(fixture);
	assert_in_range(fixture->api->lists, 3, 1 + 2 * 4);

	unsigned lists = fixture->api->lists;

	/* Near the end of what is there, each page that is read requests another. */
	assert_int_equal(reader_want(reader, 21), 0);
	assert_int_equal(reader_want(reader, 42), 0);
	assert_in_range(fixture->api->pending_len, 0, 2);
	fixture_settle(fixture);
	assert_in_range(fixture->api->lists, lists, lists + 2);
	assert_int_equal(reader_finish(reader), 0);
	assert_as_account(reader, &query);
	assert_in_range(fixture->api->most_pending, 1, 4);
	reader_close(reader);
}

/* SEMANTICS 6.2: if the reader leaves, its request is finished and no other is sent. */
static void no_reader_waits_so_nothing_is_requested(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;
	struct query query;

	/* A server that ignores the filter sends jobs that are not members. */
	query_init(&query);
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "error"), 0);
	fixture->api->rules.ignores_statuses = true;
	fixture_fill(fixture, 0, 1500);
	reader = reader_open(fixture, LISTING_JOBS, &query);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	reader_close(reader);
	fixture_settle(fixture);
	assert_int_equal(fixture->api->lists, 1);
}

/* SEMANTICS 6.3: each page begins with the last job of the previous page. */
static void pages_overlap_by_one(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;
	struct query query;

	query_init(&query);
	fixture_reset(fixture, 1, 10);
	fixture_fill(fixture, 0, 37);
	reader = reader_open_all(fixture);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(reader_read(reader), -EAGAIN);
		assert_int_equal(fixture->api->pending_len, 1);
		assert_requested(fixture, 0, i * 9);
		fake_answer(fake_call(fixture->api, 0));
	}
	assert_int_equal(reader_read(reader), -ENOENT);
	assert_as_account(reader, &query);
	assert_int_equal(fixture->api->lists, 4);
	reader_close(reader);
}

/* Opens a reader and answers its first page. */
static struct reader *read_first(struct sync_fixture *fixture)
{
	struct reader *reader = reader_open_all(fixture);

	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_answer(fake_call(fixture->api, 0));
	return reader;
}

static void assert_found(struct sync_fixture *fixture, const struct reader *reader,
	unsigned first, unsigned count)
{
	unsigned found = 0;

	for (size_t i = 0; i < listing_len(reader->listing); i++) {
		const char *id = fixture_id(fixture, listing_member(reader->listing, i));
		unsigned number;

		assert_int_equal(sscanf(id, "j%u", &number), 1);
		found += number >= first && number < first + count;
	}
	assert_int_equal(found, count);
}

static void remove_jobs(struct sync_fixture *fixture, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++) {
		char id[16];

		snprintf(id, sizeof(id), "j%03u", i);
		fake_remove(fixture->api, id);
	}
}

/* SEMANTICS 6.3: a job that moves to the next page is emitted once. */
static void jobs_created_between_pages_double_none(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;

	for (unsigned created = 1; created <= 30; created++) {
		fixture_reset(fixture, 1, 10);
		fixture_fill(fixture, 30, 40);
		reader = read_first(fixture);
		fixture_fill(fixture, 30 - created, created);
		assert_int_equal(reader_finish(reader), 0);
		assert_found(fixture, reader, 30, 40);
		/* If the pages no longer overlap, the new jobs are read, too. */
		assert_in_range(listing_len(reader->listing), 40,
			created < 10 ? 40 : 40 + created);
		reader_close(reader);
		remove_jobs(fixture, 30 - created, 40 + created);
	}
}

/* SEMANTICS 6.3: a job that moves to a page already read is found. */
static void jobs_deleted_between_pages_hide_none(void **state)
{
	struct sync_fixture *fixture = *state;

	for (unsigned deleted = 1; deleted <= 10; deleted++) {
		struct reader *reader;
		unsigned lists = fixture->api->lists;

		fixture_reset(fixture, 1, 10);
		fixture_fill(fixture, 0, 40);
		reader = read_first(fixture);
		remove_jobs(fixture, 0, deleted);
		assert_int_equal(reader_finish(reader), 0);
		assert_found(fixture, reader, 10, 30);
		assert_int_equal(listing_len(reader->listing), 40);
		reader_close(reader);
		assert_in_range(fixture->api->lists - lists, 5, 8);
		remove_jobs(fixture, deleted, 40 - deleted);
	}
}

/*
 * SEMANTICS 6.3: if all jobs read so far are deleted, an overlap is searched farther and
 * farther back.
 */
static void many_jobs_deleted_between_pages_hide_none(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;

	fixture_reset(fixture, 1, 10);
	fixture_fill(fixture, 0, 400);
	reader = reader_open_all(fixture);
	while (listing_len(reader->listing) < 300) {
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_answer(fake_call(fixture->api, 0));
	}

	unsigned lists = fixture->api->lists;
	size_t len = listing_len(reader->listing);

	remove_jobs(fixture, 0, 250);
	assert_int_equal(reader_finish(reader), 0);
	assert_int_equal(listing_len(reader->listing), 400);
	assert_in_range(fixture->api->lists - lists, 1, (400 - len) / 9 + 40);
	reader_close(reader);
}

/* SEMANTICS 6.2, 6.3: a deletion costs one request, and the pages in flight are used. */
static void repairs_keep_pages_read_ahead(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;

	fixture_reset(fixture, 8, 10);
	fixture_fill(fixture, 0, 200);
	reader = reader_open_all(fixture);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_answer(fake_call(fixture->api, 0));
	}
	assert_int_equal(reader_read(reader), -EAGAIN);
	assert_int_equal(fixture->api->pending_len, 8);
	remove_jobs(fixture, 3, 1);
	assert_int_equal(reader_finish(reader), 0);
	assert_found(fixture, reader, 4, 196);
	assert_int_equal(listing_len(reader->listing), 200);
	/*
	 * Each page brings 9 of 199 jobs; one more request repairs the gap, others are
	 * past the end.
	 */
	assert_in_range(fixture->api->lists, 23, 23 + 8);
	assert_in_range(fixture->api->cancelled, 0, 8);
	reader_close(reader);
}

/* SEMANTICS 6.3: pages are joined in order, in whatever order they arrive. */
static void pages_are_joined_in_order_however_they_come(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;
	struct query query;

	query_init(&query);
	fixture_reset(fixture, 8, 10);
	fixture_fill(fixture, 0, 100);
	reader = reader_open_all(fixture);
	assert_int_equal(reader_read(reader), -EAGAIN);
	while (fixture->api->pending_len) {
		fake_answer(fake_call(fixture->api, fixture->api->pending_len - 1));
		(void)reader_read(reader);
	}
	assert_int_equal(reader_read(reader), -ENOENT);
	assert_as_account(reader, &query);
	reader_close(reader);
}

/* SEMANTICS 6.3: pages are joined even if the jobs at the overlap have no valid names. */
static void a_joint_without_a_name(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query;

	query_init(&query);
	for (unsigned nameless = 1; nameless < 30; nameless++) {
		struct reader *reader;

		fixture_reset(fixture, 4, 10);
		fixture_fill(fixture, 0, 60);
		for (unsigned i = 0; i < nameless; i++)
			fixture->api->jobs[9 + i].nameless = true;
		reader = reader_open_all(fixture);
		assert_int_equal(reader_finish(reader), 0);
		assert_as_account(reader, &query);
		reader_close(reader);
		remove_jobs(fixture, 0, 60);
	}
}

/* SEMANTICS 6.1: a failed page is an error, and a retry continues at that page. */
static void failed_page_is_an_error_and_tried_again(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;
	struct query query;

	query_init(&query);
	fixture_reset(fixture, 1, 10);
	fixture_fill(fixture, 0, 30);
	reader = read_first(fixture);
	assert_int_equal(reader_read(reader), -EAGAIN);
	reader->wakeups = 0;
	fake_fail(fake_call(fixture->api, 0), -EBUSY, "test: too many requests");
	fixture_turn(fixture);
	assert_int_equal(reader->wakeups, 1);
	assert_int_equal(reader->error, -EBUSY);
	assert_int_equal(fixture->api->pending_len, 0);
	assert_int_equal(listing_len(reader->listing), 10);
	/* The members before it are still there. */
	assert_int_equal(listing_want(reader->listing, 9), 0);
	fixture_settle(fixture);
	assert_int_equal(reader_want(reader, 10), 0);
	assert_int_equal(reader_finish(reader), 0);
	assert_as_account(reader, &query);
	reader_close(reader);
}

/* SEMANTICS 6.1: a failed page is not skipped, even if the last page has arrived. */
static void failed_page_is_not_passed_over(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;
	struct query query;

	query_init(&query);
	fixture_reset(fixture, 8, 10);
	fixture_fill(fixture, 0, 25);
	reader = read_first(fixture);
	assert_int_equal(reader_read(reader), -EAGAIN);
	assert_int_equal(fixture->api->pending_len, 2);
	fake_answer(fake_call(fixture->api, 1));
	assert_int_equal(listing_len(reader->listing), 10);
	fake_fail(fake_call(fixture->api, 0), -ETIMEDOUT, "test: silence");
	assert_int_equal(reader->error, -ETIMEDOUT);
	assert_int_equal(listing_len(reader->listing), 10);
	reader->error = 0;
	assert_int_equal(reader_want(reader, 10), -EAGAIN);
	assert_requested(fixture, 0, 9);
	assert_int_equal(reader_finish(reader), 0);
	assert_as_account(reader, &query);
	reader_close(reader);
}

/* SEMANTICS 6.1: every page may fail twice, also those of later spans. */
static void every_page_fails_twice(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;
	struct query query;
	unsigned failures = 0;

	query_init(&query);
	assert_int_equal(
		query_narrow(&query, QUERY_DATE, "2026-04-01,2026-03-30,2026-03-31"), 0);
	assert_int_equal(query_narrow(&query, QUERY_AFTER, "2026-04-01,2026-03-31"), 0);
	fixture_reset(fixture, 8, 100);
	fixture_fill(fixture, 0, 900);
	reader = reader_open(fixture, LISTING_JOBS, &query);
	for (int err; (err = reader_read(reader)) != -ENOENT;) {
		assert_int_equal(err, -EAGAIN);
		if (++failures % 3)
			fake_fail(fake_call(fixture->api, 0), -EIO, "test: broken");
		else
			fake_answer(fake_call(fixture->api, 0));
	}
	assert_as_account(reader, &query);
	reader_close(reader);
}

/* If a response restarts, only the jobs of its last attempt count. */
static void a_restarted_page_starts_empty(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;
	struct query query;

	query_init(&query);
	fixture_fill(fixture, 0, 15);
	reader = reader_open_all(fixture);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_restart(fake_call(fixture->api, 0));
	assert_int_equal(listing_len(reader->listing), 0);
	remove_jobs(fixture, 0, 2);
	fake_restart(fake_call(fixture->api, 0));
	assert_int_equal(reader_finish(reader), 0);
	assert_as_account(reader, &query);
	reader_close(reader);
}

static const struct fake_rules rules[] = {
	{0},
	{.next_after_full = true},
	{.next_until_empty = true},
	{.next_until_empty = true, .missing_past_end = true},
	{.next_after_full = true, .missing_past_end = true},
	{.gives_at_most = 7},
	{.gives_at_most = 7, .next_until_empty = true},
	{.gives_at_most = 2, .next_after_full = true},
	{.gives_at_most = 1},
	{.gives_at_most = 1, .next_until_empty = true, .missing_past_end = true},
	{.refuses_above = 6},
	{.refuses_above = 1, .next_until_empty = true},
	{.gives_instead = 33},
	{.gives_instead = 33, .next_until_empty = true},
	{.order = FAKE_OLDEST_FIRST},
	{.order = FAKE_UNSORTED, .next_after_full = true},
	{.summaries = true},
};

/*
 * SEMANTICS 6.6: a listing is complete, whatever the API does in undocumented cases.
 */
static void listings_end_by_all_rules(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query;
	static const unsigned counts[] = {0, 1, 2, 19, 20, 21, 38, 39, 40, 57, 58, 101};
	enum { COUNTS = ARRAY_SIZE(counts) };

	query_init(&query);
	for (unsigned i = 0; i < COUNTS * ARRAY_SIZE(rules); i++) {
		struct reader *reader;
		unsigned lists = fixture->api->lists;

		fixture->api->rules = rules[i / COUNTS];
		fixture_reset(fixture, 1 + (int)i % 5, 0);
		fixture_fill(fixture, 0, counts[i % COUNTS]);
		reader = reader_open_all(fixture);
		assert_int_equal(reader_finish(reader), 0);
		assert_as_account(reader, &query);
		assert_in_range(fixture->api->lists - lists, 1, counts[i % COUNTS] + 20);
		reader_close(reader);
		remove_jobs(fixture, 0, counts[i % COUNTS]);
	}
}

int main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(first_page_is_one_request),
		TEST(pages_are_read_ahead_more_and_more),
		TEST(reading_ahead_stops_with_the_reader),
		TEST(no_reader_waits_so_nothing_is_requested),
		TEST(pages_overlap_by_one),
		TEST(jobs_created_between_pages_double_none),
		TEST(jobs_deleted_between_pages_hide_none),
		TEST(many_jobs_deleted_between_pages_hide_none),
		TEST(repairs_keep_pages_read_ahead),
		TEST(pages_are_joined_in_order_however_they_come),
		TEST(a_joint_without_a_name),
		TEST(failed_page_is_an_error_and_tried_again),
		TEST(failed_page_is_not_passed_over),
		TEST(every_page_fails_twice),
		TEST(a_restarted_page_starts_empty),
		TEST(listings_end_by_all_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
