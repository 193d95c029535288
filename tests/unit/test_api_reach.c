/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "api_asks.h"

/* gladia/api.h: whether the API can be reached (SPEC 7.5). */

#define PAGE "{\"next\":null,\"items\":[{\"id\":\"a\",\"status\":\"queued\"}]}"

struct reach {
	int reached;
	int unreached;
};

static void on_reach(void *ctx, bool reached, const char *why)
{
	struct reach *reach = ctx;

	reach->reached += reached;
	reach->unreached += !reached;
	assert_int_equal(reached, why[0] == '\0');
}

/* SPEC 7.5: it is told of each attempt whether somebody was there. */
static void attempts_tell_who_can_be_reached(void **state)
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
		struct api_asks *asks = api_asks_new(cases[i].routes);
		struct reach reach = {0};

		api_watch(asks->api, on_reach, &reach);

		struct api_ask *ask = api_asks_list(asks);

		api_asks_until_requests(asks, 1);
		if (cases[i].unreached)
			api_asks_forward(asks, API_ASKS_TIMEOUT_MS);
		api_asks_settle(ask);
		assert_int_equal(reach.reached, cases[i].reached);
		assert_int_equal(reach.unreached, cases[i].unreached);
		api_asks_free(asks);
	}
}

/* SPEC 7.5: the first attempt tells, though more are made. */
static void no_connection_is_told_at_once(void **state)
{
	static const struct raw_route routes[] = {{.target = NULL}};
	struct api_asks *asks = api_asks_new_at(routes, "http://127.0.0.1:1");
	struct reach reach = {0};

	(void)state;
	api_watch(asks->api, on_reach, &reach);

	struct api_ask *ask = api_asks_list(asks);

	api_asks_until_idle(asks);
	assert_int_equal(reach.unreached, 1);
	assert_false(ask->done);
	api_watch(asks->api, NULL, NULL);
	api_asks_settle(ask);
	assert_int_equal(ask->error, -EHOSTUNREACH);
	assert_int_equal(reach.unreached, 1);
	api_asks_free(asks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attempts_tell_who_can_be_reached),
		cmocka_unit_test(no_connection_is_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
