/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "cmocka.h"

#include "sync_fixture.h"

/* Servers whose listings never end: SEMANTICS 6.6, 11.3. */

/* More requests than any of these listings takes to fail. */
enum { REQUESTS_MAX = 1200 };

static void name(struct fake_job *job, const char *kind, uint64_t number)
{
	snprintf(job->job.id, sizeof(job->job.id), "%s%06" PRIu64, kind, number);
	job->job.status = JOB_DONE;
	job->job.created_ms = fixture_noon_ms();
}

static bool same_page_for_ever(struct api *api, const struct api_call *call, unsigned i,
	struct fake_job *ret_job)
{
	(void)api;
	(void)call;
	name(ret_job, "same", i);
	return true;
}

static bool others_each_time(struct api *api, const struct api_call *call, unsigned i,
	struct fake_job *ret_job)
{
	(void)call;
	(void)i;
	name(ret_job, "other", api->invented++);
	return true;
}

/* The pages behind the first one never overlap with the previous ones. */
static bool others_behind_the_first(struct api *api, const struct api_call *call,
	unsigned i, struct fake_job *ret_job)
{
	return call->offset ? others_each_time(api, call, i, ret_job)
			    : same_page_for_ever(api, call, i, ret_job);
}

/* Pages are correct up to an offset at which one more job should follow. */
static bool empty_in_the_middle(struct api *api, const struct api_call *call, unsigned i,
	struct fake_job *ret_job)
{
	(void)api;
	name(ret_job, "job", call->offset + i);
	return call->offset < 38;
}

static bool endless(struct api *api, const struct api_call *call, unsigned i,
	struct fake_job *ret_job)
{
	(void)api;
	name(ret_job, "job", call->offset + i);
	return true;
}

static bool endless_and_nameless(struct api *api, const struct api_call *call, unsigned i,
	struct fake_job *ret_job)
{
	ret_job->nameless = true;
	return endless(api, call, i, ret_job);
}

static bool endless_and_foreign(struct api *api, const struct api_call *call, unsigned i,
	struct fake_job *ret_job)
{
	bool more = endless(api, call, i, ret_job);

	ret_job->job.status = JOB_ERROR;
	return more;
}

typedef bool invent(struct api *api, const struct api_call *call, unsigned i,
	struct fake_job *ret_job);

/* The reader gets -EIO after a bounded number of requests, each time it tries. */
static void assert_ends(struct sync_fixture *fixture, invent *invented)
{
	struct reader *reader;

	fixture->api->rules.invent = invented;
	fixture_reset(fixture, 4, 20);
	reader = reader_open_all(fixture);
	for (int i = 0; i < 3; i++) {
		unsigned lists = fixture->api->lists;

		assert_int_equal(reader_finish(reader), -EIO);
		fixture_settle(fixture);
		assert_in_range(fixture->api->lists - lists, 1, REQUESTS_MAX);
	}
	reader_close(reader);
}

static void same_page_ends(void **state)
{
	assert_ends(*state, same_page_for_ever);
}

static void pages_that_never_meet_end(void **state)
{
	assert_ends(*state, others_behind_the_first);
}

static void other_jobs_each_time_end(void **state)
{
	assert_ends(*state, others_each_time);
}

static void empty_page_in_the_middle_ends(void **state)
{
	assert_ends(*state, empty_in_the_middle);
}

static void jobs_without_names_end(void **state)
{
	assert_ends(*state, endless_and_nameless);
}

/* SEMANTICS 6.2, 11.3: an endless listing is requested only as far as it is read. */
static void endless_listing_stops_with_its_reader(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;

	fixture->api->rules.invent = endless;
	fixture_reset(fixture, 4, 20);
	reader = reader_open_all(fixture);
	while (listing_len(reader->listing) < 500) {
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_answer(fake_call(fixture->api, 0));
	}
	reader_close(reader);
	fixture_settle(fixture);
	assert_in_range(fixture->api->lists, 500 / 20, 500 / 19 + 10);
}

