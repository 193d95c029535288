/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cmocka.h"

#include "sync/job_fetch.h"
#include "sync_fixture.h"

/*
 * Evicted texts that are fetched again for a reader that goes through a directory
 * (SEMANTICS 7.4.11, 7.4.12).
 */

/* The cache holds about a quarter of the texts. */
enum { MANY = 400, PAGE = 20, PAGES = MANY / PAGE, IDLE_MS = 10 * 1000 };

/* Counts the texts that a reader has wanted. */
struct outcome {
	unsigned fetched; /* texts that were not cached */
	unsigned missing; /* jobs that were deleted */
};

static bool has_text(struct reader *reader, size_t position)
{
	struct catalog_job job;

	assert_int_equal(jobs_by_row(reader->fixture->catalog,
				 listing_member(reader->listing, position), &job),
		0);
	return job.has_text;
}

static unsigned count_texts(struct reader *reader)
{
	unsigned texts = 0;

	for (size_t i = 0; i < listing_len(reader->listing); i++)
		texts += has_text(reader, i);
	return texts;
}

/* Which texts were cached at some time. */
struct cached {
	unsigned texts;
	bool has[MANY];
};

static struct cached note_cached(struct reader *reader)
{
	struct cached cached = {0};

	for (size_t i = 0; i < MANY; i++) {
		cached.has[i] = has_text(reader, i);
		cached.texts += cached.has[i];
	}
	return cached;
}

/* At most `lost` of the texts are not cached any more. */
static void assert_kept(struct reader *reader, const struct cached *before, unsigned lost)
{
	unsigned kept = 0;

	for (size_t i = 0; i < MANY; i++)
		kept += before->has[i] && has_text(reader, i);
	assert_in_range(kept, before->texts - lost, before->texts);
}

/* Lists the query's jobs. */
static struct reader *list_query(struct sync_fixture *fixture, const struct query *query)
{
	struct reader *reader = reader_open(fixture, LISTING_JOBS, query);

	assert_int_equal(reader_finish(reader), 0);
	fixture->api->lists = 0;
	fixture->api->gets = 0;
	fixture->api->cancelled = 0;
	fixture->api->most_pending = 0;
	return reader;
}

/* Adds MANY jobs, and lists them. */
static struct reader *list_many(struct sync_fixture *fixture)
{
	struct query query;
	struct reader *reader;

	query_init(&query);
	fixture_reset(fixture, FIXTURE_CONNECTIONS, PAGE);
	fixture_fill(fixture, 0, MANY);
	reader = list_query(fixture, &query);
	assert_in_range(count_texts(reader), MANY / 8, MANY / 2);
	return reader;
}

/* Starts the fetch of a text that was evicted. */
static void want(struct reader *reader, size_t position, struct counting_waiter *waiting)
{
	struct sync_fixture *fixture = reader->fixture;
	struct wait_queue *queue;
	struct catalog_job job;

	assert_int_equal(jobs_by_row(fixture->catalog,
				 listing_member(reader->listing, position), &job),
		0);
	assert_int_equal(job_fetch_text(fixture->sync, reader->listing, &job, &queue), 0);
	fixture_wait(queue, waiting);
}

/* Answers calls until the waiter is woken. */
static void wait_for(struct sync_fixture *fixture, struct counting_waiter *waiting)
{
	while (!waiting->wakeups)
		fake_answer(fake_call(fixture->api, 0));
	fixture_turn(fixture);
}

/* Reads a file, and fetches its text if that is not cached. */
static void read_one(struct reader *reader, size_t position, struct outcome *outcome)
{
	struct sync_fixture *fixture = reader->fixture;
	int64_t row = listing_member(reader->listing, position);
	struct counting_waiter waiting;
	struct catalog_job job;
	char byte;
	size_t len;

	fixture->now_ms++;
	if (!has_text(reader, position)) {
		want(reader, position, &waiting);
		wait_for(fixture, &waiting);
		outcome->fetched++;
		outcome->missing += waiting.error == -ENOENT;
		if (waiting.error == -ENOENT)
			return;
		assert_int_equal(waiting.error, 0);
	}
	assert_int_equal(jobs_by_row(fixture->catalog, row, &job), 0);
	assert_int_equal(texts_read(fixture->catalog, &job, 0, &byte, 1, &len), 0);
	job_fetch_was_read(fixture->sync, row);
	fixture_turn(fixture);
}

/* Reads files in the order of the listing. */
static struct outcome read_from_to(struct reader *reader, size_t from, size_t to)
{
	struct outcome outcome = {0};

	for (size_t i = from; i < to; i++)
		read_one(reader, i, &outcome);
	return outcome;
}

static struct outcome read_all(struct reader *reader)
{
	return read_from_to(reader, 0, listing_len(reader->listing));
}

/* Lets the reader pause until nothing is fetched for it any more. */
static void pause_reader(struct sync_fixture *fixture)
{
	fixture_settle(fixture);
	for (int i = 0; i < 4; i++)
		fixture_forward(fixture, IDLE_MS);
}

static void assert_requests(struct sync_fixture *fixture, unsigned gets, unsigned lists)
{
	assert_in_range(fixture->api->gets, 0, gets);
	assert_in_range(fixture->api->lists, 0, lists);
	fixture->api->gets = 0;
	fixture->api->lists = 0;
}

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

/* New jobs have moved the list: a page shows by how much. */
static void the_list_has_grown(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);

	for (int i = 0; i < 10; i++) {
		char id[16];

		snprintf(id, sizeof(id), "new%d", i);
		fake_add(fixture->api, id, JOB_DONE, fixture_noon_ms() + 1 + i);
	}
	read_all(reader);
	assert_requests(fixture, 3, PAGES + 2);
}

