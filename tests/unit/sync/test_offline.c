/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "sync/job_delete.h"
#include "sync/job_fetch.h"
#include "sync_fixture.h"

/*
 * sync/offline.c, sync/select_cached.c: the API is out of reach, with offline_ok
 * (SEMANTICS 7.5).
 */

/* OFFLINE_RETRY_MS and OFFLINE_WAIT_MS of sync/offline.h. */
enum { RETRY_MS = 10 * 1000, WAIT_MS = 1000 };

/* Starts to fetch a job. Returns 0 if `waiting` will be woken, or the error. */
static int want(struct bench *bench, struct bench_waiting *waiting, const char *id)
{
	struct wait_queue *queue;
	int err;

	*waiting = (struct bench_waiting){0};
	err = job_fetch_start(bench->sync, id, &queue);
	if (!err)
		bench_wait(queue, waiting);
	return err;
}

static int set_up(void **state)
{
	struct bench *bench;

	bench_set_up(state);
	bench = *state;
	bench->offline_ok = true;
	bench_reset(bench, BENCH_CONNECTIONS, 0);
	return 0;
}

static struct query query_of(enum query_filter filter, const char *value)
{
	struct query query;

	query_init(&query);
	if (value)
		assert_int_equal(query_narrow(&query, filter, value), 0);
	return query;
}

static struct query query_of_all(void)
{
	return query_of(QUERY_STATUS, NULL);
}

static void assert_shown(struct bench *bench, enum listing_kind kind,
	const struct query *query, const char *wanted)
{
	struct reader *reader = reader_open(bench, kind, query);

	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, wanted);
	reader_close(reader);
}

/*
 * Lists three jobs of two days, lets the listing become stale, and then puts the API out
 * of reach.
 */
static void lose_the_network(struct bench *bench)
{
	struct query all = query_of_all();

	bench_fill(bench, 0, 2);
	fake_add(bench->api, "j002", JOB_ERROR, bench_noon_ms() - 24 * 3600 * 1000);
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &all), 0);
	bench_forward(bench, BENCH_TTL_MS);
	fake_reach(bench->api, false);
	bench_turn(bench);
}

/*
 * SEMANTICS 7.5: after one attempt that does not reach the API, cached listings are
 * shown.
 */
static void what_is_known_is_shown_at_once(void **state)
{
	struct bench *bench = *state;
	struct query all = query_of_all();
	struct reader *reader;

	bench_fill(bench, 0, 3);
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &all), 0);
	bench_forward(bench, BENCH_TTL_MS);
	reader = reader_open_all(bench);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_reach(bench->api, false);
	bench_turn(bench);
	assert_int_equal(reader_read(reader), -ENOENT);
	assert_int_equal(reader->error, 0);
	assert_members(reader, "j000 j001 j002");
	reader_close(reader);

	unsigned lists = bench->api->lists;

	assert_shown(bench, LISTING_JOBS, &all, "j000 j001 j002");
	bench_forward(bench, RETRY_MS - 1);
	assert_shown(bench, LISTING_JOBS, &all, "j000 j001 j002");
	assert_int_equal(bench->api->lists, lists);
}

/* SEMANTICS 7.5: a call that fails with its first attempt does not become an error. */
static void a_call_that_gives_up_is_no_error(void **state)
{
	static const int errors[] = {-EHOSTUNREACH, -ETIMEDOUT};
	struct bench *bench = *state;
	struct query all = query_of_all();

	bench_fill(bench, 0, 3);
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &all), 0);
	for (size_t i = 0; i < 2; i++) {
		struct reader *reader;

		bench_forward(bench, BENCH_TTL_MS);
		fake_reach(bench->api, true);
		bench_turn(bench);
		reader = reader_open_all(bench);
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_fail(fake_call(bench->api, 0), errors[i], "nobody there");
		bench_turn(bench);
		assert_int_equal(reader_read(reader), -ENOENT);
		assert_int_equal(reader->error, 0);
		assert_members(reader, "j000 j001 j002");
		reader_close(reader);
	}
}

