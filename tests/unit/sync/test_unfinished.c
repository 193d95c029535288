/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "sync/job_fetch.h"
#include "sync_fixture.h"

/*
 * Many unfinished jobs polled by name cost one list, not a request each (SEMANTICS 7.1).
 */

enum { MANY = 300, PATIENCE_MS = 5000 };

static const char *id_of(unsigned number)
{
	static char id[16];

	snprintf(id, sizeof(id), "u%03u", number);
	return id;
}

/* Adds and lists `count` unfinished jobs; `page_size` 0: adaptive. */
static void fill(struct sync_fixture *fixture, unsigned count, unsigned page_size)
{
	struct query query;

	fixture_reset(fixture, FIXTURE_CONNECTIONS, page_size);
	query_init(&query);
	for (unsigned i = 0; i < count; i++)
		fake_add(fixture->api, id_of(i), i % 2 ? JOB_QUEUED : JOB_PROCESSING,
			fixture_noon_ms() - i);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	fixture->api->lists = 0;
	fixture->api->cancelled = 0;
}

/* Changes the unfinished jobs at the API and lets the cached ones become stale. */
static void grow_old(struct sync_fixture *fixture)
{
	for (unsigned i = 0; i < fixture->api->jobs_len; i++)
		fixture->api->jobs[i].edition += fixture->api->jobs[i].job.id[0] == 'u';
	fixture_forward(fixture, FIXTURE_TTL_MS + 1);
	fixture->deleted_len = 0;
}

static void assert_up_to_date(struct sync_fixture *fixture, const char *id)
{
	struct catalog_job job;
	char text[100] = "";
	char wanted[40];
	size_t len;

	snprintf(wanted, sizeof(wanted), "\"edition\": %u\n",
		fake_find(fixture->api, id)->edition);
	assert_int_equal(jobs_by_id(fixture->catalog, id, &job), 0);
	assert_int_equal(
		texts_read(fixture->catalog, &job, 0, text, sizeof(text) - 1, &len), 0);
	assert_non_null(strstr(text, wanted));
	assert_int_equal(job.size, len);
	assert_int_equal(job.job.status, fake_find(fixture->api, id)->job.status);
}

static void want(
	struct sync_fixture *fixture, const char *id, struct counting_waiter *waiting)
{
	struct wait_queue *queue;

	assert_int_equal(job_fetch_start(fixture->sync, id, &queue), 0);
	fixture_wait(queue, waiting);
}

/* Fetches the job if the cached one is stale, as a lookup does. Returns the error. */
static int poll_one(struct sync_fixture *fixture, const char *id)
{
	struct counting_waiter waiting;

	if (fixture_is_fresh(fixture, id))
		return 0;
	want(fixture, id, &waiting);
	/*
	 * Stop when it is woken: the list may continue, as it does while a program polls.
	 */
	while (!waiting.wakeups)
		fake_answer(fake_call(fixture->api, 0));
	fixture_turn(fixture);
	return waiting.error;
}

static void poll_all(struct sync_fixture *fixture, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(poll_one(fixture, id_of(i)), 0);
		assert_up_to_date(fixture, id_of(i));
	}
	fixture_settle(fixture);
}

static void forget_requests(struct sync_fixture *fixture)
{
	fixture->api->lists = 0;
	fixture->api->gets = 0;
}

static void assert_requests(struct sync_fixture *fixture, unsigned gets, unsigned lists)
{
	assert_in_range(fixture->api->gets, 0, gets);
	assert_in_range(fixture->api->lists, 0, lists);
	forget_requests(fixture);
}

static void many_cost_a_list(void **state)
{
	struct sync_fixture *fixture = *state;

	fill(fixture, MANY, 0);
	for (int round = 0; round < 3; round++) {
		grow_old(fixture);
		poll_all(fixture, MANY);
		assert_int_equal(fixture->api->gets, 4);
		assert_int_equal(fixture->api->lists, 1);
		forget_requests(fixture);
	}
}

/*
 * If the API has no order and short pages, the list has more pages, and few jobs are
 * fetched by id.
 */
static void unsorted_short_pages(void **state)
{
	struct sync_fixture *fixture = *state;

	fixture->api->rules.order = FAKE_UNSORTED;
	fixture->api->rules.gives_at_most = 20;
	fill(fixture, MANY, 0);
	for (int round = 0; round < 3; round++) {
		grow_old(fixture);
		poll_all(fixture, MANY);
		assert_requests(fixture, 16, 16);
	}
}

/* The API's limits become known while the first list is read. */
static void limits_not_known(void **state)
{
	struct sync_fixture *fixture = *state;

	fill(fixture, MANY, 0);
	fixture->api->rules.gives_at_most = 20;
	grow_old(fixture);
	poll_all(fixture, MANY);
	assert_requests(fixture, 4 + 16, 8 + 16);
	fixture_reset(fixture, FIXTURE_CONNECTIONS, 0);
	fixture->api->rules.gives_at_most = 0;
	fixture->api->rules.refuses_above = 50;
	grow_old(fixture);
	poll_all(fixture, MANY);
	assert_requests(fixture, 4, 2 + 6);
}

