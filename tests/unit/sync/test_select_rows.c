/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "cmocka.h"

#include "base/array.h"
#include "failing_read.h"
#include "sync_fixture.h"

/* Listings that are selected from a complete one in memory (SEMANTICS 6.1, 7.1). */

/*
 * If the catalog fails to read a row, a reader that waits gets -EIO, and the next one
 * continues at that row: nothing is left out, whatever is selected.
 */
static void a_row_that_cannot_be_read_is_not_left_out(void **state)
{
	static const struct {
		enum listing_kind kind;
		const char *key;
		const char *wanted;
	} listings[] = {
		{LISTING_JOBS, NULL, "b c"},
		{LISTING_DAYS, NULL, "2026-04-01 2026-03-31"},
		{LISTING_KEYS, NULL, "plan customer"},
		{LISTING_VALUES, "customer", "acme"},
	};
	struct sync_fixture *fixture = *state;
	struct query all = fixture_query(NULL, NULL, NULL);

	fixture_add(fixture, "a", JOB_DONE, 1, NULL);
	fixture_add(fixture, "b", JOB_ERROR, 2, "\nplan=a\n");
	fixture_add(fixture, "c", JOB_ERROR, 24 * 60, "\ncustomer=acme\n");
	for (size_t i = 0; i < ARRAY_SIZE(listings); i++) {
		struct query query = fixture_query("error", listings[i].key, NULL);

		for (unsigned number = 1; number <= 3; number++) {
			struct reader *reader;
			int err;

			fixture_reset(fixture, FIXTURE_CONNECTIONS, 0);
			assert_int_equal(
				fixture_read_all(fixture, LISTING_JOBS, &all), 0);
			reader = reader_open(fixture, listings[i].kind, &query);
			failing_read_at(number);
			err = reader_finish(reader);
			assert_true(failing_read_calls() >= number);
			if (err) {
				assert_int_equal(err, -EIO);
				assert_int_equal(reader_finish(reader), 0);
			}
			assert_members(reader, listings[i].wanted);
			reader_close(reader);
		}
	}
}

/* The days of a listing in memory cost no request, whatever its order is. */
static void days_of_jobs_in_any_order(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query all = fixture_query(NULL, NULL, NULL);
	struct reader *reader;
	unsigned lists;

	fixture->api->rules.order = FAKE_UNSORTED;
	fixture_add(fixture, "a", JOB_DONE, 24 * 60, NULL);
	fixture_add(fixture, "b", JOB_DONE, 1, NULL);
	fixture_add(fixture, "c", JOB_DONE, 48 * 60, NULL);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	lists = fixture->api->lists;
	reader = reader_open(fixture, LISTING_DAYS, &all);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "2026-04-01 2026-03-31 2026-03-30");
	assert_int_equal(fixture->api->lists, lists);
	reader_close(reader);
}

/*
 * A reply that has begun to read the catalog goes on reading the same state after a batch
 * was selected for it. Otherwise SQLite locks the file for each row of the reply.
 */
static void a_batch_does_not_end_a_read(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query all = fixture_query(NULL, NULL, NULL);
	struct query done = fixture_query("done", NULL, NULL);
	struct reader *reader;

	fixture_reset(fixture, FIXTURE_CONNECTIONS, 500);
	fixture_fill(fixture, 0, FAKE_JOBS_MAX);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	fixture_turn(fixture);
	reader = reader_open(fixture, LISTING_JOBS, &done);
	assert_true(catalog_read_begin(fixture->catalog));
	assert_int_equal(reader_want(reader, 0), 0);
	assert_false(listing_is_complete(reader->listing));
	assert_false(catalog_read_begin(fixture->catalog));
	catalog_read_end(fixture->catalog);
	assert_int_equal(reader_finish(reader), 0);
	assert_int_equal(listing_len(reader->listing), FAKE_JOBS_MAX);
	reader_close(reader);
}

int main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_row_that_cannot_be_read_is_not_left_out),
		TEST(days_of_jobs_in_any_order),
		TEST(a_batch_does_not_end_a_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