static void endless_listing_without_members_too(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query;
	struct reader *reader;

	query_init(&query);
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "done"), 0);
	fixture->api->rules.invent = endless_and_foreign;
	fixture_reset(fixture, 4, 20);
	reader = reader_open(fixture, LISTING_JOBS, &query);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_answer(fake_call(fixture->api, 0));
	}
	assert_int_equal(listing_len(reader->listing), 0);
	reader_close(reader);
	fixture_settle(fixture);
	assert_in_range(fixture->api->lists, 30, 30 + 5);
}

/* Pages of one job without an end are requested only as far as they are read. */
static void endless_pages_of_one_job(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader;

	fixture->api->rules = (struct fake_rules){.invent = endless, .gives_at_most = 1};
	reader = reader_open_all(fixture);
	while (listing_len(reader->listing) < 100) {
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_answer(fake_call(fixture->api, 0));
	}
	reader_close(reader);
	fixture_settle(fixture);
	assert_in_range(fixture->api->lists, 100, 120 + 2 * FIXTURE_CONNECTIONS);
}

/* SEMANTICS 6.5: if the API refuses every limit, the read fails after a few requests. */
static void refusal_of_every_limit_ends(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = reader_open_all(fixture);

	for (int i = 0; i < 3; i++) {
		unsigned lists = fixture->api->lists;

		assert_int_equal(reader_read(reader), -EAGAIN);
		while (fixture->api->pending_len)
			fake_fail(fake_call(fixture->api, 0), -EINVAL, "test: refused");
		assert_int_equal(reader->error, -EIO);
		assert_in_range(fixture->api->lists - lists, 1, 7);
	}
	reader_close(reader);
}

/*
 * If the first page is not found, that is an error, not an empty listing (SEMANTICS 6.1).
 */
static void nothing_at_the_beginning_is_an_error(void **state)
{
	struct sync_fixture *fixture = *state;
	struct reader *reader = reader_open_all(fixture);

	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_fail(fake_call(fixture->api, 0), -ENOENT, "test: not found");
	assert_int_equal(reader->error, -EIO);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fixture_settle(fixture);
	assert_int_equal(reader_read(reader), -ENOENT);
	reader_close(reader);
}

/* If one page is empty, whichever it is, the listing is still complete. */
static void one_empty_page(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query;

	query_init(&query);
	/* The listing has three pages. */
	for (unsigned i = 0; i < 2 * 3; i++) {
		struct fake_rules *rules = &fixture->api->rules;
		struct reader *reader;
		unsigned lists;

		fixture_reset(fixture, 1, 40);
		if (!i)
			fixture_fill(fixture, 0, 80);
		lists = fixture->api->lists;
		reader = reader_open_all(fixture);
		for (unsigned before = 0; before < i / 2; before++) {
			assert_int_equal(reader_read(reader), -EAGAIN);
			fake_answer(fake_call(fixture->api, 0));
		}
		rules->empty = 1;
		rules->empty_next = i % 2 ? FAKE_MISSING : FAKE_ADVANCES;
		assert_int_equal(reader_finish(reader), 0);
		assert_as_account(reader, &query);
		assert_in_range(fixture->api->lists - lists, 3, 5);
		reader_close(reader);
	}
}

/*
 * SEMANTICS 6.6: if pages have neither jobs nor an end, the read fails after two
 * requests, each time.
 */
static void empty_and_never_the_end(void **state)
{
	struct sync_fixture *fixture = *state;

	for (unsigned known = 0; known < 2; known++) {
		struct fake_rules *rules = &fixture->api->rules;
		struct reader *reader;

		fixture_reset(fixture, 4, 20);
		rules->empty = UINT_MAX;
		rules->empty_next = FAKE_MISSING;
		reader = reader_open_all(fixture);
		for (int i = 0; i < 3; i++) {
			unsigned lists = fixture->api->lists;

			assert_int_equal(reader_finish(reader), -EIO);
			assert_int_equal(fixture->api->lists - lists, 2);
		}
		rules->empty = 0;
		fixture_fill(fixture, known * 50, 50);
		assert_int_equal(reader_finish(reader), 0);
		assert_int_equal(listing_len(reader->listing), 50 + known * 50);
		reader_close(reader);
	}
}

/*
 * SEMANTICS 6.6: pages without `next` are read to the last job; without an end that is
 * -EIO.
 */
