/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "api_fixture.h"
#include "base/array.h"

/* gladia/api.h: whether the API can be reached (SEMANTICS 7.5). */

#define PAGE "{\"next\":null,\"items\":[{\"id\":\"a\",\"status\":\"queued\"}]}"

struct reach {
	int reached;
	int unreached;
};

static void on_reach(void *ctx, bool reached, const char *errmsg)
{
	struct reach *reach = ctx;

	reach->reached += reached;
	reach->unreached += !reached;
	assert_int_equal(reached, errmsg[0] == '\0');
}

/* SEMANTICS 7.5: each attempt reports if a server answered. */
static void attempts_report_reachability(void **state)
{
	static const struct {
		struct raw_route routes[2];
		int reached;
		int unreached;
	} cases[] = {
		{{{LIST_TARGET, BODY(PAGE)}, {.target = NULL}}, 1, 0},
		{{{LIST_TARGET, BYTES("HTTP/1.1 401 x\r\n\r\n"), .after = RAW_CLOSE},
			 {.target = NULL}},
			1, 0},
		{{{LIST_TARGET, BYTES(""), .after = RAW_HOLD}, {.target = NULL}}, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct api_fixture *fixture = fixture_new(cases[i].routes);
		struct reach reach = {0};

		api_on_reachability(fixture->api, on_reach, &reach);

		struct test_call *call = fixture_list(fixture);

		fixture_until_requests(fixture, 1);
		if (cases[i].unreached)
			fixture_forward(fixture, FIXTURE_TIMEOUT_MS);
		fixture_settle(call);
		assert_int_equal(reach.reached, cases[i].reached);
		assert_int_equal(reach.unreached, cases[i].unreached);
		fixture_free(fixture);
	}
}

/* SEMANTICS 7.5: the first attempt already reports it, even if more follow. */
static void no_connection_is_reported_at_once(void **state)
{
	static const struct raw_route routes[] = {{.target = NULL}};
	struct api_fixture *fixture = fixture_new_at(routes, "http://127.0.0.1:1");
	struct reach reach = {0};

	(void)state;
	api_on_reachability(fixture->api, on_reach, &reach);

	struct test_call *call = fixture_list(fixture);

	fixture_until_idle(fixture);
	assert_int_equal(reach.unreached, 1);
	assert_false(call->done);
	api_on_reachability(fixture->api, NULL, NULL);
	fixture_settle(call);
	assert_int_equal(call->error, -EHOSTUNREACH);
	assert_int_equal(reach.unreached, 1);
	fixture_free(fixture);
}

/* SEMANTICS 11.1.10: after a call had no connection, others fail at once for a while. */
static void others_fail_at_once(void **state)
{
	enum { OUTAGE_MS = 10 * 1000 };
	struct api_fixture *fixture = fixture_new_failing_fast("http://127.0.0.1:1");
	struct test_call *call = fixture_list(fixture);
	struct api_stats before, after;

	(void)state;
	fixture_settle(call);
	assert_int_equal(call->error, -EHOSTUNREACH);
	assert_holds(call->why, "no connection: ");
	for (int i = 0; i < 3; i++) {
		call = i ? fixture_get(fixture, "a") : fixture_list(fixture);
		assert_int_equal(call->done, 0);
		fixture_forward(fixture, 0);
		assert_int_equal(call->done, 1);
		assert_int_equal(call->error, -EHOSTUNREACH);
		assert_holds(call->why, "not tried, because the API could not be reached "
					"0 s ago: no connection: ");
	}
	/* The probe has failed by then: the next call tries again. */
	for (int i = 0; i < OUTAGE_MS / 100; i++)
		fixture_forward(fixture, 100);
	fixture_until_idle(fixture);
	api_stats(fixture->api, &before);
	assert_int_equal(before.calls, 0);
	call = fixture_list(fixture);
	api_stats(fixture->api, &after);
	assert_int_equal(after.requests, before.requests + 1);
	fixture_settle(call);
	assert_holds(call->why, "no connection: ");
	fixture_free(fixture);
}

/*
 * SEMANTICS 11.1: the error names a proxy that refuses to connect; only a busy one is
 * tried again.
 */
static void proxies_that_refuse(void **state)
{
	static const struct {
		const char *answer;
		int attempts;
		const char *reason;
		const char *advice;
	} cases[] = {
		{"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n"
		 "Content-Length: 0\r\n\r\n",
			1, "the proxy answered 407 Proxy Authentication Required; ",
			"the proxy's user name and password in https_proxy"},
		{"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", 1,
			"the proxy answered 403 Forbidden; ", "check the proxy"},
		{"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 2,
			"the proxy answered 503 Service Unavailable (",
			"check the proxy"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct raw_route routes[] = {
			{"api.test:443", cases[i].answer, strlen(cases[i].answer),
				.after = RAW_CLOSE},
			{.target = NULL}};
		struct api_fixture *fixture = fixture_new_at(routes, "https://api.test");

		setenv("https_proxy", raw_server_origin(fixture->server), 1);

		struct test_call *call = fixture_list(fixture);

		fixture_settle(call);
		unsetenv("https_proxy");
		assert_int_equal(call->error, -EHOSTUNREACH);
		assert_holds(call->why, cases[i].reason);
		assert_holds(call->why, cases[i].advice);
		if (cases[i].attempts == 1)
			assert_int_equal(raw_server_requests(fixture->server), 1);
		else
			assert_true(raw_server_requests(fixture->server) > 1);
		fixture_free(fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attempts_report_reachability),
		cmocka_unit_test(no_connection_is_reported_at_once),
		cmocka_unit_test(others_fail_at_once),
		cmocka_unit_test(proxies_that_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
