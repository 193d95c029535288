/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cmocka.h"

#include "base/array.h"
#include "gladia/timestamp.h"
#include "sync/job_fetch.h"
#include "sync_fixture.h"

/* How listings are shared, age and are compared: SEMANTICS 6.4, 7.1, 1.5. */

/* SEMANTICS 3.2, 7.1: readers of the same query share one listing and its requests. */
static void a_listing_is_shared(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query one = fixture_query("done,error", NULL, NULL);
	struct query other = fixture_query("error,done", NULL, NULL);
	struct reader *readers[3];

	fixture_fill(fixture, 0, 100);
	for (int i = 0; i < 3; i++) {
		readers[i] = reader_open(fixture, LISTING_JOBS, i ? &one : &other);
		assert_int_equal(reader_want(readers[i], 0), -EAGAIN);
	}
	assert_int_equal(fixture->api->lists, 1);
	assert_int_equal(
		listing_id(readers[0]->listing), listing_id(readers[1]->listing));
	fixture_settle(fixture);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(readers[i]->wakeups, 1);
		assert_int_equal(reader_want(readers[i], 19), 0);
		reader_close(readers[i]);
	}
	assert_int_equal(fixture->api->lists, 1);
}

/* SEMANTICS 6.4: a position refers to the same member while the listing is held. */
static void positions_are_stable(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *held;
	struct reader *late;
	int64_t members[40];

	fixture_reset(fixture, 1, 10);
	fixture_fill(fixture, 10, 60);
	held = reader_open_all(fixture);
	while (listing_len(held->listing) < 40) {
		assert_int_equal(reader_read(held), -EAGAIN);
		fake_answer(fake_call(fixture->api, 0));
	}
	for (size_t i = 0; i < 40; i++)
		members[i] = listing_member(held->listing, i);
	fixture_fill(fixture, 0, 10);
	fake_remove(fixture->api, "j012");
	fixture_forward(fixture, FIXTURE_TTL_MS);
	late = reader_open_all(fixture);
	assert_int_not_equal(listing_id(late->listing), listing_id(held->listing));
	assert_int_equal(reader_finish(late), 0);
	/* rewinddir(), seekdir() back and forth, and on to the end. */
	assert_int_equal(reader_want(held, 0), 0);
	assert_int_equal(reader_want(held, 39), 0);
	assert_int_equal(reader_want(held, 3), 0);
	assert_int_equal(reader_finish(held), 0);
	assert_int_equal(reader_want(held, 1000), -ENOENT);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(listing_member(held->listing, i), members[i]);
	assert_int_equal(listing_len(held->listing), 60);
	assert_int_equal(listing_len(late->listing), 69);
	reader_close(late);
	reader_close(held);
}

/*
 * SEMANTICS 6.4: each reader waits for the member it wants; one that left is not woken.
 */
static void readers_at_several_positions(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *near;
	struct reader *far;
	struct reader *leaving;

	fixture_reset(fixture, 2, 10);
	fixture_fill(fixture, 0, 60);
	near = reader_open_all(fixture);
	far = reader_open_all(fixture);
	leaving = reader_open_all(fixture);
	assert_int_equal(reader_want(near, 0), -EAGAIN);
	assert_int_equal(reader_want(far, 55), -EAGAIN);
	assert_int_equal(reader_want(leaving, 5), -EAGAIN);
	reader_close(leaving);
	fake_answer(fake_call(fixture->api, 0));
	assert_int_equal(near->wakeups, 1);
	assert_int_equal(reader_want(near, 9), 0);
	while (reader_want(far, 55) == -EAGAIN)
		fake_answer(fake_call(fixture->api, 0));
	assert_int_equal(near->wakeups, 1);
	reader_close(near);
	reader_close(far);
}

/*
 * SEMANTICS 7.1: a listing is used until it is `ttl` old, and not requested again before.
 */
static void a_listing_lasts_for_its_time_to_live(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, NULL, NULL);

	fixture_fill(fixture, 0, 5);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	fixture_forward(fixture, FIXTURE_TTL_MS - 1);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	assert_int_equal(fixture->api->lists, 1);
	fixture_forward(fixture, 1);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	assert_int_equal(fixture->api->lists, 2);
}

