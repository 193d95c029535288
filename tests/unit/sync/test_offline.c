/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "sync/job_delete.h"
#include "sync/job_fetch.h"
#include "sync_fixture.h"

/* sync/offline.c: the API is out of reach, with offline_ok (SEMANTICS 7.5). */

/* OFFLINE_RETRY_MS of sync/offline.h. */
enum { RETRY_MS = 10 * 1000 };

/* Starts to fetch a job. Returns 0 if `waiting` will be woken, or the error. */
static int want(
	struct sync_fixture *fixture, struct counting_waiter *waiting, const char *id)
{
	struct wait_queue *queue;
	int err;

	*waiting = (struct counting_waiter){0};
	err = job_fetch_start(fixture->sync, id, &queue);
	if (!err)
		fixture_wait(queue, waiting);
	return err;
}

static int set_up(void **state)
{
	struct sync_fixture *fixture;

	fixture_set_up(state);
	fixture = *state;
	fixture->offline_ok = true;
	fixture_reset(fixture, FIXTURE_CONNECTIONS, 0);
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

static void assert_shown(struct sync_fixture *fixture, enum listing_kind kind,
	const struct query *query, const char *wanted)
{
	struct reader *reader = reader_open(fixture, kind, query);

	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, wanted);
	reader_close(reader);
}

/*
 * Lists three jobs of two days, lets the listing become stale, and then puts the API out
 * of reach.
 */
static void lose_the_network(struct sync_fixture *fixture)
{
	struct query all = query_of_all();

	fixture_fill(fixture, 0, 2);
	fake_add(fixture->api, "j002", JOB_ERROR, fixture_noon_ms() - 24 * 3600 * 1000);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	fixture_forward(fixture, FIXTURE_TTL_MS);
	fake_reach(fixture->api, false);
	fixture_turn(fixture);
}

/* Asserts that a reader gets the three jobs without waiting. */
static void assert_shown_at_once(struct sync_fixture *fixture)
{
	struct reader *reader = reader_open_all(fixture);

	assert_int_equal(reader_read(reader), -ENOENT);
	assert_members(reader, "j000 j001 j002");
	reader_close(reader);
}

/*
 * SEMANTICS 7.5: after one attempt that does not reach the API, cached listings are
 * shown.
 */
static void what_is_known_is_shown_at_once(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query all = query_of_all();
	struct reader *reader;

	fixture_fill(fixture, 0, 3);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	fixture_forward(fixture, FIXTURE_TTL_MS);
	reader = reader_open_all(fixture);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_reach(fixture->api, false);
	fixture_turn(fixture);
	assert_int_equal(reader_read(reader), -ENOENT);
	assert_int_equal(reader->error, 0);
	assert_members(reader, "j000 j001 j002");
	reader_close(reader);

	unsigned lists = fixture->api->lists;

	assert_shown(fixture, LISTING_JOBS, &all, "j000 j001 j002");
	fixture_forward(fixture, RETRY_MS - 1);
	assert_shown(fixture, LISTING_JOBS, &all, "j000 j001 j002");
	assert_int_equal(fixture->api->lists, lists);
}

/* SEMANTICS 7.5: a call that fails with its first attempt does not become an error. */
static void a_call_that_gives_up_is_no_error(void **state)
{
	static const int errors[] = {-EHOSTUNREACH, -ETIMEDOUT};
	struct sync_fixture *fixture = *state;
	struct query all = query_of_all();

	fixture_fill(fixture, 0, 3);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	for (size_t i = 0; i < 2; i++) {
		struct reader *reader;

		fixture_forward(fixture, FIXTURE_TTL_MS);
		fake_reach(fixture->api, true);
		fixture_turn(fixture);
		reader = reader_open_all(fixture);
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_fail(fake_call(fixture->api, 0), errors[i], "nobody there");
		fixture_turn(fixture);
		assert_int_equal(reader_read(reader), -ENOENT);
		assert_int_equal(reader->error, 0);
		assert_members(reader, "j000 j001 j002");
		reader_close(reader);
	}
}

