/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "base/recent_log.h"
#include "sync_fixture.h"

/*
 * SEMANTICS 11.1: if a call of the API fails, whatever listing it was for, the reader
 * gets its errno, and its error message is logged once, as the API client worded it.
 */
static const char message[] = "listing jobs: the server answered 418";

struct logged {
	unsigned lines;
	char last[RECENT_LOG_TEXT_MAX];
};

static void count_line(void *ctx, int64_t wall_ms, const char *text)
{
	struct logged *logged = ctx;

	(void)wall_ms;
	logged->lines++;
	strcpy(logged->last, text);
}

/* Wants the rest of the listing, and fails the call that this starts. */
static void fail_next_call(struct sync_fixture *fixture, struct reader *reader, int error)
{
	struct logged logged = {0};

	assert_int_equal(recent_log_new(&fixture->clock, &fixture->log.recent), 0);
	assert_int_equal(reader_read(reader), -EAGAIN);
	assert_int_equal(fixture->api->pending_len, 1);
	fake_fail(fake_call(fixture->api, 0), error, message);
	fixture_settle(fixture);
	/* A listing that reads from another one fails one turn after it. */
	fixture_turn(fixture);
	assert_int_equal(reader->wakeups, 1);
	assert_int_equal(reader->error, error);
	recent_log_each(fixture->log.recent, count_line, &logged);
	assert_int_equal(logged.lines, 1);
	assert_string_equal(logged.last, message);
	recent_log_free(fixture->log.recent);
	fixture->log.recent = NULL;
}

static const int errors[] = {-EACCES, -EBUSY, -ENOMEM};

static void the_first_request_of_a_listing(void **state)
{
	static const enum listing_kind kinds[] = {
		LISTING_JOBS, LISTING_DAYS, LISTING_KEYS};
	struct sync_fixture *fixture = *state;
	struct query all;

	query_init(&all);
	fixture_fill(fixture, 0, 5);
	for (size_t i = 0; i < ARRAY_SIZE(kinds) * ARRAY_SIZE(errors); i++) {
		enum listing_kind kind = kinds[i / ARRAY_SIZE(errors)];

		fixture_reset(fixture, FIXTURE_CONNECTIONS, 0);

		struct reader *reader = reader_open(fixture, kind, &all);

		fail_next_call(fixture, reader, errors[i % ARRAY_SIZE(errors)]);
		reader_close(reader);
	}
}

static void a_later_page(void **state)
{
	struct sync_fixture *fixture = *state;

	fixture_fill(fixture, 0, 50);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		fixture_reset(fixture, 1, 10);

		struct reader *reader = reader_open_all(fixture);

		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_answer(fake_call(fixture->api, 0));
		fixture_turn(fixture);
		reader->wakeups = 0;
		fail_next_call(fixture, reader, errors[i]);
		reader_close(reader);
	}
}

static void a_revalidation(void **state)
{
	struct sync_fixture *fixture = *state;

	fixture_fill(fixture, 0, 50);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct query all;

		query_init(&all);
		fixture_reset(fixture, 1, 10);
		assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
		fixture_forward(fixture, FIXTURE_TTL_MS + 1);

		struct reader *reader = reader_open_all(fixture);

		fail_next_call(fixture, reader, errors[i]);
		/* Nothing has changed: a few requests find that, so it was a
		 * revalidation. */
		fixture->api->lists = 0;
		assert_int_equal(reader_finish(reader), 0);
		assert_in_range(fixture->api->lists, 1, 4);
		reader_close(reader);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_request_of_a_listing,
			fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(
			a_later_page, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(
			a_revalidation, fixture_set_up, fixture_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
