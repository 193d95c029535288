/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmocka.h"

#include "base/array.h"
#include "gladia/timestamp.h"
#include "sync_fixture.h"

/*
 * Listings that are selected from others, by metadata above all, from a listing that is
 * still growing: SEMANTICS 3.1, 3.4, 6.1, 6.2, 7.1.
 */

static void hold(struct sync_fixture *fixture, const char *id, const char *metadata)
{
	struct fake_job *job = fake_find(fixture->api, id);

	assert_non_null(job);
	job->metadata = metadata;
	job->edition++;
}

/* Adds a hundred jobs; j005, j025, j045 and j065 have customer=acme. */
static void fill(struct sync_fixture *fixture)
{
	fixture_reset(fixture, FIXTURE_CONNECTIONS, 20);
	fixture_fill(fixture, 0, 100);
	hold(fixture, "j005", "\ncustomer=acme\nplan=a\n");
	hold(fixture, "j025", "\ncustomer=acme\n");
	hold(fixture, "j045", "\ncustomer=acme\nplan=b\nplan=a\n");
	hold(fixture, "j065", "\ncustomer=acme\ncustomer=zoe\n");
	hold(fixture, "j066", "\ncustomer=zoe\n");
}

static void answer_one(struct sync_fixture *fixture)
{
	fake_answer(fake_call(fixture->api, 0));
	fixture_turn(fixture);
}

/*
 * SEMANTICS 6.2: members arrive with the pages, and no page is read that no reader wants.
 */
static void as_far_as_wanted(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, "customer", "acme");
	struct reader *reader;

	fill(fixture);
	reader = reader_open(fixture, LISTING_JOBS, &query);
	assert_int_equal(fixture->api->lists, 0);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	assert_int_equal(fixture->api->lists, 1);
	answer_one(fixture);
	assert_int_equal(reader->wakeups, 1);
	assert_int_equal(reader_want(reader, 0), 0);
	assert_members(reader, "j005");
	fixture_settle(fixture);
	assert_int_equal(fixture->api->lists, 1);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "j005 j025 j045 j065");
	reader_close(reader);
}

/* Metadata is filtered here; the API gets only the other filters. */
static void the_api_is_asked_for_what_surrounds(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, "customer", "acme");
	struct reader *reader;

	fill(fixture);
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "done"), 0);
	reader = reader_open(fixture, LISTING_JOBS, &query);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	assert_int_equal(fake_call(fixture->api, 0)->query.statuses, 1u << JOB_DONE);
	assert_string_equal(fake_call(fixture->api, 0)->query.metadata, "");
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "j005 j025 j045 j065");
	reader_close(reader);
}

/* If the reader leaves, reading stops; the next reader continues from there. */
static void no_reader_waits(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, "customer", "nobody");
	struct reader *reader;

	fixture_reset(fixture, FIXTURE_CONNECTIONS, 5);
	fixture_fill(fixture, 0, 200);
	reader = reader_open(fixture, LISTING_JOBS, &query);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	answer_one(fixture);
	wait_leave(&reader->waiter);
	fixture_settle(fixture);

	/* The pages in flight arrive, and no others are requested. */
	unsigned lists = fixture->api->lists;

	assert_true(lists < 2 + FIXTURE_CONNECTIONS * 2);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "");
	assert_true(fixture->api->lists > lists);
	reader_close(reader);
}

/*
 * SEMANTICS 6.1, 7.1: a listing that takes longer than ttl is continued, not restarted.
 */
static void read_on_later(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, "customer", "rare");
	unsigned lists = 0;

	fixture_reset(fixture, 1, 5);
	fixture_fill(fixture, 0, 150);
	hold(fixture, "j140", "\ncustomer=rare\n");
	/* Each reader gets a page or two and leaves, so that the next one needs more. */
	for (unsigned round = 0; round < 8; round++) {
		struct reader *reader = reader_open(fixture, LISTING_JOBS, &query);

		assert_int_equal(reader_want(reader, 0), -EAGAIN);
		for (unsigned pages = 0; pages < 2; pages++)
			answer_one(fixture);
		reader_close(reader);
		fixture_settle(fixture);
		fixture_forward(fixture, FIXTURE_TTL_MS * 3 / 4);
		assert_in_range(fixture->api->lists, lists + 2, lists + 4);
		lists = fixture->api->lists;
	}

	struct reader *reader = reader_open(fixture, LISTING_JOBS, &query);

	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "j140");
	reader_close(reader);
	assert_in_range(fixture->api->lists, 37, 45);
	/* When the listing has become too old, it is read again. */
	fake_add(fixture->api, "new", JOB_DONE, fixture_noon_ms() + 1);
	hold(fixture, "new", "\ncustomer=rare\n");
	fixture_forward(fixture, FIXTURE_TTL_MS);
	reader = reader_open(fixture, LISTING_JOBS, &query);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "new j140");
	reader_close(reader);
}

