/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "http/http_internal.h"
#include "http_fixture.h"

/* How much received data one turn of the loop processes (SEMANTICS 11.2). */

enum { LINE_LEN = 1024, LINES = 3 * 1024, BODY_LEN = LINES * LINE_LEN, ANSWERS = 3 };

/* The headers, which are sent once, and spaces, which are sent repeatedly. */
static char big[64 + LINE_LEN];
static struct raw_route routes[] = {
	{"/big", big, 0, .times = LINES, .after = RAW_CLOSE},
	{.target = NULL},
};

static int set_up(void **state)
{
	int head = sprintf(
		big, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY_LEN);

	memset(big + head, ' ', LINE_LEN);
	routes[0].len = (size_t)head + LINE_LEN;
	routes[0].again_from = (size_t)head;
	*state = fixture_new(routes, NULL);
	return 0;
}

static int tear_down(void **state)
{
	fixture_free(*state);
	return 0;
}

static size_t taken(const struct http_fixture *fixture)
{
	size_t sum = 0;

	for (int i = 0; i < fixture->len; i++)
		sum += fixture->requests[i].data.len;
	return sum;
}

static bool all_done(const struct http_fixture *fixture)
{
	for (int i = 0; i < fixture->len; i++)
		if (!fixture->requests[i].done)
			return false;
	return true;
}

/*
 * SEMANTICS 11.2: one turn of the loop processes a limited amount of data, and no data is
 * lost.
 */
static void a_turn_takes_a_mebibyte(void **state)
{
	struct http_fixture *fixture = *state;

	for (int i = 0; i < ANSWERS; i++)
		fixture_get(fixture, "/big");
	const struct patience patience = patience_begin();

	while (!all_done(fixture)) {
		size_t before = taken(fixture);

		patience_turn(&patience, fixture->loop);
		assert_true(taken(fixture) - before < HTTP_TURN_BYTES + 16 * 1024);
	}
	for (int i = 0; i < ANSWERS; i++) {
		assert_int_equal(fixture->requests[i].result.failure, HTTP_OK);
		assert_int_equal(fixture->requests[i].data.len, BODY_LEN);
	}
}

/* A response that is paused until the next turn can be cancelled. */
static void a_paused_answer_is_cancelled(void **state)
{
	struct http_fixture *fixture = *state;

	for (int i = 0; i < ANSWERS; i++)
		fixture_get(fixture, "/big");

	const struct patience patience = patience_begin();

	while (taken(fixture) < HTTP_TURN_BYTES) {
		assert_false(all_done(fixture));
		patience_turn(&patience, fixture->loop);
	}
	fixture_cancel(&fixture->requests[1]);
	fixture->requests[1].done = 1;
	while (!all_done(fixture))
		patience_turn(&patience, fixture->loop);
	assert_int_equal(fixture->requests[0].data.len, BODY_LEN);
	assert_int_equal(fixture->requests[2].data.len, BODY_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_turn_takes_a_mebibyte, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_paused_answer_is_cancelled, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
