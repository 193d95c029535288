/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "cmocka.h"

#include "base/array.h"
#include "sync/page_size.h"
#include "sync_fixture.h"

/* How many jobs a page has: SEMANTICS 6.5. */

enum { KIB = 1024, MIB = 1024 * KIB };

/*
 * Returns the page size that results if a job has `bytes_each` bytes, and the API takes
 * `page_ms` for a page plus `each_ms` for each job.
 */
static unsigned settled(uint64_t bytes_each, int64_t page_ms, int64_t each_ms)
{
	struct page_size size;

	page_size_init(&size, 0);
	assert_int_equal(page_size_first(&size), 20);
	assert_int_equal(page_size_next(&size), 20);
	for (int i = 0; i < 50; i++) {
		unsigned jobs = page_size_next(&size);

		page_size_learn(&size, jobs, jobs * bytes_each,
			page_ms + (int64_t)jobs * each_ms);
	}
	return page_size_next(&size);
}

static void pages_hold_a_mebibyte_or_half_a_second(void **state)
{
	(void)state;
	assert_in_range(settled(20 * KIB, 50, 0), 50, 53);
	assert_in_range(settled(2 * KIB, 100, 4), 90, 110);
	/* Small jobs have a maximum per page, large ones a minimum. */
	assert_int_equal(settled(10, 0, 0), 1000);
	assert_int_equal(settled(2 * MIB, 10, 0), 4);
	assert_int_equal(settled(0, 0, 0), 1000);
}

/* If the API is slow even for small pages, the page size does not shrink. */
static void slow_answers_do_not_shrink_pages(void **state)
{
	(void)state;
	assert_int_equal(settled(KIB, 600, 0), 20);
	assert_int_equal(settled(KIB, 20 * 1000, 0), 20);
	assert_int_equal(settled(KIB, 0, 1000), 20);
}

static void one_page_changes_little(void **state)
{
	struct page_size size;

	(void)state;
	page_size_init(&size, 0);
	page_size_learn(&size, 20, 1, 1);
	assert_int_equal(page_size_next(&size), 80);
	/* The first page of the next listing has the API's default size. */
	assert_int_equal(page_size_first(&size), 20);
	page_size_learn(&size, 0, 0, 0);
	assert_int_equal(page_size_next(&size), 80);
	page_size_learn(&size, 1, 100 * MIB, 1);
	assert_int_equal(page_size_next(&size), 4);
}

static void fixed_is_fixed(void **state)
{
	struct page_size size;

	(void)state;
	page_size_init(&size, 300);
	page_size_learn(&size, 300, 300 * MIB, 60 * 1000);
	assert_int_equal(page_size_first(&size), 300);
	assert_int_equal(page_size_next(&size), 300);
	/* SEMANTICS 6.3: pages have to overlap. */
	page_size_init(&size, 1);
	assert_int_equal(page_size_first(&size), 2);
}

/* A refused limit is halved down to one; a silent cap counts as two at least. */
static void limits_of_the_api(void **state)
{
	struct page_size size;
	static const unsigned halves[] = {10, 5, 3, 2, 1};

	(void)state;
	page_size_init(&size, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(halves); i++) {
		assert_true(page_size_refused(&size, page_size_next(&size)));
		assert_int_equal(page_size_next(&size), halves[i]);
	}
	/* The API refuses a limit of one as well, so the limit is not the reason. */
	assert_false(page_size_refused(&size, 1));
	assert_int_equal(page_size_next(&size), 20);
	page_size_capped(&size, 7);
	page_size_learn(&size, 7, 1, 1);
	assert_int_equal(page_size_next(&size), 7);
	assert_int_equal(page_size_first(&size), 20);
	/* The API returns more jobs than the cap after all. */
	page_size_learn(&size, 8, 1, 1);
	assert_in_range(page_size_next(&size), 20, 1000);
	page_size_capped(&size, 1);
	assert_int_equal(page_size_next(&size), 2);
}

/* If a limit that was granted before is refused, the limit is not the reason. */
static void granted_before_stays_granted(void **state)
{
	struct page_size size;

	(void)state;
	page_size_init(&size, 0);
	page_size_granted(&size, 20);
	for (int i = 0; i < 30; i++) {
		assert_false(page_size_refused(&size, 20));
		assert_false(page_size_refused(&size, 7));
		page_size_granted(&size, 20);
	}
	assert_int_equal(page_size_next(&size), 20);
	/* A larger limit is halved, but not below the granted one. */
	page_size_learn(&size, 20, 1, 1);
	assert_true(page_size_refused(&size, 80));
	assert_true(page_size_refused(&size, 40));
	assert_false(page_size_refused(&size, 20));
	assert_int_equal(page_size_next(&size), 20);
}

/* If the API grants less than before, the new limit is found after some errors. */
static void granted_no_longer(void **state)
{
	struct page_size size;
	int errors = 0;

	(void)state;
	page_size_init(&size, 100);
	page_size_granted(&size, 100);
	while (page_size_next(&size) > 30) {
		errors += !page_size_refused(&size, page_size_next(&size));
		/* A smaller page of another listing does not count. */
		page_size_granted(&size, 20);
	}
	assert_in_range(errors, 5, 20);
	assert_int_equal(page_size_next(&size), 25);
}

/* Pages of one job do not overlap, so each listing tries two jobs once. */
static void one_job_is_not_settled_for(void **state)
{
	struct page_size size;

	(void)state;
	page_size_init(&size, 2);
	assert_true(page_size_refused(&size, 2));
	page_size_granted(&size, 1);
	assert_int_equal(page_size_next(&size), 1);
	page_size_begin(&size);
	assert_int_equal(page_size_first(&size), 2);
	page_size_granted(&size, 2);
	page_size_begin(&size);
	assert_int_equal(page_size_next(&size), 2);
}

