/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cmocka.h"

#include "sync/job_fetch.h"
#include "sync_fixture.h"

/*
 * Job fetches by id (SEMANTICS 3.5, 7.1) and prefetches for a reader that goes through
 * summaries (4.2).
 */

struct waiting {
	struct waiter waiter;
	unsigned wakeups;
	int error;
	/* If set, on_wake() fetches the job again. */
	struct sync *again;
	const char *id;
};

static void on_wake(struct waiter *waiter, int error)
{
	struct waiting *waiting = list_entry(waiter, struct waiting, waiter);
	struct wait_queue *queue;

	waiting->wakeups++;
	waiting->error = error;
	if (!waiting->again)
		return;
	assert_int_equal(job_fetch_start(waiting->again, waiting->id, &queue), 0);
	waiting->again = NULL;
	wait_enter(queue, &waiting->waiter);
}

static void want(struct sync_fixture *fixture, struct waiting *waiting, const char *id)
{
	struct wait_queue *queue;

	*waiting = (struct waiting){.id = id};
	waiter_init(&waiting->waiter, on_wake);
	assert_int_equal(job_fetch_start(fixture->sync, id, &queue), 0);
	wait_enter(queue, &waiting->waiter);
}

/*
 * SEMANTICS 3.5: one request fetches a job for all its callers, and no listing is read.
 */
static void one_call_however_many_wait(void **state)
{
	struct sync_fixture *fixture = *state;
	struct waiting waiting[5];
	struct waiting other;
	struct catalog_job job;

	fixture_fill(fixture, 0, 3);
	for (int i = 0; i < 5; i++)
		want(fixture, &waiting[i], "j001");
	want(fixture, &other, "j002");
	assert_int_equal(fixture->api->gets, 2);
	fake_answer(fake_call_for(fixture->api, "j001"));
	for (int i = 0; i < 5; i++) {
		assert_int_equal(waiting[i].wakeups, 1);
		assert_int_equal(waiting[i].error, 0);
	}
	assert_int_equal(other.wakeups, 0);
	assert_int_equal(jobs_by_id(fixture->catalog, "j001", &job), 0);
	assert_true(job.size > 0);
	fixture_settle(fixture);
	assert_int_equal(fixture->api->lists, 0);
	assert_int_equal(fixture->api->gets, 2);
	/* A fetch that starts now sends another request. */
	want(fixture, &other, "j001");
	assert_int_equal(fixture->api->gets, 3);
	fixture_settle(fixture);
}

/* SEMANTICS 7.1: a job that was deleted at the API is deleted here when it is fetched. */
static void not_found_forgets(void **state)
{
	struct sync_fixture *fixture = *state;
	struct waiting waiting;
	struct catalog_job job;

	fixture_fill(fixture, 0, 1);
	want(fixture, &waiting, "j000");
	fixture_settle(fixture);
	fake_remove(fixture->api, "j000");
	want(fixture, &waiting, "j000");
	fixture_settle(fixture);
	assert_int_equal(waiting.error, -ENOENT);
	assert_int_equal(jobs_by_id(fixture->catalog, "j000", &job), 0);
	assert_true(job.deleted);
	assert_deleted(fixture, "j000");
	/* A deletion is reported once, and never for an unknown job. */
	want(fixture, &waiting, "j000");
	fixture_settle(fixture);
	want(fixture, &waiting, "never");
	fixture_settle(fixture);
	assert_int_equal(waiting.error, -ENOENT);
	assert_int_equal(jobs_by_id(fixture->catalog, "never", &job), -ENOENT);
	assert_deleted(fixture, "");
}

