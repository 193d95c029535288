/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "cmocka.h"

#include "sync/job_fetch.h"
#include "sync_fixture.h"

/* How a listing finds the jobs that are missing, because they were deleted:
 * SEMANTICS 7.1. */

/*
 * SEMANTICS 7.1: a finished job that is missing was deleted; an unfinished one becomes
 * stale, because it may have finished.
 */
static void missing_jobs_are_forgotten_or_doubted(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, NULL, NULL);

	fixture_fill(fixture, 0, 3);
	fake_add(fixture->api, "queued", JOB_QUEUED, fixture_noon_ms());
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	fake_remove(fixture->api, "j001");
	fake_remove(fixture->api, "queued");
	fixture_forward(fixture, FIXTURE_TTL_MS);
	assert_deleted(fixture, "");
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	assert_deleted(fixture, "j001");
	assert_true(fixture_is_deleted(fixture, "j001"));
	assert_false(fixture_is_deleted(fixture, "j000"));
	assert_false(fixture_is_deleted(fixture, "queued"));
	assert_false(fixture_is_fresh(fixture, "queued"));
	/* A deletion is reported once. */
	fixture_forward(fixture, FIXTURE_TTL_MS);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	assert_deleted(fixture, "");
}

/* A job that was seen with another status meanwhile is neither deleted nor stale. */
static void moved_jobs_are_left_alone(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query done = fixture_query("done", NULL, NULL);
	struct query queued = fixture_query("queued", NULL, NULL);

	fake_add(fixture->api, "a", JOB_QUEUED, fixture_noon_ms());
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &queued), 0);
	fake_find(fixture->api, "a")->job.status = JOB_DONE;
	fixture_forward(fixture, 10);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &done), 0);
	/* A job whose text and directories have changed is reported. */
	assert_deleted(fixture, "a");
	fixture_forward(fixture, FIXTURE_TTL_MS);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &queued), 0);
	assert_deleted(fixture, "");
	assert_true(fixture_is_fresh(fixture, "a"));
}

/*
 * A job that was fetched after the refresh began is not missing: it may have moved to a
 * part that had already been read.
 */
static void jobs_seen_since_are_not_missing(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, NULL, NULL);
	struct reader *reader;
	struct wait_queue *queue;

	fixture_fill(fixture, 0, 3);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	fixture_forward(fixture, FIXTURE_TTL_MS);
	reader = reader_open_all(fixture);
	fake_remove(fixture->api, "j001");
	assert_int_equal(reader_read(reader), -EAGAIN);
	fixture_forward(fixture, 10);
	fixture_fill(fixture, 1, 1);
	assert_int_equal(job_fetch_start(fixture->sync, "j001", &queue), 0);
	fake_answer(fake_call_for(fixture->api, "j001"));
	fake_remove(fixture->api, "j001");
	assert_int_equal(reader_finish(reader), 0);
	assert_deleted(fixture, "");
	assert_false(fixture_is_deleted(fixture, "j001"));
	reader_close(reader);
}

/* Starts a fetch of a job and, later, a refresh; returns the call of the fetch. */
static struct api_call *fetch_before_refresh(
	struct sync_fixture *fixture, const char *id, struct reader **ret_reader)
{
	struct query query = fixture_query(NULL, NULL, NULL);
	struct wait_queue *queue;

	fixture_fill(fixture, 0, 3);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	fixture_forward(fixture, FIXTURE_TTL_MS);
	assert_int_equal(job_fetch_start(fixture->sync, id, &queue), 0);
	fixture_forward(fixture, 10);
	*ret_reader = reader_open_all(fixture);
	assert_int_equal(reader_read(*ret_reader), -EAGAIN);
	fixture_forward(fixture, 10);
	return fake_call_for(fixture->api, id);
}

/* The answer to a request that was sent before the refresh began says nothing about it.
 */
static void jobs_of_earlier_requests_are_missing(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;

	fake_answer(fetch_before_refresh(fixture, "j001", &reader));
	fake_remove(fixture->api, "j001");
	assert_int_equal(reader_finish(reader), 0);
	assert_true(fixture_is_deleted(fixture, "j001"));
	reader_close(reader);
}

/* SEMANTICS 7.1.5: an answer that took longer than a whole refresh does not bring a
 * deleted job back. */
static void late_answers_bring_no_job_back(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;
	struct api_call *call = fetch_before_refresh(fixture, "j001", &reader);

	fake_remove(fixture->api, "j001");
	while (fixture->api->pending_len > 1)
		fake_answer(fake_call(fixture->api, fixture->api->pending_len - 1));
	assert_int_equal(reader_finish(reader), 0);
	assert_true(fixture_is_deleted(fixture, "j001"));
	fixture_fill(fixture, 1, 1);
	fake_answer(call);
	assert_true(fixture_is_deleted(fixture, "j001"));
	reader_close(reader);
}

/* Only a complete listing shows which jobs are missing from the previous complete one. */
static void partial_listings_report_nothing(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, NULL, NULL);

	fixture_reset(fixture, 1, 10);
	fixture_fill(fixture, 0, 40);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	fake_remove(fixture->api, "j035");
	for (int i = 0; i < 3; i++) {
		struct reader *reader;

		fixture_forward(fixture, FIXTURE_TTL_MS);
		reader = reader_open_all(fixture);
		assert_int_equal(reader_want(reader, 0), -EAGAIN);
		fixture_settle(fixture);
		assert_int_equal(reader_want(reader, 5), 0);
		reader_close(reader);
		assert_deleted(fixture, "");
	}
	fixture_forward(fixture, FIXTURE_TTL_MS);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	assert_deleted(fixture, "j035");
}

int main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(missing_jobs_are_forgotten_or_doubted),
		TEST(moved_jobs_are_left_alone),
		TEST(jobs_seen_since_are_not_missing),
		TEST(jobs_of_earlier_requests_are_missing),
		TEST(late_answers_bring_no_job_back),
		TEST(partial_listings_report_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