/* SEMANTICS 3.4: each name is emitted once, in the order in which it is found. */
static void names(void **state)
{
	static const struct {
		enum listing_kind kind;
		const char *key;
		const char *wanted;
	} cases[] = {
		{LISTING_KEYS, NULL, "customer plan"},
		{LISTING_VALUES, "customer", "acme zoe"},
		{LISTING_VALUES, "plan", "a b"},
		{LISTING_VALUES, "pla", ""},
		{LISTING_VALUES, "none", ""},
	};
	struct sync_fixture *fixture = *state;
	unsigned lists = 0;

	fill(fixture);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct query query = fixture_query(NULL, cases[i].key, NULL);
		struct reader *reader = reader_open(fixture, cases[i].kind, &query);

		assert_int_equal(reader_finish(reader), 0);
		assert_members(reader, cases[i].wanted);
		reader_close(reader);
		/* The other listings are selected from what the first one has read. */
		if (i)
			assert_int_equal(fixture->api->lists, lists);
		lists = fixture->api->lists;
	}
}

/*
 * SEMANTICS 7.2: selecting from a fresh listing that contains the jobs costs no request.
 */
static void picked_out_of_a_fresh_one(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query all = fixture_query(NULL, NULL, NULL);
	struct query query = fixture_query(NULL, "customer", "acme");
	struct query days = query;
	struct reader *reader;

	fill(fixture);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	fixture->api->lists = 0;
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "done"), 0);
	reader = reader_open(fixture, LISTING_JOBS, &query);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "j005 j025 j045 j065");
	reader_close(reader);
	reader = reader_open(fixture, LISTING_DAYS, &days);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "2026-04-01");
	reader_close(reader);
	assert_int_equal(fixture->api->lists, 0);
}

/*
 * SEMANTICS 3.4: with a metadata filter days are not skipped, because the newest job of
 * an earlier time may not match.
 */
static void days(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, "customer", "acme");
	struct reader *reader;

	fixture_add(fixture, "a", JOB_DONE, 0, "\ncustomer=acme\n");
	fixture_add(fixture, "b", JOB_DONE, 24 * 60, NULL);
	fixture_add(fixture, "c", JOB_DONE, 48 * 60, "\ncustomer=acme\n");
	reader = reader_open(fixture, LISTING_DAYS, &query);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "2026-04-01 2026-03-30");
	assert_int_equal(fixture->api->lists, 1);
	reader_close(reader);
}

/*
 * SEMANTICS 6.1: a page that fails is an error, and the next read continues from there.
 */
static void a_page_fails(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, "customer", "acme");
	struct reader *reader;

	fill(fixture);
	reader = reader_open(fixture, LISTING_JOBS, &query);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	answer_one(fixture);
	assert_int_equal(reader_want(reader, 1), -EAGAIN);
	fake_fail(fake_call(fixture->api, 0), -ETIMEDOUT, "");
	fixture_turn(fixture);
	assert_int_equal(reader->wakeups, 2);
	assert_int_equal(reader->error, -ETIMEDOUT);
	reader->error = 0;
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "j005 j025 j045 j065");
	reader_close(reader);
}

/* SEMANTICS 7.1: the metadata of an unfinished job can change, so it is checked again. */
static void what_is_held_changes(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, "customer", "acme");
	struct reader *reader;

	fixture_add(fixture, "a", JOB_PROCESSING, 0, "\ncustomer=acme\n");
	fixture_add(fixture, "b", JOB_QUEUED, 1, NULL);
	for (unsigned round = 0; round < 3; round++) {
		static const char *const wanted[] = {"a", "b", "a b"};

		reader = reader_open(fixture, LISTING_JOBS, &query);
		assert_int_equal(reader_finish(reader), 0);
		assert_members(reader, wanted[round]);
		reader_close(reader);
		hold(fixture, "a", round ? "\ncustomer=acme\n" : NULL);
		hold(fixture, "b", "\ncustomer=acme\n");
		fixture_forward(fixture, FIXTURE_TTL_MS);
	}
}

