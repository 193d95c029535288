/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmocka.h"

#include "base/array.h"
#include "gladia/timestamp.h"
#include "sync_fixture.h"

/*
 * Listings by metadata, selected from a listing that is still growing:
 * SEMANTICS 3.1, 3.4, 6.1, 6.2, 7.1.
 */

/* Returns a query by key and values; each may be NULL. */
static struct query of(const char *key, const char *values)
{
	struct query query;

	query_init(&query);
	if (key)
		assert_int_equal(query_narrow(&query, QUERY_KEY, key), 0);
	if (values)
		assert_int_equal(query_narrow(&query, QUERY_VALUE, values), 0);
	return query;
}

static void hold(struct bench *bench, const char *id, const char *metadata)
{
	struct fake_job *job = fake_find(bench->api, id);

	assert_non_null(job);
	job->metadata = metadata;
	job->edition++;
}

static void add(struct bench *bench, const char *id, enum job_status status,
	unsigned minutes, const char *metadata)
{
	fake_add(bench->api, id, status, bench_noon_ms() - (int64_t)minutes * 60 * 1000);
	hold(bench, id, metadata);
}

/* Adds a hundred jobs; j005, j025, j045 and j065 have customer=acme. */
static void fill(struct bench *bench)
{
	bench_reset(bench, BENCH_CONNECTIONS, 20);
	bench_fill(bench, 0, 100);
	hold(bench, "j005", "\ncustomer=acme\nplan=a\n");
	hold(bench, "j025", "\ncustomer=acme\n");
	hold(bench, "j045", "\ncustomer=acme\nplan=b\nplan=a\n");
	hold(bench, "j065", "\ncustomer=acme\ncustomer=zoe\n");
	hold(bench, "j066", "\ncustomer=zoe\n");
}

static void answer_one(struct bench *bench)
{
	fake_answer(fake_call(bench->api, 0));
	bench_turn(bench);
}

/*
 * SEMANTICS 6.2: members arrive with the pages, and no page is read that no reader wants.
 */
static void as_far_as_wanted(void **state)
{
	struct bench *bench = *state;
	struct query query = of("customer", "acme");
	struct reader *reader;

	fill(bench);
	reader = reader_open(bench, LISTING_JOBS, &query);
	assert_int_equal(bench->api->lists, 0);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	assert_int_equal(bench->api->lists, 1);
	answer_one(bench);
	assert_int_equal(reader->told, 1);
	assert_int_equal(reader_want(reader, 0), 0);
	assert_members(reader, "j005");
	bench_settle(bench);
	assert_int_equal(bench->api->lists, 1);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "j005 j025 j045 j065");
	reader_close(reader);
}

/* Metadata is filtered here; the API gets only the other filters. */
static void the_api_is_asked_for_what_surrounds(void **state)
{
	struct bench *bench = *state;
	struct query query = of("customer", "acme");
	struct reader *reader;

	fill(bench);
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "done"), 0);
	reader = reader_open(bench, LISTING_JOBS, &query);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	assert_int_equal(fake_call(bench->api, 0)->query.statuses, 1u << JOB_DONE);
	assert_string_equal(fake_call(bench->api, 0)->query.metadata, "");
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "j005 j025 j045 j065");
	reader_close(reader);
}

/* If the reader leaves, reading stops; the next reader continues from there. */
static void nobody_waits(void **state)
{
	struct bench *bench = *state;
	struct query query = of("customer", "nobody");
	struct reader *reader;

	bench_reset(bench, BENCH_CONNECTIONS, 5);
	bench_fill(bench, 0, 200);
	reader = reader_open(bench, LISTING_JOBS, &query);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	answer_one(bench);
	wait_leave(&reader->waiter);
	bench_settle(bench);

	/* The pages in flight arrive, and no others are requested. */
	unsigned lists = bench->api->lists;

	assert_true(lists < 2 + BENCH_CONNECTIONS * 2);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "");
	assert_true(bench->api->lists > lists);
	reader_close(reader);
}

/*
 * SEMANTICS 6.1, 7.1: a listing that takes longer than ttl is continued, not restarted.
 */
