/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "process/stderr_capture.h"
#include "sync/job_delete.h"
#include "sync_fixture.h"

/* sync/job_delete.h: deletion of jobs at the API (SEMANTICS 10.1). */

static void want(struct bench *bench, struct bench_waiting *waiting, const char *id)
{
	static const struct removal_caller caller = {.uid = 1000, .pid = 4242};
	struct wait_queue *queue;
	struct catalog_job job;

	assert_int_equal(jobs_by_id(bench->catalog, id, &job), 0);
	assert_int_equal(job_delete_start(bench->sync, &job, &caller, &queue), 0);
	bench_wait(queue, waiting);
}

/* Deletes a job and waits for the answer. Returns the error. */
static int remove_job(struct bench *bench, const char *id)
{
	struct bench_waiting waiting;

	want(bench, &waiting, id);
	bench_settle(bench);
	assert_int_equal(waiting.told, 1);
	return waiting.error;
}

static struct query query_of_all(void)
{
	struct query query;

	query_init(&query);
	return query;
}

static void assert_shown(struct bench *bench, const char *wanted)
{
	struct reader *reader = reader_open_all(bench);

	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, wanted);
	reader_close(reader);
}

/*
 * SEMANTICS 10.1: a deleted job is deleted at the API and in the catalog, and reported.
 */
static void a_job_is_removed(void **state)
{
	struct bench *bench = *state;
	struct catalog_job job;
	struct query all = query_of_all();

	bench_fill(bench, 0, 3);
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &all), 0);
	assert_int_equal(remove_job(bench, "j001"), 0);
	assert_int_equal(bench->api->deletes, 1);
	assert_null(fake_find(bench->api, "j001"));
	assert_int_equal(jobs_by_id(bench->catalog, "j001", &job), 0);
	assert_true(job.deleted);
	assert_false(job.has_text);
	assert_told_gone(bench, "j001");
}

/* SEMANTICS 10.1: one request deletes the job, even if a caller stops waiting. */
static void one_call_however_many_wait(void **state)
{
	struct bench *bench = *state;
	struct bench_waiting waiting[3];
	struct query all = query_of_all();

	bench_fill(bench, 0, 1);
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &all), 0);
	for (int i = 0; i < 3; i++)
		want(bench, &waiting[i], "j000");
	wait_leave(&waiting[1].waiter);
	assert_int_equal(bench->api->deletes, 1);
	bench_settle(bench);
	assert_int_equal(waiting[0].told, 1);
	assert_int_equal(waiting[1].told, 0);
	assert_int_equal(waiting[2].told, 1);
	assert_null(fake_find(bench->api, "j000"));
}

/*
 * SEMANTICS 6.4, 10.1: a reader in progress keeps its members; a new reader does not see
 * the job, and that costs no request.
 */
static void listings_from_now_on_are_without_it(void **state)
{
	struct bench *bench = *state;
	struct reader *before;
	struct query day = query_of_all();

	bench_fill(bench, 0, 3);
	before = reader_open_all(bench);
	assert_int_equal(reader_finish(before), 0);
	assert_int_equal(query_narrow(&day, QUERY_DATE, "2026-04-01"), 0);
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &day), 0);

	unsigned lists = bench->api->lists;

	assert_int_equal(remove_job(bench, "j001"), 0);
	assert_members(before, "j000 j001 j002");
	assert_shown(bench, "j000 j002");
	assert_int_equal(remove_job(bench, "j002"), 0);
	assert_shown(bench, "j000");
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &day), 0);
	assert_int_equal(bench->api->lists, lists);
	assert_members(before, "j000 j001 j002");
	reader_close(before);
}

/*
 * SEMANTICS 7.1, 10.1: removing a job from a listing does not change the listing's age.
 */
static void a_listing_does_not_get_younger(void **state)
{
	struct bench *bench = *state;

	bench_fill(bench, 0, 3);
	assert_shown(bench, "j000 j001 j002");
	bench_forward(bench, BENCH_TTL_MS - 1000);
	assert_int_equal(remove_job(bench, "j000"), 0);
	assert_shown(bench, "j001 j002");
	bench_fill(bench, 3, 1);
	bench_forward(bench, 1000);
	assert_shown(bench, "j001 j002 j003");
}

/* SEMANTICS 10.1: a page requested before the deletion does not bring the job back. */
static void a_late_page_does_not_bring_it_back(void **state)
{
	struct bench *bench = *state;
	struct bench_waiting waiting;
	struct reader *reader;
	struct query all = query_of_all();

	bench_fill(bench, 0, 3);
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &all), 0);
	bench_forward(bench, BENCH_TTL_MS);
	want(bench, &waiting, "j001");
	fake_answer(fake_call_for(bench->api, "j001"));
	assert_int_equal(waiting.error, 0);
	/* A server that only accepts the deletion still lists the job. */
	fake_add(bench->api, "j001", JOB_DONE, bench_noon_ms() - 60 * 1000);
	reader = reader_open_all(bench);
	assert_int_equal(reader_finish(reader), 0);
	assert_members(reader, "j000 j002");
	reader_close(reader);
	/* If the job is still listed after ttl, it is shown again. */
	bench_forward(bench, BENCH_TTL_MS);
	assert_shown(bench, "j000 j001 j002");
}