/* SEMANTICS 11.1: any other failure is returned, and does not change the cache. */
static void failure_forgets_nothing(void **state)
{
	struct sync_fixture *fixture = *state;
	struct waiting waiting;
	struct catalog_job job;

	fixture_fill(fixture, 0, 1);
	want(fixture, &waiting, "j000");
	fixture_settle(fixture);
	want(fixture, &waiting, "j000");
	fake_fail(fake_call(fixture->api, 0), -EBUSY, "test: too many requests");
	assert_int_equal(waiting.error, -EBUSY);
	assert_int_equal(jobs_by_id(fixture->catalog, "j000", &job), 0);
	assert_false(job.deleted);
	assert_deleted(fixture, "");
}

/* A job is reported if its text has changed, and only then (SEMANTICS 7.3). */
static void changes_are_reported(void **state)
{
	struct sync_fixture *fixture = *state;
	struct waiting waiting;

	fake_add(fixture->api, "a", JOB_PROCESSING, fixture_noon_ms());
	for (int i = 0; i < 4; i++) {
		want(fixture, &waiting, "a");
		fixture_settle(fixture);
		assert_deleted(fixture, i == 2 ? "a" : "");
		if (i == 1)
			fake_find(fixture->api, "a")->edition++;
	}
}

/* SEMANTICS 11.2: if a waiter leaves, the request continues. */
static void a_leaving_reader_ends_no_call(void **state)
{
	struct sync_fixture *fixture = *state;
	struct waiting leaving;
	struct waiting stays;
	struct catalog_job job;

	fixture_fill(fixture, 0, 2);
	want(fixture, &leaving, "j000");
	wait_leave(&leaving.waiter);
	want(fixture, &leaving, "j001");
	want(fixture, &stays, "j001");
	wait_leave(&leaving.waiter);
	assert_int_equal(fixture->api->pending_len, 2);
	fixture_settle(fixture);
	assert_int_equal(fixture->api->cancelled, 0);
	assert_int_equal(leaving.wakeups, 0);
	assert_int_equal(stays.wakeups, 1);
	assert_int_equal(jobs_by_id(fixture->catalog, "j000", &job), 0);
	assert_true(job.size > 0);
}

/* A waiter that fetches the job again while it is woken waits for a new request. */
static void wanted_again_while_woken(void **state)
{
	struct sync_fixture *fixture = *state;
	struct waiting waiting;
	struct waiting other;

	fixture_fill(fixture, 0, 1);
	want(fixture, &waiting, "j000");
	want(fixture, &other, "j000");
	waiting.again = fixture->sync;
	fake_fail(fake_call(fixture->api, 0), -EBUSY, "test: too many requests");
	assert_int_equal(other.wakeups, 1);
	assert_int_equal(fixture->api->pending_len, 1);
	fixture_settle(fixture);
	assert_int_equal(waiting.wakeups, 2);
	assert_int_equal(waiting.error, 0);
}

/* Lists an account of summaries, without any job fetch. */
static void list_summaries(struct sync_fixture *fixture, unsigned jobs, int connections)
{
	struct query query;

	query_init(&query);
	fixture->api->rules.summaries = true;
	fixture_fill(fixture, 0, jobs);
	fixture_reset(fixture, connections, 0);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	assert_int_equal(fixture->api->gets, 0);
}

static void read_job(struct sync_fixture *fixture, unsigned number)
{
	struct query query;
	struct catalog_job job;
	char id[16];

	query_init(&query);
	snprintf(id, sizeof(id), "j%03u", number);
	assert_int_equal(jobs_by_id(fixture->catalog, id, &job), 0);
	job_fetch_prefetch(fixture->sync, &query, job.row);
}

/* SEMANTICS 4.2: the jobs that follow are prefetched in parallel, up to `connections`. */
static void summaries_are_fetched_ahead(void **state)
{
	struct sync_fixture *fixture = *state;
	struct waiting waiting;

	list_summaries(fixture, 200, 4);
	/* A single lookup is not a walk. */
	read_job(fixture, 10);
	want(fixture, &waiting, "j010");
	assert_int_equal(fixture->api->pending_len, 1);
	fake_answer(fake_call(fixture->api, 0));
	read_job(fixture, 11);
	assert_int_equal(fixture->api->pending_len, 4);
	want(fixture, &waiting, "j011");
	assert_int_equal(fixture->api->pending_len, 5);
	for (unsigned i = 12; i <= 15; i++) {
		char id[16];

		snprintf(id, sizeof(id), "j%03u", i);
		assert_non_null(fake_call_for(fixture->api, id));
	}
	/* When they arrive, more jobs are prefetched, but a limited number. */
	fixture_settle(fixture);
	assert_in_range(fixture->api->most_pending, 4, 5);
	assert_in_range(fixture->api->gets, 2 + 4, 2 + 64);
}