/* SEMANTICS 7.1: finished jobs stay fresh, and others become stale after ttl. */
static void finished_jobs_stay_fresh(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, NULL, NULL);

	fake_add(fixture->api, "done", JOB_DONE, fixture_noon_ms());
	fake_add(fixture->api, "queued", JOB_QUEUED, fixture_noon_ms());
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	assert_true(fixture_is_fresh(fixture, "queued"));
	fixture_forward(fixture, FIXTURE_TTL_MS + 1);
	assert_true(fixture_is_fresh(fixture, "done"));
	assert_false(fixture_is_fresh(fixture, "queued"));
	/* If the clock was set back, an unfinished job is not fresh. */
	fixture->now_ms -= 3 * FIXTURE_TTL_MS;
	assert_true(fixture_is_fresh(fixture, "done"));
	assert_false(fixture_is_fresh(fixture, "queued"));
	fixture->now_ms += 3 * FIXTURE_TTL_MS;
}

/*
 * SEMANTICS 1.5: after a refresh, unfinished jobs are stale, and a reader keeps its
 * listing.
 */
static void refresh_forgets_listings(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, NULL, NULL);
	struct reader *held;
	struct reader *late;

	fixture_fill(fixture, 0, 3);
	fake_add(fixture->api, "queued", JOB_QUEUED, fixture_noon_ms());
	held = reader_open_all(fixture);
	assert_int_equal(reader_finish(held), 0);
	fixture_forward(fixture, 1);
	sync_refresh(fixture->sync);
	assert_false(fixture_is_fresh(fixture, "queued"));
	fake_remove(fixture->api, "j001");
	late = reader_open_all(fixture);
	assert_int_equal(reader_finish(late), 0);
	assert_as_account(late, &query);
	assert_int_equal(listing_len(held->listing), 4);
	assert_deleted(fixture, "j001");
	assert_true(fixture_is_fresh(fixture, "queued"));
	reader_close(held);
	reader_close(late);
}

/*
 * SEMANTICS 1.5, 7.1: deletions are found even if the old listing is closed before the
 * next reader arrives.
 */
static void refreshed_listings_are_compared_yet(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, NULL, NULL);
	struct reader *held;

	fixture_fill(fixture, 0, 3);
	held = reader_open_all(fixture);
	assert_int_equal(reader_finish(held), 0);
	sync_refresh(fixture->sync);
	reader_close(held);
	fake_remove(fixture->api, "j001");
	fixture_forward(fixture, 1);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	assert_deleted(fixture, "j001");
}

/* A listing that was in progress at a refresh is not shared with a later reader. */
static void refresh_while_reading(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *held;
	struct reader *late;

	fixture_reset(fixture, 2, 10);
	fixture_fill(fixture, 0, 30);
	held = reader_open_all(fixture);
	assert_int_equal(reader_read(held), -EAGAIN);
	sync_refresh(fixture->sync);
	late = reader_open_all(fixture);
	assert_int_equal(reader_read(late), -EAGAIN);
	assert_int_equal(fixture->api->lists, 2);
	assert_int_equal(reader_finish(held), 0);
	assert_int_equal(reader_finish(late), 0);
	assert_int_equal(listing_len(held->listing), 30);
	reader_close(held);
	reader_close(late);
}

/*
 * If an incomplete listing that no reader holds is replaced, its requests are cancelled.
 */
static void replaced_listings_are_evicted(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *old;
	struct reader *new;

	fixture_reset(fixture, 4, 10);
	fixture_fill(fixture, 0, 100);
	old = reader_open_all(fixture);
	assert_int_equal(reader_read(old), -EAGAIN);
	fake_answer(fake_call(fixture->api, 0));
	assert_int_equal(reader_read(old), -EAGAIN);
	assert_int_equal(fixture->api->pending_len, 2);
	reader_close(old);
	fixture_forward(fixture, FIXTURE_TTL_MS);
	new = reader_open_all(fixture);
	assert_int_equal(fixture->api->pending_len, 0);
	assert_int_equal(reader_finish(new), 0);
	assert_int_equal(listing_len(new->listing), 100);
	reader_close(new);
}

