/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmocka.h"

#include "refetch_reader.h"
#include "sync/job_fetch.h"

/*
 * Evicted texts that are fetched again for a reader that goes through a directory
 * (SEMANTICS 7.4.11, 7.4.12).
 */

/* A reader in the listing's order causes few list requests, and one fetch by id. */
static void in_the_order_of_the_listing(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	struct outcome outcome = read_all(reader);

	assert_in_range(outcome.fetched, 2, MANY);
	assert_in_range(fixture->api->lists, PAGES / 2, PAGES + 1);
	assert_int_equal(fixture->api->gets, 1);
	assert_in_range(fixture->api->most_pending, 2, FIXTURE_CONNECTIONS);
}

/*
 * SEMANTICS 7.4.11: what was cached before stays cached, so reading all once more fetches
 * no more than what does not fit.
 */
static void what_was_cached_stays(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	struct cached before = note_cached(reader);
	unsigned texts = before.texts;

	for (unsigned round = 0; round < 3; round++) {
		read_all(reader);
		pause_reader(fixture);
		/* In each round the first text is fetched like that of a single file. */
		assert_kept(reader, &before, 1 + round);
		assert_in_range(count_texts(reader), texts - 1, texts + 1);
		assert_requests(fixture, 1, (MANY - texts) / PAGE + 2);
	}
}

/* Neither a text that is read before its page ends displaces others, nor one that is not
 * read. */
static void read_before_the_page_ends(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	struct counting_waiter waiting;
	struct cached before = note_cached(reader);

	read_from_to(reader, 0, 1);
	want(reader, 1, &waiting);
	fake_restart(fake_call(fixture->api, 0));
	assert_int_equal(read_from_to(reader, 1, PAGE / 2).fetched, 0);
	wait_for(fixture, &waiting);
	pause_reader(fixture);
	assert_kept(reader, &before, 1);
}

/* In another order texts are fetched by their ids, and do not displace others either. */
static void in_another_order(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	struct outcome outcome = {0};
	struct cached before = note_cached(reader);

	for (size_t i = MANY; i-- > 0;)
		read_one(reader, i, &outcome);
	assert_int_equal(fixture->api->lists, 0);
	assert_int_equal(fixture->api->gets, outcome.fetched);
	assert_in_range(outcome.fetched, MANY - before.texts, MANY - before.texts + 10);
	assert_kept(reader, &before, 10);
}

static int compare_inos(const void *a, const void *b)
{
	const struct catalog_job *one = a;
	const struct catalog_job *other = b;

	return one->ino < other->ino ? -1 : one->ino > other->ino;
}

/*
 * In the order of inode numbers, in which fts(3) reads a directory of more than 10,000
 * files, texts are fetched by their ids, several at a time. The files that are read here
 * are far apart in the listing.
 */
static void in_the_order_of_inodes(void **state)
{
	enum { ALL = 2000, APART = 20, FILES = ALL / APART };
	struct sync_fixture *fixture = *state;
	struct query query;
	struct reader *reader;
	struct catalog_job jobs[FILES];
	struct outcome outcome = {0};

	query_init(&query);
	fixture_fill(fixture, 0, ALL);
	reader = list_query(fixture, &query);
	for (size_t i = 0; i < FILES; i++)
		assert_int_equal(
			jobs_by_row(fixture->catalog,
				listing_member(reader->listing, i * APART), &jobs[i]),
			0);
	qsort(jobs, FILES, sizeof(jobs[0]), compare_inos);
	for (size_t i = 0; i < FILES; i++) {
		size_t position = 0;

		while (listing_member(reader->listing, position) != jobs[i].row)
			position++;
		read_one(reader, position, &outcome);
	}
	assert_in_range(
		fixture->api->most_pending, FIXTURE_CONNECTIONS, FIXTURE_CONNECTIONS + 1);
	assert_int_equal(fixture->api->lists, 0);
	/* Also the files in between, which this reader leaves out. */
	assert_in_range(fixture->api->gets, FILES, ALL);
}

/*
 * A reader of many files in its own order is followed in the order of the listing. Files
 * that it reads elsewhere meanwhile are fetched by their ids.
 */