/* Jobs were deleted: their readers get -ENOENT, and the others get their texts. */
static void jobs_were_deleted(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	struct outcome outcome;

	for (unsigned i = 20; i < 25; i++) {
		char id[16];

		snprintf(id, sizeof(id), "j%03u", i);
		fake_remove(fixture->api, id);
	}
	outcome = read_all(reader);
	assert_int_equal(outcome.missing, 5);
	assert_requests(fixture, 5 + 15, PAGES + 2);
	assert_deleted(fixture, "j020 j021 j022 j023 j024");
}

/* If the list has become another one, texts are fetched by their ids, in parallel. */
static void the_list_is_another_one(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);

	for (unsigned i = 0; i < 1000; i++) {
		char id[16];

		snprintf(id, sizeof(id), "new%u", i);
		fake_add(fixture->api, id, JOB_DONE, fixture_noon_ms() + 1 + i);
	}
	read_all(reader);
	assert_in_range(
		fixture->api->most_pending, FIXTURE_CONNECTIONS, 2 * FIXTURE_CONNECTIONS);
	assert_requests(fixture, MANY, 3);
}

/* An API whose lists have only summaries brings no texts in pages. */
static void summaries(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	unsigned texts = count_texts(reader);

	fixture->api->rules.summaries = true;
	read_all(reader);
	pause_reader(fixture);
	assert_in_range(
		fixture->api->most_pending, FIXTURE_CONNECTIONS, FIXTURE_CONNECTIONS + 1);
	assert_in_range(count_texts(reader), texts - 10, texts + 1);
	assert_requests(fixture, MANY, 3);
}

/* If a page fails, its jobs are fetched by their ids. */
static void a_page_fails(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	struct counting_waiter waiting[2];

	read_from_to(reader, 0, 1);
	want(reader, 1, &waiting[0]);
	want(reader, 5, &waiting[1]);
	assert_int_equal(fixture->api->gets, 1);
	assert_int_equal(fixture->api->lists, 1);
	fake_fail(fake_call(fixture->api, 0), -EIO, "test: broken");
	assert_int_equal(fixture->api->gets, 3);
	fixture_settle(fixture);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waiting[i].wakeups, 1);
		assert_int_equal(waiting[i].error, 0);
	}
	assert_true(has_text(reader, 1) && has_text(reader, 5));
	/* The next one is in a page again. */
	read_from_to(reader, 6, MANY);
	assert_requests(fixture, 3, PAGES + 1);
}

/* If no request waits for a job of a page that fails, it is not fetched. */
static void no_request_waits_any_more(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	struct counting_waiter waiting;

	read_from_to(reader, 0, 1);
	want(reader, 1, &waiting);
	wait_leave(&waiting.waiter);
	fake_fail(fake_call(fixture->api, 0), -EIO, "test: broken");
	assert_int_equal(fixture->api->gets, 1);
	assert_int_equal(fixture->api->pending_len, 0);
}

/* The API shortens the pages. */
static void pages_are_shortened(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);

	fixture->api->rules.gives_at_most = PAGE / 2;
	read_all(reader);
	assert_requests(fixture, 4, 3 * PAGES);
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

/* The listing of a status is selected from another one: its own list is requested. */
static void a_selected_listing(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query("error", NULL, NULL);
	struct reader *all;
	struct reader *reader;

	for (unsigned i = 0; i < MANY; i++) {
		char id[16];

		snprintf(id, sizeof(id), "e%03u", i);
		fixture_add(fixture, id, i % 3 ? JOB_DONE : JOB_ERROR, i, NULL);
	}
	all = reader_open_all(fixture);
	assert_int_equal(reader_finish(all), 0);
	reader = list_query(fixture, &query);
	read_all(reader);
	assert_requests(fixture, 1, 6);
}

/* No list request returns the jobs with some metadata: they are fetched by their ids. */
static void metadata(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = fixture_query(NULL, "user", NULL);
	struct reader *reader;

	for (unsigned i = 0; i < MANY; i++) {
		char id[16];

		snprintf(id, sizeof(id), "m%03u", i);
		fixture_add(fixture, id, JOB_DONE, i, i % 2 ? "\nuser=me\n" : NULL);
	}
	reader = list_query(fixture, &query);
	assert_in_range(read_all(reader).fetched, 4, MANY / 2);
	assert_int_equal(fixture->api->lists, 0);
	assert_in_range(
		fixture->api->most_pending, FIXTURE_CONNECTIONS, FIXTURE_CONNECTIONS + 1);
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

/* sync_free() cancels the pages. */
static void ends_meanwhile(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);
	struct counting_waiter waiting;

	read_from_to(reader, 0, 1);
	want(reader, 1, &waiting);
	assert_int_equal(fixture->api->pending_len, 1);
	wait_leave(&waiting.waiter);
	reader_close(reader);
	fixture_reset(fixture, FIXTURE_CONNECTIONS, 0);
	assert_int_equal(fixture->api->pending_len, 0);
	assert_int_equal(waiting.wakeups, 0);
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
		TEST(single_files),
		TEST(the_list_has_grown),
		TEST(jobs_were_deleted),
		TEST(the_list_is_another_one),
		TEST(summaries),
		TEST(a_page_fails),
		TEST(no_request_waits_any_more),
		TEST(pages_are_shortened),
		TEST(two_readers),
		TEST(parallel_readers),
		TEST(a_selected_listing),
		TEST(metadata),
		TEST(a_pause_ends_it),
		TEST(ends_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