/* Reads the listings of the queries from number `first` to before `end`. */
static void read_numbered(struct sync_fixture *fixture, int first, int end)
{
	for (int i = first; i < end; i++) {
		struct query query = fixture_query(NULL, NULL, NULL);
		char word[32];

		snprintf(word, sizeof(word), "2026-03-01T%02d:%02dZ", i / 60, i % 60);
		assert_int_equal(query_narrow(&query, QUERY_AFTER, word), 0);
		assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
	}
}

/* SEMANTICS 11.3: 256 listings that no reader holds are kept. */
static void few_listings_are_kept(void **state)
{
	struct sync_fixture *fixture = *state;
	enum { LISTINGS = 300, KEPT = 256 };

	read_numbered(fixture, 0, LISTINGS);
	assert_int_equal(fixture->api->lists, LISTINGS);
	read_numbered(fixture, LISTINGS - KEPT, LISTINGS);
	assert_int_equal(fixture->api->lists, LISTINGS);
	read_numbered(fixture, 0, 1);
	assert_int_equal(fixture->api->lists, LISTINGS + 1);
}

/*
 * SEMANTICS 7.2.3, 7.2: the listing that others are selected from counts as used, so a
 * walk through more directories than are kept does not evict it.
 */
static void a_walk_through_many_days(void **state)
{
	enum { DAYS = 600 };
	static const enum listing_kind kinds[] = {LISTING_JOBS, LISTING_VALUES};
	struct sync_fixture *fixture = *state;
	struct query all = fixture_query(NULL, NULL, NULL);

	for (int i = 0; i < DAYS; i++) {
		char id[16];

		snprintf(id, sizeof(id), "j%03d", i);
		fake_add(fixture->api, id, JOB_DONE,
			fixture_noon_ms() - (int64_t)i * DAY_MS);
	}
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);

	unsigned lists = fixture->api->lists;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (int64_t day = 0; day < DAYS; day++) {
			struct query query = fixture_query(NULL, NULL, NULL);
			char word[DAY_TEXT];

			day_print(fixture_noon_ms() / DAY_MS - day, word);
			assert_int_equal(query_narrow(&query, QUERY_DATE, word), 0);
			if (kinds[i] == LISTING_VALUES)
				assert_int_equal(
					query_narrow(&query, QUERY_KEY, "customer"), 0);
			assert_int_equal(fixture_read_all(fixture, kinds[i], &query), 0);
		}
		assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
		assert_int_equal(fixture->api->lists, lists);
	}
}

/* sync_free() cancels all requests in flight and wakes no waiter. */
static void sync_ends_with_calls_under_way(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;
	struct wait_queue *queue;
	struct query done = fixture_query("done", NULL, NULL);

	fixture_fill(fixture, 0, 100);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &done), 0);
	fixture_forward(fixture, FIXTURE_TTL_MS);
	/* The second listing replaces the first one, and no reader holds either. */
	for (int i = 0; i < 2; i++) {
		reader = i ? reader_open(fixture, LISTING_JOBS, &done)
			   : reader_open_all(fixture);
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_answer(fake_call(fixture->api, fixture->api->pending_len - 1));
		assert_int_equal(reader_read(reader), -EAGAIN);
		reader_close(reader);
	}
	assert_int_equal(job_fetch_start(fixture->sync, "j005", &queue), 0);
	assert_in_range(fixture->api->pending_len, 4, 10);
	fixture_reset(fixture, 1, 0);
	assert_int_equal(fixture->api->pending_len, 0);
	fixture_turn(fixture);
}

int main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_listing_is_shared),
		TEST(positions_are_stable),
		TEST(readers_at_several_positions),
		TEST(a_listing_lasts_for_its_time_to_live),
		TEST(finished_jobs_stay_fresh),
		TEST(refresh_forgets_listings),
		TEST(refreshed_listings_are_compared_yet),
		TEST(refresh_while_reading),
		TEST(replaced_listings_are_evicted),
		TEST(few_listings_are_kept),
		TEST(a_walk_through_many_days),
		TEST(sync_ends_with_calls_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