static void few_are_fetched(void **state)
{
	struct sync_fixture *fixture = *state;

	fill(fixture, MANY, 0);
	for (int round = 0; round < 3; round++) {
		grow_old(fixture);
		poll_all(fixture, 4);
		assert_int_equal(fixture->api->gets, 4);
		assert_int_equal(fixture->api->lists, 0);
		forget_requests(fixture);
	}
}

/* If fewer jobs are wanted than a list has pages, they are fetched by id. */
static void few_of_very_many_are_fetched(void **state)
{
	struct sync_fixture *fixture = *state;

	fill(fixture, MANY, 20);
	grow_old(fixture);
	poll_all(fixture, 16);
	assert_int_equal(fixture->api->gets, 16);
	assert_int_equal(fixture->api->lists, 0);
}

/*
 * Jobs wanted at the same time cost one list. Each waiter is woken when the page with its
 * job arrives, not after the last page.
 */
static void at_the_same_time(void **state)
{
	struct sync_fixture *fixture = *state;
	struct counting_waiter waiting[MANY];
	struct sync_stats stats;

	fill(fixture, MANY, 200);
	grow_old(fixture);
	for (unsigned i = 0; i < MANY; i++)
		want(fixture, id_of(i), &waiting[i]);
	assert_int_equal(fixture->api->pending_len, 5);
	sync_stats(fixture->sync, &stats);
	assert_int_equal(stats.by_id, 4);
	for (unsigned i = 0; i < 4; i++)
		fake_answer(fake_call_for(fixture->api, id_of(i)));
	fake_answer(fake_call(fixture->api, 0));
	assert_int_equal(waiting[4].wakeups, 1);
	assert_int_equal(waiting[MANY - 1].wakeups, 0);
	fixture_settle(fixture);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(waiting[i].wakeups, 1);
		assert_int_equal(waiting[i].error, 0);
		assert_up_to_date(fixture, id_of(i));
	}
	assert_requests(fixture, 4, 2);
}

/* A job that has finished or was deleted is not in the list, so it is fetched by id. */
static void finished_or_deleted_meanwhile(void **state)
{
	struct sync_fixture *fixture = *state;

	fill(fixture, MANY, 0);
	grow_old(fixture);
	fake_find(fixture->api, "u150")->job.status = JOB_DONE;
	fake_find(fixture->api, "u299")->job.status = JOB_ERROR;
	fake_remove(fixture->api, "u200");
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(poll_one(fixture, id_of(i)), i == 200 ? -ENOENT : 0);
	assert_up_to_date(fixture, "u150");
	assert_up_to_date(fixture, "u299");
	fixture_settle(fixture);
	assert_requests(fixture, 4 + 3, 2);
}

/* If lists contain no wanted job, they become rarer. */
static void all_have_finished(void **state)
{
	struct sync_fixture *fixture = *state;

	fill(fixture, MANY, 0);
	grow_old(fixture);
	for (unsigned i = 0; i < MANY; i++)
		fixture->api->jobs[i].job.status = JOB_DONE;
	poll_all(fixture, MANY);
	assert_int_equal(fixture->api->gets, MANY);
	assert_in_range(fixture->api->lists, 1, 7);
}

/* A job that moves between two pages, so that neither has it, is fetched by id. */
static void skipped_between_pages(void **state)
{
	struct sync_fixture *fixture = *state;
	struct counting_waiter waiting[MANY];

	fill(fixture, MANY, 200);
	grow_old(fixture);
	for (unsigned i = 0; i < MANY; i++)
		want(fixture, id_of(i), &waiting[i]);
	for (unsigned i = 0; i < 5; i++)
		fake_answer(fake_call(fixture->api, 0));
	for (unsigned i = 0; i < 10; i++)
		fake_find(fixture->api, id_of(i))->job.status = JOB_DONE;
	fixture_settle(fixture);
	for (unsigned i = 10; i < MANY; i++) {
		assert_int_equal(waiting[i].wakeups, 1);
		assert_up_to_date(fixture, id_of(i));
	}
	assert_int_equal(fixture->api->gets, 4 + 10);
}

/* If a list fails, the jobs are fetched by id at once, and lists become rarer. */
static void list_fails(void **state)
{
	struct sync_fixture *fixture = *state;
	struct counting_waiter waiting[MANY / 2];

	fill(fixture, MANY / 2, 0);
	for (unsigned gets = 4; gets <= 16; gets *= 2) {
		grow_old(fixture);
		for (unsigned i = 0; i < MANY / 2; i++)
			want(fixture, id_of(i), &waiting[i]);
		assert_int_equal(fixture->api->gets, gets);
		fake_fail(fake_call(fixture->api, gets), -EIO, "test: broken");
		assert_int_equal(fixture->api->gets, MANY / 2);
		fixture_settle(fixture);
		for (unsigned i = 0; i < MANY / 2; i++) {
			assert_int_equal(waiting[i].wakeups, 1);
			assert_int_equal(waiting[i].error, 0);
			assert_up_to_date(fixture, id_of(i));
		}
		assert_requests(fixture, MANY / 2, 1);
	}
	/* When a list saves requests, lists become as frequent as before. */
	for (int round = 0; round < 2; round++) {
		grow_old(fixture);
		poll_all(fixture, MANY / 2);
		assert_requests(fixture, round ? 4 : 32, 1);
	}
}