/* SEMANTICS 7.5: if the API answers with an error, the reader gets that error. */
static void errors_of_the_api_are_reported(void **state)
{
	static const int errors[] = {-EACCES, -EBUSY, -EIO};
	struct sync_fixture *fixture = *state;
	struct query all = query_of_all();

	fixture_fill(fixture, 0, 3);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct reader *reader;

		fixture_forward(fixture, FIXTURE_TTL_MS);
		reader = reader_open_all(fixture);
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_fail(fake_call(fixture->api, 0), errors[i], "it says no");
		fixture_turn(fixture);
		assert_int_equal(reader->error, errors[i]);
		reader_close(reader);
	}
}

/* SEMANTICS 7.5: without offline_ok, the reader gets the error. */
static void not_without_the_option(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query all = query_of_all();
	struct reader *reader;

	fixture->offline_ok = false;
	fixture_reset(fixture, FIXTURE_CONNECTIONS, 0);
	fixture_fill(fixture, 0, 3);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	fixture_forward(fixture, FIXTURE_TTL_MS);
	reader = reader_open_all(fixture);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_fail(fake_call(fixture->api, 0), -EHOSTUNREACH, "nobody there");
	fixture_turn(fixture);
	assert_int_equal(reader->error, -EHOSTUNREACH);
	reader_close(reader);
}

/* SEMANTICS 7.5: a listing is selected from complete listings that contain its jobs. */
static void parts_are_picked_out_of_the_whole(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query all = query_of_all();
	struct query failed = query_of(QUERY_STATUS, "error");
	struct query day = query_of(QUERY_DATE, "2026-03-31");

	lose_the_network(fixture);
	assert_shown(fixture, LISTING_JOBS, &failed, "j002");
	assert_shown(fixture, LISTING_JOBS, &day, "j002");
	assert_shown(fixture, LISTING_DAYS, &all, "2026-04-01 2026-03-31");
	assert_shown(fixture, LISTING_DAYS, &all, "2026-04-01 2026-03-31");
	assert_int_equal(fixture->api->pending_len, 0);
}

/* SEMANTICS 7.5: a listing that was never complete is an error, as without offline_ok. */
static void what_was_not_seen_whole_is_an_error(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query failed = query_of(QUERY_STATUS, "error");
	struct reader *reader;

	fixture_fill(fixture, 0, 100);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &failed), 0);
	reader = reader_open_all(fixture);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	fake_answer(fake_call(fixture->api, 0));
	reader_close(reader);
	fixture_forward(fixture, FIXTURE_TTL_MS);

	/* The first reader waits as long as it would without offline_ok. */
	reader = reader_open_all(fixture);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_reach(fixture->api, false);
	fixture_turn(fixture);
	assert_int_equal(reader->wakeups, 0);
	fake_fail(fake_call(fixture->api, 0), -EHOSTUNREACH, "nobody there");
	fixture_turn(fixture);
	assert_int_equal(reader->error, -EHOSTUNREACH);
	reader_close(reader);
	/* The next reader gets the error at once. */
	reader = reader_open_all(fixture);
	assert_int_equal(reader_read(reader), -EHOSTUNREACH);
	assert_int_equal(fixture->api->pending_len, 0);
	reader_close(reader);
}

/*
 * SEMANTICS 7.5: when the API is back, a reader is shown the cache and tries the API; the
 * next one is shown the account as it is.
 */
static void the_next_listing_shows_the_account(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query all = query_of_all();

	lose_the_network(fixture);
	fixture_fill(fixture, 3, 1);
	fake_remove(fixture->api, "j000");
	fixture_forward(fixture, RETRY_MS);
	assert_shown_at_once(fixture);
	assert_int_equal(fixture->api->pending_len, 1);
	assert_int_equal(fake_call(fixture->api, 0)->limit, 1);
	fixture_settle(fixture);
	assert_shown(fixture, LISTING_JOBS, &all, "j001 j003 j002");
	assert_deleted(fixture, "j000");
}

/* SEMANTICS 7.5: no reader waits for a probe, and not every reader sends one. */
static void no_listing_waits_for_the_probe(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query all = query_of_all();

	lose_the_network(fixture);
	for (int i = 0; i < 3; i++) {
		fixture_forward(fixture, RETRY_MS);
		assert_shown_at_once(fixture);
		assert_shown_at_once(fixture);
		/* The first probe still waits for an answer. */
		assert_int_equal(fixture->api->pending_len, 1);
	}
	/* Its answer ends the offline state. */
	fake_remove(fixture->api, "j001");
	fake_answer(fake_call(fixture->api, 0));
	fixture_turn(fixture);
	assert_shown(fixture, LISTING_JOBS, &all, "j000 j002");
}