/* A job that is being prefetched is not requested again when a caller wants it. */
static void wanted_while_fetched_ahead(void **state)
{
	struct sync_fixture *fixture = *state;
	struct waiting waiting[2];

	list_summaries(fixture, 40, 4);
	read_job(fixture, 0);
	read_job(fixture, 1);
	assert_int_equal(fixture->api->pending_len, 4);
	want(fixture, &waiting[0], "j002");
	want(fixture, &waiting[1], "j003");
	assert_int_equal(fixture->api->gets, 4);
	/* A wanted job no longer counts as a prefetch, so others are started. */
	read_job(fixture, 2);
	assert_int_equal(fixture->api->pending_len, 6);
	fixture_settle(fixture);
	assert_int_equal(waiting[0].wakeups, 1);
	assert_int_equal(waiting[1].wakeups, 1);
	/* j000 and j001 were only looked up, not fetched. */
	assert_int_equal(fixture->api->gets, 38);
	read_job(fixture, 3);
	assert_int_equal(fixture->api->pending_len, 0);
}

/* SEMANTICS 7.1: a job that has its text is not prefetched. */
static void whole_jobs_are_not_fetched_ahead(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query;

	query_init(&query);
	fixture_fill(fixture, 0, 40);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	for (unsigned i = 0; i < 40; i++)
		read_job(fixture, i);
	assert_int_equal(fixture->api->gets, 0);
}

/* If prefetches fail, new ones start only when the reader goes on. */
static void failures_ahead_come_to_an_end(void **state)
{
	struct sync_fixture *fixture = *state;

	list_summaries(fixture, 100, 4);
	read_job(fixture, 0);
	read_job(fixture, 1);
	while (fixture->api->pending_len)
		fake_fail(fake_call(fixture->api, 0), -EIO, "test: broken");
	assert_int_equal(fixture->api->gets, 4);
	read_job(fixture, 2);
	assert_int_equal(fixture->api->pending_len, 4);
	while (fixture->api->pending_len)
		fake_fail(fake_call(fixture->api, 0), -EIO, "test: broken");
	assert_int_equal(fixture->api->gets, 8);
}

/* The listing that a reader goes through may be evicted during a prefetch. */
static void walked_listing_goes(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query;

	query_init(&query);
	list_summaries(fixture, 100, 4);
	read_job(fixture, 0);
	read_job(fixture, 1);
	fixture_forward(fixture, FIXTURE_TTL_MS);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	fixture_settle(fixture);
	/* It was evicted for the new one, which no reader goes through yet. */
	assert_in_range(fixture->api->gets, 4, 20);
	read_job(fixture, 40);
	assert_int_equal(fixture->api->pending_len, 0);
	read_job(fixture, 41);
	assert_int_equal(fixture->api->pending_len, 4);
	fixture_reset(fixture, 1, 0);
	assert_int_equal(fixture->api->pending_len, 0);
}

int main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_call_however_many_wait),
		TEST(not_found_forgets),
		TEST(failure_forgets_nothing),
		TEST(changes_are_reported),
		TEST(a_leaving_reader_ends_no_call),
		TEST(wanted_again_while_woken),
		TEST(summaries_are_fetched_ahead),
		TEST(wanted_while_fetched_ahead),
		TEST(whole_jobs_are_not_fetched_ahead),
		TEST(failures_ahead_come_to_an_end),
		TEST(walked_listing_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