/*
 * SEMANTICS 6.1, 6.5: if a request is refused for another reason, the read fails, and the
 * next one uses the same limit.
 */
static void refused_for_another_reason(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query;
	struct reader *reader;

	query_init(&query);
	fixture_reset(fixture, FIXTURE_CONNECTIONS, 20);
	fixture_fill(fixture, 0, 100);
	reader = reader_open_all(fixture);
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_answer(fake_call(fixture->api, 0));
	for (int i = 0; i < 3; i++) {
		fixture->api->rules.refuses_above = 1;
		assert_int_equal(reader_finish(reader), -EIO);
		fixture->api->rules.refuses_above = 0;
		assert_int_equal(reader_read(reader), -EAGAIN);
		assert_int_equal(fake_call(fixture->api, 0)->limit, 20);
		fake_answer(fake_call(fixture->api, 0));
	}
	assert_int_equal(reader_finish(reader), 0);
	assert_as_account(reader, &query);
	reader_close(reader);
}

/* SEMANTICS 6.5: a limit is halved until it is granted, and the next listing uses it. */
static void refused_limit_is_remembered(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query;
	static const unsigned limits[] = {20, 10, 5};

	query_init(&query);
	fixture->api->rules.refuses_above = 6;
	fixture_fill(fixture, 0, 30);

	struct reader *reader = reader_open_all(fixture);

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(reader_read(reader), -EAGAIN);
		assert_int_equal(fixture->api->pending_len, 1);
		assert_int_equal(fake_call(fixture->api, 0)->limit, limits[i]);
		assert_int_equal(fake_call(fixture->api, 0)->offset, 0);
		fake_answer(fake_call(fixture->api, 0));
	}
	assert_int_equal(reader_finish(reader), 0);
	assert_as_account(reader, &query);
	reader_close(reader);

	fixture_forward(fixture, FIXTURE_TTL_MS);
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "done"), 0);
	reader = reader_open(fixture, LISTING_JOBS, &query);
	assert_int_equal(reader_read(reader), -EAGAIN);
	assert_int_equal(fake_call(fixture->api, 0)->limit, 5);
	reader_close(reader);
}

/* SEMANTICS 6.5: a refusal while several pages are in flight costs few requests. */
static void refused_while_reading_ahead(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query;
	struct reader *reader;

	query_init(&query);
	fixture_fill(fixture, 0, 600);
	reader = reader_open_all(fixture);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_answer(fake_call(fixture->api, 0));
	}
	assert_int_equal(reader_read(reader), -EAGAIN);
	assert_in_range(fixture->api->pending_len, 2, 8);
	assert_in_range(fake_call(fixture->api, 0)->limit, 101, 1000);
	fixture->api->rules.refuses_above = 100;

	unsigned lists = fixture->api->lists;

	assert_int_equal(reader_finish(reader), 0);
	assert_as_account(reader, &query);
	assert_in_range(fixture->api->lists - lists, 1, 40);
	reader_close(reader);
}

/*
 * SEMANTICS 6.5: if the API silently lowers the limit, the following pages are requested
 * at the offsets at which they then begin.
 */
static void lowered_limit_is_noticed(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query;
	struct reader *reader;

	query_init(&query);
	fixture->api->rules.gives_at_most = 7;
	fixture_fill(fixture, 0, 100);
	reader = reader_open_all(fixture);
	assert_int_equal(reader_finish(reader), 0);
	assert_as_account(reader, &query);
	/* Seventeen pages of seven jobs, and a few requests to find the limit. */
	assert_in_range(fixture->api->lists, 17, 17 + FIXTURE_CONNECTIONS + 2);
	reader_close(reader);
}

/* A last page is short, too, and does not show a limit. */
static void short_last_page_is_no_limit(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query;

	query_init(&query);
	fixture->api->rules.next_until_empty = true;
	for (unsigned jobs = 1; jobs < 30; jobs += 4) {
		struct reader *reader;

		fixture_fill(fixture, fixture->api->jobs_len, 4);
		reader = reader_open_all(fixture);
		assert_int_equal(reader_finish(reader), 0);
		reader_close(reader);
		sync_refresh(fixture->sync);
		fixture_forward(fixture, 1);
	}
	fixture_fill(fixture, fixture->api->jobs_len, 200);

	struct reader *reader = reader_open_all(fixture);

	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_answer(fake_call(fixture->api, 0));
	assert_int_equal(reader_read(reader), -EAGAIN);
	assert_in_range(fake_call(fixture->api, 0)->limit, 20, 1000);
	assert_int_equal(reader_finish(reader), 0);
	assert_as_account(reader, &query);
	reader_close(reader);
}

int main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_hold_a_mebibyte_or_half_a_second),
		cmocka_unit_test(slow_answers_do_not_shrink_pages),
		cmocka_unit_test(one_page_changes_little),
		cmocka_unit_test(fixed_is_fixed),
		cmocka_unit_test(limits_of_the_api),
		cmocka_unit_test(granted_before_stays_granted),
		cmocka_unit_test(granted_no_longer),
		cmocka_unit_test(one_job_is_not_settled_for),
		TEST(refused_for_another_reason),
		TEST(refused_limit_is_remembered),
		TEST(refused_while_reading_ahead),
		TEST(lowered_limit_is_noticed),
		TEST(short_last_page_is_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