/* SEMANTICS 7.5: a probe that fails is over; a reader sends the next one. */
static void a_probe_is_a_single_attempt(void **state)
{
	struct sync_fixture *fixture = *state;
	unsigned lists;

	lose_the_network(fixture);
	lists = fixture->api->lists;
	for (unsigned i = 1; i <= 3; i++) {
		fixture_forward(fixture, RETRY_MS - 1);
		assert_shown_at_once(fixture);
		assert_int_equal(fixture->api->pending_len, 0);
		fixture_forward(fixture, 1);
		assert_shown_at_once(fixture);
		assert_int_equal(fixture->api->lists, lists + i);
		fake_reach(fixture->api, false);
		fixture_turn(fixture);
		assert_int_equal(fixture->api->pending_len, 0);
	}
}

/* SEMANTICS 7.5, 7.2: listings that another mount has saved are shown, too. */
static void what_the_catalog_keeps_is_known(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query all = query_of_all();
	struct query failed = query_of(QUERY_STATUS, "error");

	lose_the_network(fixture);
	fixture->offline = true;
	fixture_reset(fixture, FIXTURE_CONNECTIONS, 0);
	assert_shown(fixture, LISTING_JOBS, &failed, "j002");
	assert_shown(fixture, LISTING_DAYS, &all, "2026-04-01 2026-03-31");
	assert_shown(fixture, LISTING_JOBS, &all, "j000 j001 j002");
	assert_int_equal(fixture->api->pending_len, 0);
}

/*
 * SEMANTICS 6.3, 7.5: a listing in progress continues from the cache: it keeps its
 * members and gets each job once.
 */
static void a_listing_goes_on_with_what_is_known(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query all = query_of_all();
	struct reader *reader;

	fixture_reset(fixture, 1, 2);
	fixture_fill(fixture, 1, 4);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	fixture_forward(fixture, FIXTURE_TTL_MS);
	fixture_fill(fixture, 0, 1);
	reader = reader_open_all(fixture);
	assert_int_equal(reader_want(reader, 0), -EAGAIN);
	fake_answer(fake_call(fixture->api, 0));
	fixture_turn(fixture);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_reach(fixture->api, false);
	fixture_turn(fixture);
	assert_int_equal(reader_read(reader), -ENOENT);
	assert_members(reader, "j000 j001 j002 j003 j004");
	reader_close(reader);
}

/* SEMANTICS 7.5: a stale job is shown if it is cached. */
static void jobs_that_are_known_are_shown(void **state)
{
	struct sync_fixture *fixture = *state;
	struct counting_waiter known;
	struct counting_waiter unknown;
	struct catalog_job job;
	struct query all = query_of_all();

	fake_add(fixture->api, "j000", JOB_QUEUED, fixture_noon_ms());
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	fixture_forward(fixture, FIXTURE_TTL_MS + 1);
	assert_int_equal(want(fixture, &known, "j000"), 0);
	assert_int_equal(want(fixture, &unknown, "j001"), 0);
	fake_reach(fixture->api, false);
	fixture_turn(fixture);
	assert_int_equal(known.wakeups, 1);
	assert_int_equal(known.error, 0);
	assert_int_equal(jobs_by_id(fixture->catalog, "j000", &job), 0);
	assert_true(
		sync_is_fresh(fixture->sync, &job, fixture_noon_ms() + fixture->now_ms));
	/* A job that is not cached is requested until the timeout. */
	assert_int_equal(unknown.wakeups, 0);
	fake_fail(fake_call_for(fixture->api, "j001"), -EHOSTUNREACH, "nobody there");
	assert_int_equal(unknown.error, -EHOSTUNREACH);
	/* After that, the next fetch fails at once. */
	assert_int_equal(want(fixture, &unknown, "j001"), -EHOSTUNREACH);
	assert_int_equal(want(fixture, &unknown, "j002"), -EHOSTUNREACH);
	fixture_settle(fixture);
}

/*
 * SEMANTICS 7.5: a job that is not cached is an error at once. Looking for it, or for an
 * unfinished job that is cached, tries the API.
 */
