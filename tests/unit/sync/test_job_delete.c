/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "process/stderr_capture.h"
#include "sync/job_delete.h"
#include "sync_fixture.h"

/* sync/job_delete.h: deletion of jobs at the API (SEMANTICS 10.1). */

static void want(
	struct sync_fixture *fixture, struct counting_waiter *waiting, const char *id)
{
	static const struct delete_caller caller = {.uid = 1000, .pid = 4242};
	struct wait_queue *queue;
	struct catalog_job job;

	assert_int_equal(jobs_by_id(fixture->catalog, id, &job), 0);
	assert_int_equal(job_delete_start(fixture->sync, &job, &caller, &queue), 0);
	fixture_wait(queue, waiting);
}

/* Deletes a job and waits for the answer. Returns the error. */
static int remove_job(struct sync_fixture *fixture, const char *id)
{
	struct counting_waiter waiting;

	want(fixture, &waiting, id);
	fixture_settle(fixture);
	assert_int_equal(waiting.wakeups, 1);
	return waiting.error;
}

static struct query query_of_all(void)
{
	struct query query;

	query_init(&query);
	return query;
}

static void assert_shown(struct sync_fixture *fixture, const char *wanted)
{
	struct reader *reader = reader_open_all(fixture);

	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, wanted);
	reader_close(reader);
}

/*
 * SEMANTICS 10.1: a deleted job is deleted at the API and in the catalog, and reported.
 */
static void a_job_is_deleted(void **state)
{
	struct sync_fixture *fixture = *state;
	struct catalog_job job;
	struct query all = query_of_all();

	fixture_fill(fixture, 0, 3);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	assert_int_equal(remove_job(fixture, "j001"), 0);
	assert_int_equal(fixture->api->deletes, 1);
	assert_null(fake_find(fixture->api, "j001"));
	assert_int_equal(jobs_by_id(fixture->catalog, "j001", &job), 0);
	assert_true(job.deleted);
	assert_false(job.has_text);
	assert_deleted(fixture, "j001");
}

/* SEMANTICS 10.1: one request deletes the job, even if a caller stops waiting. */
static void one_call_however_many_wait(void **state)
{
	struct sync_fixture *fixture = *state;
	struct counting_waiter waiting[3];
	struct query all = query_of_all();

	fixture_fill(fixture, 0, 1);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	for (int i = 0; i < 3; i++)
		want(fixture, &waiting[i], "j000");
	wait_leave(&waiting[1].waiter);
	assert_int_equal(fixture->api->deletes, 1);
	fixture_settle(fixture);
	assert_int_equal(waiting[0].wakeups, 1);
	assert_int_equal(waiting[1].wakeups, 0);
	assert_int_equal(waiting[2].wakeups, 1);
	assert_null(fake_find(fixture->api, "j000"));
}

/*
 * SEMANTICS 6.4, 10.1: a reader in progress keeps its members; a new reader does not see
 * the job, and that costs no request.
 */
static void listings_from_now_on_are_without_it(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *before;
	struct query day = query_of_all();

	fixture_fill(fixture, 0, 3);
	before = reader_open_all(fixture);
	assert_int_equal(reader_finish(before), 0);
	assert_int_equal(query_narrow(&day, QUERY_DATE, "2026-04-01"), 0);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &day), 0);

	unsigned lists = fixture->api->lists;

	assert_int_equal(remove_job(fixture, "j001"), 0);
	assert_members(before, "j000 j001 j002");
	assert_shown(fixture, "j000 j002");
	assert_int_equal(remove_job(fixture, "j002"), 0);
	assert_shown(fixture, "j000");
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &day), 0);
	assert_int_equal(fixture->api->lists, lists);
	assert_members(before, "j000 j001 j002");
	reader_close(before);
}

/*
 * SEMANTICS 7.1, 10.1: removing a job from a listing does not change the listing's age.
 */
static void a_listing_does_not_get_younger(void **state)
{
	struct sync_fixture *fixture = *state;

	fixture_fill(fixture, 0, 3);
	assert_shown(fixture, "j000 j001 j002");
	fixture_forward(fixture, FIXTURE_TTL_MS - 1000);
	assert_int_equal(remove_job(fixture, "j000"), 0);
	assert_shown(fixture, "j001 j002");
	fixture_fill(fixture, 3, 1);
	fixture_forward(fixture, 1000);
	assert_shown(fixture, "j001 j002 j003");
}

/* SEMANTICS 10.1: a page requested before the deletion does not bring the job back. */
static void a_late_page_does_not_bring_it_back(void **state)
{
	struct sync_fixture *fixture = *state;
	struct counting_waiter waiting;
	struct reader *reader;
	struct query all = query_of_all();

	fixture_fill(fixture, 0, 3);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	fixture_forward(fixture, FIXTURE_TTL_MS);
	want(fixture, &waiting, "j001");
	fake_answer(fake_call_for(fixture->api, "j001"));
	assert_int_equal(waiting.error, 0);
	/* A server that only accepts the deletion still lists the job. */
	fake_add(fixture->api, "j001", JOB_DONE, fixture_noon_ms() - 60 * 1000);
	reader = reader_open_all(fixture);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "j000 j002");
	reader_close(reader);
	/* If the job is still listed after ttl, it is shown again. */
	fixture_forward(fixture, FIXTURE_TTL_MS);
	assert_shown(fixture, "j000 j001 j002");
}