static void next_is_missing(void **state)
{
	struct sync_fixture *fixture = *state;

	for (unsigned count = 1; count < 100; count += 19) {
		struct reader *reader;
		unsigned lists;

		fixture->api->rules.next_missing = true;
		fixture->api->rules.missing_past_end = false;
		fixture_reset(fixture, 1, 20);
		while (fixture->api->jobs_len < count)
			fixture_fill(fixture, fixture->api->jobs_len, 1);
		reader = reader_open_all(fixture);
		lists = fixture->api->lists;
		assert_int_equal(reader_finish(reader), -EIO);
		assert_int_equal(listing_len(reader->listing), count);
		assert_in_range(fixture->api->lists - lists, 1, count / 19 + 5);
		/* When the API reports the end, the listing is complete. */
		fixture->api->rules.next_missing = false;
		assert_int_equal(reader_finish(reader), 0);
		assert_int_equal(listing_len(reader->listing), count);
		reader_close(reader);
	}
}

/*
 * SEMANTICS 6.6: a server that filters its pages after it cuts them gives pages that are
 * shorter than asked for, or empty, in any place.
 */
static void filtered_after_the_cut(void **state)
{
	struct sync_fixture *fixture = *state;

	for (unsigned round = 0; round < 60; round++) {
		struct reader *reader;
		unsigned shown = 0;
		unsigned lists = fixture->api->lists;

		fixture_reset(fixture, 1 + (int)round % 4, 20);
		if (!round)
			fixture_fill(fixture, 0, 300);
		/*
		 * Runs of hidden jobs and of shown jobs alternate; each has 1 + `round`
		 * jobs.
		 */
		for (unsigned i = 0; i < 300; i++) {
			bool hidden = (i + round * 7) / (1 + round) % 2;

			fixture->api->jobs[i].hidden = hidden;
			shown += !hidden;
		}
		reader = reader_open_all(fixture);
		assert_int_equal(reader_finish(reader), 0);
		assert_int_equal(listing_len(reader->listing), shown);
		reader_close(reader);
		assert_in_range(fixture->api->lists - lists, 1, 200);
	}
}

/*
 * SEMANTICS 6.6: if jobs were known, an empty listing is read twice before it is
 * believed.
 */
static void emptied(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query all;
	struct reader *reader;

	query_init(&all);
	fixture_reset(fixture, 4, 20);
	/* If no job was ever known, one request is enough. */
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	assert_int_equal(fixture->api->lists, 1);
	fixture_fill(fixture, 0, 60);
	for (unsigned i = 0; i < 4; i++) {
		fixture_forward(fixture, FIXTURE_TTL_MS);
		fixture->api->rules.empty = i ? 1 : 0;
		fixture->api->rules.empty_next = FAKE_NULL;
		/*
		 * 0: jobs are listed; 1: known in this mount; 2: known from the catalog;
		 * 3: days.
		 */
		if (i == 2)
			fixture_reset(fixture, 4, 20);
		reader = reader_open(fixture, i == 3 ? LISTING_DAYS : LISTING_JOBS, &all);
		assert_int_equal(reader_finish(reader), 0);
		assert_int_equal(listing_len(reader->listing), i == 3 ? 1 : 60);
		reader_close(reader);
	}
	/* Now the account is empty. */
	while (fixture->api->jobs_len)
		fake_remove(fixture->api, fixture->api->jobs[0].job.id);
	for (unsigned i = 0; i < 2; i++) {
		unsigned lists = fixture->api->lists;

		fixture_forward(fixture, FIXTURE_TTL_MS);
		assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
		assert_in_range(fixture->api->lists - lists, 1, i ? 1 : 3);
	}
}

int main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(same_page_ends),
		TEST(pages_that_never_meet_end),
		TEST(other_jobs_each_time_end),
		TEST(empty_page_in_the_middle_ends),
		TEST(jobs_without_names_end),
		TEST(endless_listing_stops_with_its_reader),
		TEST(endless_listing_without_members_too),
		TEST(endless_pages_of_one_job),
		TEST(refusal_of_every_limit_ends),
		TEST(nothing_at_the_beginning_is_an_error),
		TEST(one_empty_page),
		TEST(empty_and_never_the_end),
		TEST(next_is_missing),
		TEST(filtered_after_the_cut),
		TEST(emptied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