/* SEMANTICS 7.5: if the API answers with an error, the reader gets that error. */
static void what_the_api_says_is_told(void **state)
{
	static const int errors[] = {-EACCES, -EBUSY, -EIO};
	struct bench *bench = *state;
	struct query all = query_of_all();

	bench_fill(bench, 0, 3);
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &all), 0);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct reader *reader;

		bench_forward(bench, BENCH_TTL_MS);
		reader = reader_open_all(bench);
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_fail(fake_call(bench->api, 0), errors[i], "it says no");
		bench_turn(bench);
		assert_int_equal(reader->error, errors[i]);
		reader_close(reader);
	}
}

/* SEMANTICS 7.5: without offline_ok, the reader gets the error. */
static void not_without_the_option(void **state)
{
	struct bench *bench = *state;
	struct query all = query_of_all();
	struct reader *reader;

	bench->offline_ok = false;
	bench_reset(bench, BENCH_CONNECTIONS, 0);
	bench_fill(bench, 0, 3);
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &all), 0);
	bench_forward(bench, BENCH_TTL_MS);
	reader = reader_open_all(bench);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_fail(fake_call(bench->api, 0), -EHOSTUNREACH, "nobody there");
	bench_turn(bench);
	assert_int_equal(reader->error, -EHOSTUNREACH);
	reader_close(reader);
}

/* SEMANTICS 7.5: a listing is selected from complete listings that contain its jobs. */
static void parts_are_picked_out_of_the_whole(void **state)
{
	struct bench *bench = *state;
	struct query all = query_of_all();
	struct query failed = query_of(QUERY_STATUS, "error");
	struct query day = query_of(QUERY_DATE, "2026-03-31");

	lose_the_network(bench);
	assert_shown(bench, LISTING_JOBS, &failed, "j002");
	assert_shown(bench, LISTING_JOBS, &day, "j002");
	assert_shown(bench, LISTING_DAYS, &all, "2026-04-01 2026-03-31");
	assert_shown(bench, LISTING_DAYS, &all, "2026-04-01 2026-03-31");
	assert_int_equal(bench->api->pending_len, 0);
}

/* SEMANTICS 7.5: a listing that was never complete is an error, as without offline_ok. */
static void what_was_not_seen_whole_is_an_error(void **state)
{
	struct bench *bench = *state;
	struct query failed = query_of(QUERY_STATUS, "error");
	struct reader *reader;

	bench_fill(bench, 0, 100);
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &failed), 0);
	reader = reader_open_all(bench);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	fake_answer(fake_call(bench->api, 0));
	reader_close(reader);
	bench_forward(bench, BENCH_TTL_MS);

	/* The first reader waits as long as it would without offline_ok. */
	reader = reader_open_all(bench);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_reach(bench->api, false);
	bench_turn(bench);
	assert_int_equal(reader->told, 0);
	fake_fail(fake_call(bench->api, 0), -EHOSTUNREACH, "nobody there");
	bench_turn(bench);
	assert_int_equal(reader->error, -EHOSTUNREACH);
	reader_close(reader);
	/* The next reader gets the error at once. */
	reader = reader_open_all(bench);
	assert_int_equal(reader_read(reader), -EHOSTUNREACH);
	assert_int_equal(bench->api->pending_len, 0);
	reader_close(reader);
}

/* SEMANTICS 7.5: when the API is back, the next refresh shows the account as it is. */
static void the_next_look_tries_again(void **state)
{
	struct bench *bench = *state;
	struct reader *reader;

	lose_the_network(bench);
	bench_fill(bench, 3, 1);
	fake_remove(bench->api, "j000");
	bench_forward(bench, RETRY_MS);
	reader = reader_open_all(bench);
	assert_int_equal(reader_read(reader), -EAGAIN);
	assert_int_equal(bench->api->pending_len, 1);
	assert_int_equal(fake_call(bench->api, 0)->limit, 1);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "j001 j003 j002");
	reader_close(reader);
	assert_told_gone(bench, "j000");
}

