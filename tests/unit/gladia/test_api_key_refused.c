/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "api_fixture.h"

/* gladia/api.h: a key that the API refuses is read again (SEMANTICS 2.1). */

#define PAGE    "{\"next\":null,\"items\":[{\"id\":\"a\",\"status\":\"queued\"}]}"
#define REFUSED BYTES("HTTP/1.1 401 x\r\n\r\n"), .after = RAW_CLOSE

struct reading {
	struct api *api;
	const char *key; /* the key in the file; NULL: the reading does not end */
	int count;
};

static void on_refused(void *ctx)
{
	struct reading *reading = ctx;

	reading->count++;
	if (!reading->key)
		return;
	assert_int_equal(api_set_key(reading->api, reading->key), 0);
	api_key_settled(reading->api);
}

static struct api_fixture *refusing_fixture(
	const struct raw_route *routes, struct reading *reading)
{
	struct api_fixture *fixture = fixture_new(routes);

	reading->api = fixture->api;
	api_on_key_refused(fixture->api, on_refused, reading);
	return fixture;
}

/* SEMANTICS 2.1.7: a call that was refused is repeated with the new key. */
static void a_new_key_is_used_at_once(void **state)
{
	const struct raw_route routes[] = {{LIST_TARGET, REFUSED, .only = 1},
		{LIST_TARGET, BODY(PAGE)}, {.target = NULL}};
	struct reading reading = {.key = "another-5ecret"};
	struct api_fixture *fixture = refusing_fixture(routes, &reading);
	struct test_call *call = fixture_list(fixture);

	(void)state;
	fixture_settle(call);
	assert_int_equal(call->error, 0);
	assert_string_equal(call->ids.data, "a ");
	assert_int_equal(reading.count, 1);
	fixture_free(fixture);
}

/* SEMANTICS 2.1.7: with the same key, or a new one that is refused, too, it fails. */
static void it_is_repeated_only_once(void **state)
{
	static const char *const keys[] = {FIXTURE_KEY, "another-5ecret"};
	const struct raw_route routes[] = {{LIST_TARGET, REFUSED}, {.target = NULL}};

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct reading reading = {.key = keys[i]};
		struct api_fixture *fixture = refusing_fixture(routes, &reading);
		struct test_call *call = fixture_list(fixture);
		struct api_stats stats;

		fixture_settle(call);
		assert_int_equal(call->error, -EACCES);
		assert_int_equal(reading.count, 1);
		api_stats(fixture->api, &stats);
		assert_int_equal(stats.requests, i + 1);
		fixture_free(fixture);
	}
}

/* The callback is called once for several calls, which then all go on. */
static void one_reading_for_all_calls(void **state)
{
	const struct raw_route routes[] = {{LIST_TARGET, REFUSED}, {.target = NULL}};
	struct reading reading = {0};
	struct api_fixture *fixture = refusing_fixture(routes, &reading);
	struct test_call *calls[] = {
		fixture_list(fixture), fixture_list(fixture), fixture_list(fixture)};

	(void)state;
	fixture_until_idle(fixture);
	assert_int_equal(reading.count, 1);
	/* One is cancelled while it waits. */
	assert_int_equal(calls[1]->done, 0);
	api_cancel(calls[1]->api_call);
	calls[1]->api_call = NULL;
	api_key_settled(fixture->api);
	assert_int_equal(calls[0]->error, -EACCES);
	assert_int_equal(calls[2]->error, -EACCES);
	fixture_free(fixture);
}

/* If the key file does not answer, the call ends by its timeout. */
static void a_reading_that_does_not_end(void **state)
{
	const struct raw_route routes[] = {{LIST_TARGET, REFUSED}, {.target = NULL}};
	struct reading reading = {0};
	struct api_fixture *fixture = refusing_fixture(routes, &reading);
	struct test_call *call = fixture_list(fixture);

	(void)state;
	fixture_until_idle(fixture);
	assert_int_equal(call->done, 0);
	fixture_forward(fixture, FIXTURE_TIMEOUT_MS);
	assert_int_equal(call->done, 1);
	assert_int_equal(call->error, -EACCES);
	api_key_settled(fixture->api);
	fixture_free(fixture);
}

/* A deletion that is refused with 403 means an unfinished job, not the key. */
static void not_for_unfinished_jobs(void **state)
{
	const struct raw_route routes[] = {
		{"/v2/pre-recorded/a", BYTES("HTTP/1.1 403 x\r\n\r\n"),
			.after = RAW_CLOSE},
		{.target = NULL}};
	struct reading reading = {.key = "another-5ecret"};
	struct api_fixture *fixture = refusing_fixture(routes, &reading);
	struct test_call *call = fixture_delete(fixture, "a");

	(void)state;
	fixture_settle(call);
	assert_int_equal(call->error, -EBUSY);
	assert_int_equal(reading.count, 0);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_key_is_used_at_once),
		cmocka_unit_test(it_is_repeated_only_once),
		cmocka_unit_test(one_reading_for_all_calls),
		cmocka_unit_test(a_reading_that_does_not_end),
		cmocka_unit_test(not_for_unfinished_jobs),
	};

	return cmocka_run_group_tests_name("api_key_refused", tests, NULL, NULL);
}