static void read_on_later(void **state)
{
	struct bench *bench = *state;
	struct query query = of("customer", "rare");
	unsigned lists = 0;

	bench_reset(bench, 1, 5);
	bench_fill(bench, 0, 150);
	hold(bench, "j140", "\ncustomer=rare\n");
	/* Each reader gets a page or two and leaves, so that the next one needs more. */
	for (unsigned looks = 0; looks < 8; looks++) {
		struct reader *reader = reader_open(bench, LISTING_JOBS, &query);

		assert_int_equal(reader_want(reader, 0), -EAGAIN);
		for (unsigned pages = 0; pages < 2; pages++)
			answer_one(bench);
		reader_close(reader);
		bench_settle(bench);
		bench_forward(bench, BENCH_TTL_MS * 3 / 4);
		assert_in_range(bench->api->lists, lists + 2, lists + 4);
		lists = bench->api->lists;
	}

	struct reader *reader = reader_open(bench, LISTING_JOBS, &query);

	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "j140");
	reader_close(reader);
	assert_in_range(bench->api->lists, 37, 45);
	/* When the listing has become too old, it is read again. */
	fake_add(bench->api, "new", JOB_DONE, bench_noon_ms() + 1);
	hold(bench, "new", "\ncustomer=rare\n");
	bench_forward(bench, BENCH_TTL_MS);
	reader = reader_open(bench, LISTING_JOBS, &query);
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
	struct bench *bench = *state;
	unsigned lists = 0;

	fill(bench);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct query query = of(cases[i].key, NULL);
		struct reader *reader = reader_open(bench, cases[i].kind, &query);

		assert_int_equal(reader_finish(reader), 0);
		assert_members(reader, cases[i].wanted);
		reader_close(reader);
		/* The other listings are selected from what the first one has read. */
		if (i)
			assert_int_equal(bench->api->lists, lists);
		lists = bench->api->lists;
	}
}

/*
 * SEMANTICS 7.2: selecting from a fresh listing that contains the jobs costs no request.
 */
static void picked_out_of_a_fresh_one(void **state)
{
	struct bench *bench = *state;
	struct query all = of(NULL, NULL);
	struct query query = of("customer", "acme");
	struct query days = query;
	struct reader *reader;

	fill(bench);
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &all), 0);
	bench->api->lists = 0;
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "done"), 0);
	reader = reader_open(bench, LISTING_JOBS, &query);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "j005 j025 j045 j065");
	reader_close(reader);
	reader = reader_open(bench, LISTING_DAYS, &days);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "2026-04-01");
	reader_close(reader);
	assert_int_equal(bench->api->lists, 0);
}

/*
 * SEMANTICS 3.4: with a metadata filter days are not skipped, because the newest job of
 * an earlier time may not match.
 */
static void days(void **state)
{
	struct bench *bench = *state;
	struct query query = of("customer", "acme");
	struct reader *reader;

	add(bench, "a", JOB_DONE, 0, "\ncustomer=acme\n");
	add(bench, "b", JOB_DONE, 24 * 60, NULL);
	add(bench, "c", JOB_DONE, 48 * 60, "\ncustomer=acme\n");
	reader = reader_open(bench, LISTING_DAYS, &query);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "2026-04-01 2026-03-30");
	assert_int_equal(bench->api->lists, 1);
	reader_close(reader);
}

/*
 * SEMANTICS 6.1: a page that fails is an error, and the next read continues from there.
 */
static void a_page_fails(void **state)
{
	struct bench *bench = *state;
	struct query query = of("customer", "acme");
	struct reader *reader;

	fill(bench);
	reader = reader_open(bench, LISTING_JOBS, &query);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	answer_one(bench);
	assert_int_equal(reader_want(reader, 1), -EAGAIN);
	fake_fail(fake_call(bench->api, 0), -ETIMEDOUT, "");
	bench_turn(bench);
	assert_int_equal(reader->told, 2);
	assert_int_equal(reader->error, -ETIMEDOUT);
	reader->error = 0;
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "j005 j025 j045 j065");
	reader_close(reader);
}