/*
 * SEMANTICS 7.5: while the API is out of reach, a reader waits for WAIT_MS at most, and
 * not every reader sends a request.
 */
static void a_look_waits_for_a_second_at_most(void **state)
{
	struct bench *bench = *state;
	struct query all = query_of_all();
	struct reader *reader;

	lose_the_network(bench);
	for (int i = 0; i < 3; i++) {
		bench_forward(bench, RETRY_MS);
		reader = reader_open_all(bench);
		assert_int_equal(reader_read(reader), -EAGAIN);
		bench_forward(bench, WAIT_MS);
		assert_int_equal(reader_read(reader), -ENOENT);
		assert_members(reader, "j000 j001 j002");
		reader_close(reader);
		assert_shown(bench, LISTING_JOBS, &all, "j000 j001 j002");
		/* The first probe still waits for an answer. */
		assert_int_equal(bench->api->pending_len, 1);
	}
	/* Its answer ends the offline state. */
	fake_remove(bench->api, "j001");
	fake_answer(fake_call(bench->api, 0));
	bench_turn(bench);
	assert_shown(bench, LISTING_JOBS, &all, "j000 j002");
}

/* SEMANTICS 7.5: a probe that fails ends the wait. */
static void a_look_waits_no_longer_than_the_probe(void **state)
{
	struct bench *bench = *state;
	struct reader *reader;

	lose_the_network(bench);
	bench_forward(bench, RETRY_MS);
	reader = reader_open_all(bench);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_reach(bench->api, false);
	bench_turn(bench);
	assert_int_equal(reader_read(reader), -ENOENT);
	assert_int_equal(bench->api->pending_len, 0);
	assert_members(reader, "j000 j001 j002");
	reader_close(reader);
}

/* SEMANTICS 7.5, 7.2: listings that another mount has saved are shown, too. */
static void what_the_catalog_keeps_is_known(void **state)
{
	struct bench *bench = *state;
	struct query all = query_of_all();
	struct query failed = query_of(QUERY_STATUS, "error");

	lose_the_network(bench);
	bench->offline = true;
	bench_reset(bench, BENCH_CONNECTIONS, 0);
	assert_shown(bench, LISTING_JOBS, &failed, "j002");
	assert_shown(bench, LISTING_DAYS, &all, "2026-04-01 2026-03-31");
	assert_shown(bench, LISTING_JOBS, &all, "j000 j001 j002");
	assert_int_equal(bench->api->pending_len, 0);
}

/*
 * SEMANTICS 6.3, 7.5: a listing in progress continues from the cache: it keeps its
 * members and gets each job once.
 */
static void a_listing_goes_on_with_what_is_known(void **state)
{
	struct bench *bench = *state;
	struct query all = query_of_all();
	struct reader *reader;

	bench_reset(bench, 1, 2);
	bench_fill(bench, 1, 4);
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &all), 0);
	bench_forward(bench, BENCH_TTL_MS);
	bench_fill(bench, 0, 1);
	reader = reader_open_all(bench);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	fake_answer(fake_call(bench->api, 0));
	bench_turn(bench);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_reach(bench->api, false);
	bench_turn(bench);
	assert_int_equal(reader_read(reader), -ENOENT);
	assert_members(reader, "j000 j001 j002 j003 j004");
	reader_close(reader);
}