static void no_job_waits_for_the_probe(void **state)
{
	struct sync_fixture *fixture = *state;
	struct counting_waiter waiting;
	struct catalog_job job;

	lose_the_network(fixture);
	fixture_fill(fixture, 5, 1);
	fixture_forward(fixture, RETRY_MS);
	assert_int_equal(want(fixture, &waiting, "j005"), -EHOSTUNREACH);
	assert_int_equal(fixture->api->pending_len, 1);
	fixture_settle(fixture);
	assert_int_equal(want(fixture, &waiting, "j005"), 0);
	fake_find(fixture->api, "j005")->job.status = JOB_QUEUED;
	fixture_settle(fixture);
	assert_int_equal(waiting.error, 0);

	assert_int_equal(jobs_by_id(fixture->catalog, "j005", &job), 0);
	fake_reach(fixture->api, false);
	fixture_forward(fixture, FIXTURE_TTL_MS + 1);
	assert_true(
		sync_is_fresh(fixture->sync, &job, fixture_noon_ms() + fixture->now_ms));
	assert_int_equal(fixture->api->pending_len, 1);
	fixture_settle(fixture);
	assert_false(
		sync_is_fresh(fixture->sync, &job, fixture_noon_ms() + fixture->now_ms));
}

/*
 * SEMANTICS 7.2, 7.5: a refresh relies on the listing that was shown from the cache, and
 * on the jobs that were unfinished then: one that has finished since is found even if a
 * deletion hides it.
 */
static void a_refresh_after_the_cache_was_shown(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query all = query_of_all();
	struct query done = query_of(QUERY_STATUS, "done");
	struct fake_job *job;
	struct reader *reader;

	fixture_reset(fixture, 4, 10);
	fixture_fill(fixture, 0, 100);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &done), 0);
		fixture_forward(fixture, FIXTURE_TTL_MS);
	}
	fake_add(fixture->api, "q", JOB_QUEUED, fixture_noon_ms() - 19 * 60 * 1000 - 1);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	fixture_forward(fixture, FIXTURE_TTL_MS);
	fake_reach(fixture->api, false);
	fixture_turn(fixture);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &done), 0);

	fake_reach(fixture->api, true);
	fixture_turn(fixture);
	job = fake_find(fixture->api, "q");
	job->job.status = JOB_DONE;
	job->job.completed_ms = job->job.created_ms + 1;
	fake_remove(fixture->api, "j030");
	reader = reader_open(fixture, LISTING_JOBS, &done);
	assert_int_equal(reader_finish(reader), 0);
	assert_as_account(reader, &done);
	reader_close(reader);
}

/* SEMANTICS 7.5, 10.1: a deletion fails at once, without a request. */
static void nothing_is_deleted_in_vain(void **state)
{
	static const struct delete_caller caller = {.uid = 1000, .pid = 4242};
	struct sync_fixture *fixture = *state;
	struct wait_queue *queue;
	struct catalog_job job;

	lose_the_network(fixture);
	assert_int_equal(jobs_by_id(fixture->catalog, "j000", &job), 0);
	assert_int_equal(
		job_delete_start(fixture->sync, &job, &caller, &queue), -EHOSTUNREACH);
	assert_int_equal(fixture->api->deletes, 0);
}

#define WITH_FIXTURE(test) \
	cmocka_unit_test_setup_teardown(test, set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(what_is_known_is_shown_at_once),
		WITH_FIXTURE(a_call_that_gives_up_is_no_error),
		WITH_FIXTURE(errors_of_the_api_are_reported),
		WITH_FIXTURE(not_without_the_option),
		WITH_FIXTURE(parts_are_picked_out_of_the_whole),
		WITH_FIXTURE(what_was_not_seen_whole_is_an_error),
		WITH_FIXTURE(the_next_listing_shows_the_account),
		WITH_FIXTURE(no_listing_waits_for_the_probe),
		WITH_FIXTURE(a_probe_is_a_single_attempt),
		WITH_FIXTURE(what_the_catalog_keeps_is_known),
		WITH_FIXTURE(a_listing_goes_on_with_what_is_known),
		WITH_FIXTURE(jobs_that_are_known_are_shown),
		WITH_FIXTURE(no_job_waits_for_the_probe),
		WITH_FIXTURE(nothing_is_deleted_in_vain),
		WITH_FIXTURE(a_refresh_after_the_cache_was_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