/* SEMANTICS 7.1: the metadata of an unfinished job can change, so it is checked again. */
static void what_is_held_changes(void **state)
{
	struct bench *bench = *state;
	struct query query = of("customer", "acme");
	struct reader *reader;

	add(bench, "a", JOB_PROCESSING, 0, "\ncustomer=acme\n");
	add(bench, "b", JOB_QUEUED, 1, NULL);
	for (unsigned look = 0; look < 3; look++) {
		static const char *const wanted[] = {"a", "b", "a b"};

		reader = reader_open(bench, LISTING_JOBS, &query);
		assert_int_equal(reader_finish(reader), 0);
		assert_members(reader, wanted[look]);
		reader_close(reader);
		hold(bench, "a", look ? "\ncustomer=acme\n" : NULL);
		hold(bench, "b", "\ncustomer=acme\n");
		bench_forward(bench, BENCH_TTL_MS);
	}
}

/* SEMANTICS 7.1: a job missing from the surrounding listing is missing here, too. */
static void a_job_is_deleted(void **state)
{
	struct bench *bench = *state;
	struct query query = of("customer", "acme");

	fill(bench);
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &query), 0);
	fake_remove(bench->api, "j025");
	bench_forward(bench, BENCH_TTL_MS);

	struct reader *reader = reader_open(bench, LISTING_JOBS, &query);

	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "j005 j045 j065");
	assert_told_gone(bench, "j025");
	reader_close(reader);
}

/*
 * SEMANTICS 11.2: a long selection is made in parts, with a turn of the loop between
 * them.
 */
static void some_at_a_time(void **state)
{
	enum { JOBS = FAKE_JOBS_MAX };
	struct bench *bench = *state;
	struct query all = of(NULL, NULL);
	struct query query = of("customer", "acme");
	struct reader *reader;
	char id[16];

	bench_reset(bench, BENCH_CONNECTIONS, 500);
	bench_fill(bench, 0, JOBS);
	snprintf(id, sizeof(id), "j%03u", JOBS - 1);
	hold(bench, id, "\ncustomer=acme\n");
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &all), 0);
	reader = reader_open(bench, LISTING_JOBS, &query);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	bench_turn(bench);
	assert_int_equal(reader->told, 1);
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
	struct bench *bench = *state;
	struct query all = of(NULL, NULL);

	bench_reset(bench, BENCH_CONNECTIONS, 500);
	bench_fill(bench, 0, JOBS);
	for (unsigned i = 0; i < JOBS; i += 70)
		bench->api->jobs[i].metadata = "\ncustomer=many\n";
	bench->api->jobs[1].metadata = "\ncustomer=two\n";
	bench->api->jobs[JOBS - 1].metadata =
		"\ncustomer=many\ncustomer=two\ncustomer=one\n";
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &all), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct query query = of("customer", cases[i].value);
		struct reader *reader = reader_open(bench, LISTING_JOBS, &query);
		size_t last = cases[i].members - 1;

		assert_int_equal(reader_want(reader, last), -EAGAIN);
		for (int turns = 0; turns < 4 && !reader->told; turns++)
			bench_turn(bench);
		assert_int_equal(reader->told, 1);
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
	struct bench *bench = *state;
	struct query query = of("n", NULL);
	struct reader *reader;

	bench_reset(bench, BENCH_CONNECTIONS, 500);
	bench_fill(bench, 0, JOBS);
	for (unsigned i = 0; i < JOBS; i++) {
		snprintf(metadata[i], sizeof(metadata[i]), "\nn=%u\n", i);
		bench->api->jobs[i].metadata = metadata[i];
	}
	reader = reader_open(bench, LISTING_VALUES, &query);
	assert_int_equal(reader_finish(reader), 0);
	assert_int_equal(listing_len(reader->listing), JOBS);
	for (unsigned i = 0; i < JOBS; i++)
		assert_int_equal(strtoul(listing_name(reader->listing, i), NULL, 10), i);
	reader_close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			as_far_as_wanted, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(the_api_is_asked_for_what_surrounds,
			bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			nobody_waits, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			read_on_later, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(names, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			picked_out_of_a_fresh_one, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(days, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			a_page_fails, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_held_changes, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			a_job_is_deleted, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			some_at_a_time, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(far_ahead, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			many_names, bench_set_up, bench_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