static void followed(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	struct cached before = note_cached(reader);
	struct outcome outcome = {0};
	unsigned elsewhere = 0;

	for (size_t i = 0; i < MANY; i++) {
		fixture->now_ms++;
		if (!has_text(reader, i))
			job_fetch_follow(fixture->sync, reader->listing, i);
		while (!has_text(reader, i))
			fake_answer(fake_call(fixture->api, 0));
		job_fetch_was_read(fixture->sync, listing_member(reader->listing, i));
		fixture_turn(fixture);
		if (i % 50 || has_text(reader, i * 7 % MANY))
			continue;
		elsewhere++;
		read_one(reader, i * 7 % MANY, &outcome);
	}
	assert_in_range(elsewhere, 1, 8);
	assert_requests(fixture, elsewhere, PAGES + elsewhere);
	pause_reader(fixture);
	assert_kept(reader, &before, elsewhere);
}

/*
 * A reader in the listing's order that begins before the other one has paused gets pages
 * of its own.
 */
static void another_reader_than_followed(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	struct outcome outcome = {0};

	for (size_t i = MANY / 2; i < MANY; i++)
		job_fetch_follow(fixture->sync, reader->listing, i);
	fixture_settle(fixture);
	fixture->api->lists = fixture->api->gets = 0;
	for (size_t i = 0; i < MANY / 2; i++)
		read_one(reader, i, &outcome);
	assert_in_range(fixture->api->gets, 1, 4);
	assert_in_range(fixture->api->lists, PAGES / 4, PAGES / 2 + 2);
}

/* It is not followed if its text is cached, the job deleted, or the API out of reach. */
static void not_followed(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	struct catalog_job job;

	job_fetch_follow(fixture->sync, reader->listing, MANY - 1);
	assert_int_equal(
		jobs_by_row(fixture->catalog, listing_member(reader->listing, 0), &job),
		0);
	assert_int_equal(jobs_mark_deleted(fixture->catalog, job.row), 0);
	job_fetch_follow(fixture->sync, reader->listing, 0);
	assert_int_equal(fixture->api->pending_len, 0);
}

/* One file, or two that are far apart, are fetched by their ids, and nothing else. */
static void single_files(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	struct outcome outcome = {0};

	read_one(reader, 0, &outcome);
	read_one(reader, 100, &outcome);
	fixture_settle(fixture);
	assert_int_equal(fixture->api->gets, 2);
	assert_int_equal(fixture->api->lists, 0);
}

/* Two readers of one directory, each at its place. */
static void two_readers(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	struct outcome outcome = {0};
	size_t half = 150;

	for (size_t i = 0; i < half; i++) {
		read_one(reader, i, &outcome);
		if (i + half < MANY)
			read_one(reader, i + half, &outcome);
	}
	assert_requests(fixture, 2, PAGES + 2);
}

/* Readers in parallel, which want several texts of one page. */
static void parallel_readers(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	struct counting_waiter waiting[FIXTURE_CONNECTIONS];

	for (size_t i = 0; i < FIXTURE_CONNECTIONS; i++)
		want(reader, i, &waiting[i]);
	fixture_settle(fixture);
	for (size_t i = 0; i < FIXTURE_CONNECTIONS; i++) {
		assert_int_equal(waiting[i].wakeups, 1);
		assert_int_equal(waiting[i].error, 0);
		assert_true(has_text(reader, i));
	}
	assert_requests(fixture, 1, PAGES);
}

/* When a reader pauses, the rest is cancelled; requests that wait get their job. */
static void a_pause_ends_it(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	struct counting_waiter waiting;

	read_from_to(reader, 0, 5);
	want(reader, 260, &waiting);
	fixture_settle(fixture);
	read_from_to(reader, 5, 20);
	fixture_forward(fixture, IDLE_MS);
	fixture_forward(fixture, IDLE_MS);
	assert_int_equal(fixture->api->pending_len, 0);
	assert_in_range(fixture->api->cancelled, 0, FIXTURE_CONNECTIONS);
}

int main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up_small, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(in_the_order_of_the_listing),
		TEST(what_was_cached_stays),
		TEST(read_before_the_page_ends),
		TEST(in_another_order),
		TEST(in_the_order_of_inodes),
		TEST(followed),
		TEST(another_reader_than_followed),
		TEST(not_followed),
		TEST(single_files),
		TEST(two_readers),
		TEST(parallel_readers),
		TEST(a_pause_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