/* SEMANTICS 10.1: a job that is not finished is not deleted. */
static void what_is_not_finished_stays(void **state)
{
	struct bench *bench = *state;

	fake_add(bench->api, "j000", JOB_PROCESSING, bench_noon_ms());
	assert_shown(bench, "j000");
	assert_int_equal(remove_job(bench, "j000"), -EBUSY);
	assert_shown(bench, "j000");
	assert_told_gone(bench, "");
}

/* SEMANTICS 10.1: a job that is already deleted at the API is deleted here, too. */
static void what_is_gone_already(void **state)
{
	struct bench *bench = *state;
	struct catalog_job job;

	bench_fill(bench, 0, 2);
	assert_shown(bench, "j000 j001");
	fake_remove(bench->api, "j000");
	assert_int_equal(remove_job(bench, "j000"), -ENOENT);
	assert_int_equal(jobs_by_id(bench->catalog, "j000", &job), 0);
	assert_true(job.deleted);
	assert_told_gone(bench, "j000");
	assert_shown(bench, "j001");
}

/*
 * SEMANTICS 10.1, 11.1: if it is not known whether the job was deleted, it counts as
 * stale and is checked again.
 */
static void what_is_not_known_is_doubted(void **state)
{
	static const int errors[] = {-ETIMEDOUT, -EIO};
	struct bench *bench = *state;
	struct catalog_job job;
	struct bench_waiting waiting;

	bench_fill(bench, 0, 1);
	assert_shown(bench, "j000");
	for (int i = 0; i < 2; i++) {
		want(bench, &waiting, "j000");
		fake_fail(fake_call_for(bench->api, "j000"), errors[i], "no answer");
		assert_int_equal(waiting.error, errors[i]);
		assert_int_equal(jobs_by_id(bench->catalog, "j000", &job), 0);
		assert_false(job.deleted);
		assert_false(sync_is_fresh(bench->sync, &job, INT64_MAX / 2));
		assert_told_gone(bench, "j000");
	}
}

/*
 * SEMANTICS 9.1, 10.1: each deletion is counted by its result, once for all its callers.
 */
static void deletions_are_counted(void **state)
{
	struct bench *bench = *state;
	struct bench_waiting waiting[2];
	struct sync_stats stats;

	bench_fill(bench, 0, 4);
	fake_add(bench->api, "new", JOB_QUEUED, bench_noon_ms() + 1);
	assert_shown(bench, "new j000 j001 j002 j003");
	want(bench, &waiting[0], "j000");
	want(bench, &waiting[1], "j000");
	sync_stats(bench->sync, &stats);
	assert_int_equal(stats.deletes.under_way, 1);
	bench_settle(bench);
	assert_int_equal(remove_job(bench, "j001"), 0);
	fake_remove(bench->api, "j002");
	assert_int_equal(remove_job(bench, "j002"), -ENOENT);
	assert_int_equal(remove_job(bench, "new"), -EBUSY);
	sync_stats(bench->sync, &stats);
	assert_int_equal(stats.deletes.done, 2);
	assert_int_equal(stats.deletes.not_found, 1);
	assert_int_equal(stats.deletes.failed, 1);
	assert_int_equal(stats.deletes.under_way, 0);
}

/* SEMANTICS 10.1: a deletion in flight when sync ends is logged with its caller. */
static void the_end_logs_deletions_under_way(void **state)
{
	struct bench *bench = *state;
	struct bench_waiting waiting;
	struct query all = query_of_all();

	bench_fill(bench, 0, 1);
	assert_int_equal(bench_read_all(bench, LISTING_JOBS, &all), 0);
	want(bench, &waiting, "j000");
	wait_leave(&waiting.waiter);

	struct stderr_capture capture;
	struct buf log;

	buf_init(&log, 4096);
	stderr_capture_begin(&capture);
	bench_reset(bench, BENCH_CONNECTIONS, 0);
	stderr_capture_end(&capture, &log);
	assert_non_null(strstr(
		log.data, "job j000 is being deleted for uid 1000, pid 4242: check"));
	buf_done(&log);
}

#define WITH_BENCH(test) \
	cmocka_unit_test_setup_teardown(test, bench_set_up, bench_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BENCH(a_job_is_removed),
		WITH_BENCH(one_call_however_many_wait),
		WITH_BENCH(listings_from_now_on_are_without_it),
		WITH_BENCH(a_listing_does_not_get_younger),
		WITH_BENCH(a_late_page_does_not_bring_it_back),
		WITH_BENCH(what_is_not_finished_stays),
		WITH_BENCH(what_is_gone_already),
		WITH_BENCH(what_is_not_known_is_doubted),
		WITH_BENCH(deletions_are_counted),
		WITH_BENCH(the_end_logs_deletions_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