/* SEMANTICS 7.5: a stale job is shown if it is cached. */
static void jobs_that_are_known_are_shown(void **state)
{
	struct bench *bench = *state;
	struct bench_waiting known;
	struct bench_waiting unknown;
	struct catalog_job job;
	struct query all = query_of_all();

	fake_add(bench->api, "j000", JOB_QUEUED, bench_noon_ms());
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &all), 0);
	bench_forward(bench, BENCH_TTL_MS + 1);
	assert_int_equal(want(bench, &known, "j000"), 0);
	assert_int_equal(want(bench, &unknown, "j001"), 0);
	fake_reach(bench->api, false);
	bench_turn(bench);
	assert_int_equal(known.told, 1);
	assert_int_equal(known.error, 0);
	assert_int_equal(jobs_by_id(bench->catalog, "j000", &job), 0);
	assert_true(sync_is_fresh(bench->sync, &job, bench_noon_ms() + bench->now_ms));
	/* A job that is not cached is requested until the timeout. */
	assert_int_equal(unknown.told, 0);
	fake_fail(fake_call_for(bench->api, "j001"), -EHOSTUNREACH, "nobody there");
	assert_int_equal(unknown.error, -EHOSTUNREACH);
	/* After that, the next fetch fails at once. */
	assert_int_equal(want(bench, &unknown, "j001"), -EHOSTUNREACH);
	assert_int_equal(want(bench, &unknown, "j002"), -EHOSTUNREACH);
	bench_settle(bench);
}

/* SEMANTICS 7.5: a job fetch waits for the probe, for WAIT_MS at most. */
static void a_job_waits_for_the_probe(void **state)
{
	struct bench *bench = *state;
	struct bench_waiting known;
	struct bench_waiting unknown;

	lose_the_network(bench);
	bench_fill(bench, 5, 1);
	for (int i = 0; i < 2; i++) {
		bench_forward(bench, RETRY_MS);
		assert_int_equal(want(bench, &known, "j002"), 0);
		assert_int_equal(want(bench, &unknown, "j005"), 0);
		bench_turn(bench);
		assert_int_equal(bench->api->pending_len, 1);
		assert_int_equal(known.told + unknown.told, 0);
		if (i)
			break;
		bench_forward(bench, WAIT_MS);
		assert_int_equal(known.told + unknown.told, 2);
		assert_int_equal(known.error, 0);
		assert_int_equal(unknown.error, -EHOSTUNREACH);
	}
	bench_settle(bench);
	assert_int_equal(known.error, 0);
	assert_int_equal(unknown.told, 1);
	assert_int_equal(unknown.error, 0);
}

/* SEMANTICS 7.5, 10.1: a deletion fails at once, without a request. */
static void nothing_is_deleted_in_vain(void **state)
{
	static const struct removal_caller caller = {.uid = 1000, .pid = 4242};
	struct bench *bench = *state;
	struct wait_queue *queue;
	struct catalog_job job;

	lose_the_network(bench);
	assert_int_equal(jobs_by_id(bench->catalog, "j000", &job), 0);
	assert_int_equal(
		job_delete_start(bench->sync, &job, &caller, &queue), -EHOSTUNREACH);
	assert_int_equal(bench->api->deletes, 0);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, bench_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BENCH(what_is_known_is_shown_at_once),
		WITH_BENCH(a_call_that_gives_up_is_no_error),
		WITH_BENCH(what_the_api_says_is_told),
		WITH_BENCH(not_without_the_option),
		WITH_BENCH(parts_are_picked_out_of_the_whole),
		WITH_BENCH(what_was_not_seen_whole_is_an_error),
		WITH_BENCH(the_next_look_tries_again),
		WITH_BENCH(a_look_waits_for_a_second_at_most),
		WITH_BENCH(a_look_waits_no_longer_than_the_probe),
		WITH_BENCH(what_the_catalog_keeps_is_known),
		WITH_BENCH(a_listing_goes_on_with_what_is_known),
		WITH_BENCH(jobs_that_are_known_are_shown),
		WITH_BENCH(a_job_waits_for_the_probe),
		WITH_BENCH(nothing_is_deleted_in_vain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