/* SEMANTICS 7.1: a job missing from the surrounding listing is missing here, too. */
static void a_job_is_deleted(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, "customer", "acme");

	fill(fixture);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	fake_remove(fixture->api, "j025");
	fixture_forward(fixture, FIXTURE_TTL_MS);

	struct reader *reader = reader_open(fixture, LISTING_JOBS, &query);

	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "j005 j045 j065");
	assert_deleted(fixture, "j025");
	reader_close(reader);
}

/*
 * SEMANTICS 11.2: a long selection is made in parts, with a turn of the loop between
 * them.
 */
static void some_at_a_time(void **state)
{
	enum { JOBS = FAKE_JOBS_MAX };
	struct sync_fixture *fixture = *state;
	struct query all = fixture_query(NULL, NULL, NULL);
	struct query query = fixture_query(NULL, "customer", "acme");
	struct reader *reader;
	char id[16];

	fixture_reset(fixture, FIXTURE_CONNECTIONS, 500);
	fixture_fill(fixture, 0, JOBS);
	snprintf(id, sizeof(id), "j%03u", JOBS - 1);
	hold(fixture, id, "\ncustomer=acme\n");
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	reader = reader_open(fixture, LISTING_JOBS, &query);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	fixture_turn(fixture);
	assert_int_equal(reader->wakeups, 1);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, id);
	reader_close(reader);
}

/*
 * SEMANTICS 6.4: a request for a position that the first part does not reach is not
 * forgotten, whether that part brings many members, one or none.
 */
static void far_ahead(void **state)
{
	enum { JOBS = FAKE_JOBS_MAX };
	static const struct {
		const char *value;
		size_t members;
	} cases[] = {{"many", 31}, {"two", 2}, {"one", 1}};
	struct sync_fixture *fixture = *state;
	struct query all = fixture_query(NULL, NULL, NULL);

	fixture_reset(fixture, FIXTURE_CONNECTIONS, 500);
	fixture_fill(fixture, 0, JOBS);
	for (unsigned i = 0; i < JOBS; i += 70)
		fixture->api->jobs[i].metadata = "\ncustomer=many\n";
	fixture->api->jobs[1].metadata = "\ncustomer=two\n";
	fixture->api->jobs[JOBS - 1].metadata =
		"\ncustomer=many\ncustomer=two\ncustomer=one\n";
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct query query = fixture_query(NULL, "customer", cases[i].value);
		struct reader *reader = reader_open(fixture, LISTING_JOBS, &query);
		size_t last = cases[i].members - 1;

		assert_int_equal(reader_want(reader, last), -EAGAIN);
		for (int turns = 0; turns < 4 && !reader->wakeups; turns++)
			fixture_turn(fixture);
		assert_int_equal(reader->wakeups, 1);
		assert_int_equal(reader_want(reader, last), 0);
		assert_int_equal(reader_want(reader, last + 1), -ENOENT);
		reader_close(reader);
	}
}

/* A thousand names are all found and freed. */
static void many_names(void **state)
{
	enum { JOBS = 1000 };
	static char metadata[JOBS][32];
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, "n", NULL);
	struct reader *reader;

	fixture_reset(fixture, FIXTURE_CONNECTIONS, 500);
	fixture_fill(fixture, 0, JOBS);
	for (unsigned i = 0; i < JOBS; i++) {
		snprintf(metadata[i], sizeof(metadata[i]), "\nn=%u\n", i);
		fixture->api->jobs[i].metadata = metadata[i];
	}
	reader = reader_open(fixture, LISTING_VALUES, &query);
	assert_int_equal(reader_finish(reader), 0);
	assert_int_equal(listing_len(reader->listing), JOBS);
	for (unsigned i = 0; i < JOBS; i++)
		assert_int_equal(strtoul(listing_name(reader->listing, i), NULL, 10), i);
	reader_close(reader);
}

int main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(as_far_as_wanted),
		TEST(the_api_is_asked_for_what_surrounds),
		TEST(no_reader_waits),
		TEST(read_on_later),
		TEST(names),
		TEST(picked_out_of_a_fresh_one),
		TEST(days),
		TEST(a_page_fails),
		TEST(what_is_held_changes),
		TEST(a_job_is_deleted),
		TEST(some_at_a_time),
		TEST(far_ahead),
		TEST(many_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