/* SEMANTICS 10.1: a job that is not finished is not deleted. */
static void what_is_not_finished_stays(void **state)
{
	struct sync_fixture *fixture = *state;

	fake_add(fixture->api, "j000", JOB_PROCESSING, fixture_noon_ms());
	assert_shown(fixture, "j000");
	assert_int_equal(remove_job(fixture, "j000"), -EBUSY);
	assert_shown(fixture, "j000");
	assert_deleted(fixture, "");
}

/* SEMANTICS 10.1: a job that is already deleted at the API is deleted here, too. */
static void already_deleted_jobs(void **state)
{
	struct sync_fixture *fixture = *state;
	struct catalog_job job;

	fixture_fill(fixture, 0, 2);
	assert_shown(fixture, "j000 j001");
	fake_remove(fixture->api, "j000");
	assert_int_equal(remove_job(fixture, "j000"), -ENOENT);
	assert_int_equal(jobs_by_id(fixture->catalog, "j000", &job), 0);
	assert_true(job.deleted);
	assert_deleted(fixture, "j000");
	assert_shown(fixture, "j001");
}

/*
 * SEMANTICS 10.1, 11.1: if it is not known whether the job was deleted, it counts as
 * stale and is checked again.
 */
static void what_is_not_known_is_doubted(void **state)
{
	static const int errors[] = {-ETIMEDOUT, -EIO};
	struct sync_fixture *fixture = *state;
	struct catalog_job job;
	struct counting_waiter waiting;

	fixture_fill(fixture, 0, 1);
	assert_shown(fixture, "j000");
	for (int i = 0; i < 2; i++) {
		want(fixture, &waiting, "j000");
		fake_fail(fake_call_for(fixture->api, "j000"), errors[i], "no answer");
		assert_int_equal(waiting.error, errors[i]);
		assert_int_equal(jobs_by_id(fixture->catalog, "j000", &job), 0);
		assert_false(job.deleted);
		assert_false(sync_is_fresh(fixture->sync, &job, INT64_MAX / 2));
		assert_deleted(fixture, "j000");
	}
}

/*
 * SEMANTICS 9.1, 10.1: each deletion is counted by its result, once for all its callers.
 */
static void deletions_are_counted(void **state)
{
	struct sync_fixture *fixture = *state;
	struct counting_waiter waiting[2];
	struct sync_stats stats;

	fixture_fill(fixture, 0, 4);
	fake_add(fixture->api, "new", JOB_QUEUED, fixture_noon_ms() + 1);
	assert_shown(fixture, "new j000 j001 j002 j003");
	want(fixture, &waiting[0], "j000");
	want(fixture, &waiting[1], "j000");
	sync_stats(fixture->sync, &stats);
	assert_int_equal(stats.deletes.under_way, 1);
	fixture_settle(fixture);
	assert_int_equal(remove_job(fixture, "j001"), 0);
	fake_remove(fixture->api, "j002");
	assert_int_equal(remove_job(fixture, "j002"), -ENOENT);
	assert_int_equal(remove_job(fixture, "new"), -EBUSY);
	sync_stats(fixture->sync, &stats);
	assert_int_equal(stats.deletes.done, 2);
	assert_int_equal(stats.deletes.not_found, 1);
	assert_int_equal(stats.deletes.failed, 1);
	assert_int_equal(stats.deletes.under_way, 0);
}

/* SEMANTICS 10.1: a deletion in flight when sync ends is logged with its caller. */
static void the_end_logs_deletions_under_way(void **state)
{
	struct sync_fixture *fixture = *state;
	struct counting_waiter waiting;
	struct query all = query_of_all();

	fixture_fill(fixture, 0, 1);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	want(fixture, &waiting, "j000");
	wait_leave(&waiting.waiter);

	struct stderr_capture capture;
	struct buf log;

	buf_init(&log, 4096);
	stderr_capture_begin(&capture);
	fixture_reset(fixture, FIXTURE_CONNECTIONS, 0);
	stderr_capture_end(&capture, &log);
	assert_non_null(strstr(
		log.data, "job j000 is being deleted for uid 1000, pid 4242: check"));
	buf_done(&log);
}

#define WITH_FIXTURE(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(a_job_is_deleted),
		WITH_FIXTURE(one_call_however_many_wait),
		WITH_FIXTURE(listings_from_now_on_are_without_it),
		WITH_FIXTURE(a_listing_does_not_get_younger),
		WITH_FIXTURE(a_late_page_does_not_bring_it_back),
		WITH_FIXTURE(what_is_not_finished_stays),
		WITH_FIXTURE(already_deleted_jobs),
		WITH_FIXTURE(what_is_not_known_is_doubted),
		WITH_FIXTURE(deletions_are_counted),
		WITH_FIXTURE(the_end_logs_deletions_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