static void list_stalls(void **state)
{
	struct sync_fixture *fixture = *state;
	struct counting_waiter waiting[10];

	fill(fixture, MANY, 0);
	grow_old(fixture);
	for (unsigned i = 0; i < 10; i++)
		want(fixture, id_of(i), &waiting[i]);
	fixture_forward(fixture, PATIENCE_MS - 1);
	assert_int_equal(fixture->api->gets, 4);
	fixture_forward(fixture, 1);
	assert_int_equal(fixture->api->gets, 10);
	assert_int_equal(fixture->api->cancelled, 1);
	fixture_settle(fixture);
	for (unsigned i = 0; i < 10; i++)
		assert_up_to_date(fixture, id_of(i));
}

/* If the API ignores the filter, the whole account is not read for a few jobs. */
static void filter_is_ignored(void **state)
{
	struct sync_fixture *fixture = *state;

	for (unsigned i = 0; i < 1000; i++) {
		char id[16];

		snprintf(id, sizeof(id), "d%04u", i);
		fake_add(fixture->api, id, JOB_DONE, fixture_noon_ms() + i + 1);
	}
	fill(fixture, MANY, 0);
	fixture->api->rules.ignores_statuses = true;
	grow_old(fixture);
	poll_all(fixture, MANY);
	assert_requests(fixture, MANY, 7);
}

/* If a list fails, jobs that no request is waiting for are not fetched. */
static void no_request_waits_any_more(void **state)
{
	struct sync_fixture *fixture = *state;
	struct counting_waiter waiting[10];

	fill(fixture, MANY, 0);
	grow_old(fixture);
	for (unsigned i = 0; i < 10; i++)
		want(fixture, id_of(i), &waiting[i]);
	for (unsigned i = 4; i < 9; i++)
		wait_leave(&waiting[i].waiter);
	fake_fail(fake_call(fixture->api, 4), -EIO, "test: broken");
	assert_int_equal(fixture->api->gets, 5);
	fixture_settle(fixture);
	assert_int_equal(waiting[8].wakeups, 0);
	assert_up_to_date(fixture, id_of(9));
}

static void only_stale_jobs_are_listed(void **state)
{
	struct sync_fixture *fixture = *state;
	struct counting_waiter waiting;

	fill(fixture, MANY, 0);
	fixture_fill(fixture, 0, 20);
	/* The first job is fresh, the second one is not cached. */
	for (unsigned i = 0; i < 20; i++) {
		char id[16];

		snprintf(id, sizeof(id), "j%03u", i);
		want(fixture, id_of(i), &waiting);
		fixture_settle(fixture);
		want(fixture, id, &waiting);
		fixture_settle(fixture);
	}
	assert_int_equal(fixture->api->gets, 40);
	assert_int_equal(fixture->api->lists, 0);
}

/* With ttl=0 the jobs of a list are stale at once, so each poll is a request. */
static void no_ttl(void **state)
{
	struct sync_fixture *fixture = *state;

	fixture->no_ttl = true;
	fill(fixture, 50, 0);
	for (int round = 0; round < 3; round++) {
		grow_old(fixture);
		poll_all(fixture, 50);
		assert_int_equal(fixture->api->gets, 50);
		assert_int_equal(fixture->api->lists, 0);
		forget_requests(fixture);
	}
}

/* sync_free() cancels a list that is being read. */
static void ends_while_listing(void **state)
{
	struct sync_fixture *fixture = *state;
	struct counting_waiter waiting[10];

	fill(fixture, MANY, 0);
	grow_old(fixture);
	for (unsigned i = 0; i < 10; i++)
		want(fixture, id_of(i), &waiting[i]);
	for (unsigned i = 0; i < 10; i++)
		wait_leave(&waiting[i].waiter);
	fixture_reset(fixture, FIXTURE_CONNECTIONS, 0);
	assert_int_equal(fixture->api->pending_len, 0);
	assert_int_equal(waiting[9].wakeups, 0);
}

int main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(many_cost_a_list),
		TEST(unsorted_short_pages),
		TEST(limits_not_known),
		TEST(few_are_fetched),
		TEST(few_of_very_many_are_fetched),
		TEST(at_the_same_time),
		TEST(finished_or_deleted_meanwhile),
		TEST(all_have_finished),
		TEST(skipped_between_pages),
		TEST(list_fails),
		TEST(list_stalls),
		TEST(filter_is_ignored),
		TEST(no_request_waits_any_more),
		TEST(only_stale_jobs_are_listed),
		TEST(no_ttl),
		TEST(ends_while_listing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
