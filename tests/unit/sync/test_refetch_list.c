/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cmocka.h"

#include "refetch_reader.h"
#include "sync/job_fetch.h"

/*
 * The lists that bring evicted texts again (SEMANTICS 7.4.12): other than expected,
 * failing, or none.
 */

static void add_new_jobs(struct sync_fixture *fixture, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char id[16];

		snprintf(id, sizeof(id), "new%u", i);
		fake_add(fixture->api, id, JOB_DONE, fixture_noon_ms() + 1 + i);
	}
}

/* New jobs have moved the list: a page shows by how much. */
static void the_list_has_grown(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_many(fixture);

	add_new_jobs(fixture, 10);
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

	add_new_jobs(fixture, 1000);
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
static struct reader *list_metadata(struct sync_fixture *fixture)
{
	struct query query = fixture_query(NULL, "user", NULL);

	for (unsigned i = 0; i < MANY; i++) {
		char id[16];

		snprintf(id, sizeof(id), "m%03u", i);
		fixture_add(fixture, id, JOB_DONE, i, i % 2 ? "\nuser=me\n" : NULL);
	}
	return list_query(fixture, &query);
}

static void metadata(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = list_metadata(fixture);

	assert_in_range(read_all(reader).fetched, 4, MANY / 2);
	assert_int_equal(fixture->api->lists, 0);
	assert_in_range(
		fixture->api->most_pending, FIXTURE_CONNECTIONS, FIXTURE_CONNECTIONS + 1);
}

struct follower {
	struct reader *reader;
	size_t position; /* from here on texts may be missing */
};

/* Asks for the next text that is missing, as fs/prefetch.c does. */
static void follow(void *ctx, const struct listing *listing)
{
	struct follower *follower = ctx;
	size_t len = listing_len(listing);

	while (follower->position < len && has_text(follower->reader, follower->position))
		follower->position++;
	if (follower->position < len)
		job_fetch_follow(follower->reader->fixture->sync,
			follower->reader->listing, follower->position);
}

static void on_job_changed(void *ctx, const struct catalog_job *job)
{
	(void)ctx;
	(void)job;
}

/* So they are if the reader has an order of its own: several at a time, each once. */
static void metadata_followed(void **state)
{
	static const struct sync_handlers handlers = {
		.on_job_changed = on_job_changed, .on_followed = follow};
	struct sync_fixture *fixture = *state;
	struct follower follower = {.reader = list_metadata(fixture)};
	const struct listing *listing = follower.reader->listing;
	unsigned missing = (unsigned)listing_len(listing) - count_texts(follower.reader);

	assert_in_range(missing, 4, MANY / 2);
	sync_set_handlers(fixture->sync, &handlers, &follower);
	follow(&follower, listing);
	fixture_settle(fixture);
	assert_int_equal(follower.position, listing_len(listing));
	assert_requests(fixture, missing, 0);
	assert_in_range(
		fixture->api->most_pending, FIXTURE_CONNECTIONS, FIXTURE_CONNECTIONS + 1);
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
		TEST(the_list_has_grown),
		TEST(jobs_were_deleted),
		TEST(the_list_is_another_one),
		TEST(summaries),
		TEST(a_page_fails),
		TEST(no_request_waits_any_more),
		TEST(pages_are_shortened),
		TEST(a_selected_listing),
		TEST(metadata),
		TEST(metadata_followed),
		TEST(ends_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
