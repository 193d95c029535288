/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cmocka.h"

#include "base/array.h"
#include "sync_fixture.h"

/*
 * SEMANTICS 7.2: the requests of a refresh, and when the listing is read again instead.
 */

enum { MINUTE_MS = 60 * 1000 };

/*
 * Refreshes a listing and asserts that it shows the account. Returns the number of
 * requests.
 */
static unsigned refresh(struct sync_fixture *fixture, const struct query *query)
{
	unsigned before = fixture->api->lists + fixture->api->gets;
	struct reader *reader = reader_open(fixture, LISTING_JOBS, query);

	assert_int_equal(reader_finish(reader), 0);
	assert_as_account(reader, query);
	reader_close(reader);
	fixture_forward(fixture, FIXTURE_TTL_MS);
	return fixture->api->lists + fixture->api->gets - before;
}

/* A sorted account, and the number of requests that read all of it. */
enum { JOBS = 2000, PAGE = 20, CONNECTIONS = 4, READING = 1 + JOBS / (PAGE - 1) };

/* `count` deleted jobs, every `apart`-th from `first` on, and the requests that they
 * cost. */
struct deletions {
	unsigned first, count, apart;
	unsigned fewest, most;
};

/* Refreshes after each of the deletions, and once more without a change. */
static void assert_costs(
	struct sync_fixture *fixture, const struct deletions *cases, size_t len)
{
	struct query query;

	query_init(&query);
	fixture_reset(fixture, CONNECTIONS, PAGE);
	fixture_fill(fixture, 0, JOBS);
	assert_in_range(refresh(fixture, &query), READING, READING + CONNECTIONS);
	for (size_t i = 0; i < len; i++) {
		for (unsigned j = 0; j < cases[i].count; j++) {
			char id[16];

			snprintf(id, sizeof(id), "j%03u",
				cases[i].first + j * cases[i].apart);
			fake_remove(fixture->api, id);
		}
		assert_in_range(refresh(fixture, &query), cases[i].fewest, cases[i].most);
		assert_int_equal(refresh(fixture, &query), 4);
	}
}

/*
 * SEMANTICS 7.2.1: each deletion costs a binary search from 2,000 jobs to a page of 20,
 * and that page: a tenth of reading.
 */
static void deletions_cost_few_requests(void **state)
{
	static const struct deletions cases[] = {
		{5, 1, 1, 3, 4}, /* within the first page */
		{1000, 1, 1, 3, 14},
		{40, 1, 1, 3, 14},
		{1990, 1, 1, 3, 14},
		{700, 5, 1, 3, 14}, /* within one page */
		{300, 3, 500, 3, 6 + 3 * 8},
		{100, 12, 130, 3, 6 + 12 * 8},
	};

	assert_costs(*state, cases, ARRAY_SIZE(cases));
}

/*
 * SEMANTICS 7.2.5: many deletions cost as much as reading, and the few requests before
 * it.
 */
static void many_deletions_cost_no_more_than_reading(void **state)
{
	static const struct deletions cases[] = {
		{95, 14, 120, READING - CONNECTIONS, READING + 8},
		{101, 18, 90, READING - CONNECTIONS, READING + 8},
	};

	assert_costs(*state, cases, ARRAY_SIZE(cases));
}

/* Adds a job that an unsorted account lists at an index from `first` to `last`. */
static void add_between(struct sync_fixture *fixture, unsigned first, unsigned last)
{
	for (unsigned i = 0;; i++) {
		char id[16];

		snprintf(id, sizeof(id), "n%03u", i);
		fake_add(fixture->api, id, JOB_DONE, fixture_noon_ms() + MINUTE_MS);

		unsigned at =
			(unsigned)(fake_find(fixture->api, id) - fixture->api->jobs);

		if (at >= first && at <= last)
			return;
		fake_remove(fixture->api, id);
	}
}

/*
 * SEMANTICS 7.2.4: an account in another order is read again, because its new jobs are
 * not at its head.
 */
static void unsorted_listings_are_read_again(void **state)
{
	static const char *const statuses[] = {NULL, "done"};
	struct sync_fixture *fixture = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct query query;

		query_init(&query);
		if (statuses[i])
			assert_int_equal(
				query_narrow(&query, QUERY_STATUS, statuses[i]), 0);
		fixture->api->jobs_len = 0;
		fixture->api->rules.order = FAKE_UNSORTED;
		fixture_reset(fixture, 4, 10);
		fixture_fill(fixture, 0, 100);

		unsigned reading = refresh(fixture, &query);

		fake_remove(fixture->api, fixture->api->jobs[40].job.id);
		add_between(fixture, 50, 80);
		assert_in_range(refresh(fixture, &query), reading - 1, reading + 4);
	}
}

/*
 * SEMANTICS 7.2.6: the first refresh of a status reads it again, because it is not known
 * which jobs were unfinished before and may have got this status.
 */
static void a_status_is_read_again_once(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query;

	query_init(&query);
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "done"), 0);
	fixture_reset(fixture, CONNECTIONS, PAGE);
	fixture_fill(fixture, 0, JOBS);
	assert_in_range(refresh(fixture, &query), READING, READING + CONNECTIONS);
	assert_in_range(refresh(fixture, &query), READING, READING + CONNECTIONS + 2);
	assert_int_equal(refresh(fixture, &query), 4);
}

int main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(deletions_cost_few_requests),
		TEST(many_deletions_cost_no_more_than_reading),
		TEST(unsorted_listings_are_read_again),
		TEST(a_status_is_read_again_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
