/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "http/http_fixture.h"
#include "http/http_internal.h"

/*
 * If memory runs out while a response is received, the request fails or its data is
 * complete (SEMANTICS 11.2).
 */

enum { PIECE_LEN = 256 * 1024, PIECES = 6, BODY_LEN = PIECES * PIECE_LEN };

static char big[64 + PIECE_LEN];
static struct raw_route routes[] = {
	{"/big", big, 0, .times = PIECES, .after = RAW_KEEP},
	{.target = NULL},
};

/*
 * Makes one allocation fail. All allocations of libcurl use malloc() in
 * loop/curl_memory.c, which the linker's --wrap redirects here. The server's threads are
 * not affected.
 */
static struct {
	bool counts;
	int asked;
	int refused;
} memory;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
	if (memory.counts && ++memory.asked == memory.refused)
		return NULL;
	return __real_malloc(size);
}

static int set_up(void **state)
{
	int head = sprintf(
		big, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY_LEN);

	(void)state;
	memset(big + head, ' ', PIECE_LEN);
	routes[0].len = (size_t)head + PIECE_LEN;
	routes[0].again_from = (size_t)head;
	return 0;
}

/*
 * Fetches two responses that are longer than a turn, while allocation number `refused`
 * fails.
 */
static void answers_with(int refused)
{
	struct http_fixture *fixture = fixture_new(routes, NULL);

	fixture_get(fixture, "/big");
	fixture_get(fixture, "/big");
	memory.asked = 0;
	memory.refused = refused;
	memory.counts = true;
	for (int i = 0; i < fixture->len; i++)
		fixture_until_done(&fixture->requests[i]);
	memory.counts = false;
	for (int i = 0; i < fixture->len; i++) {
		if (fixture->requests[i].result.failure == HTTP_OK)
			assert_int_equal(fixture->requests[i].data.len, BODY_LEN);
		else
			assert_true(memory.asked >= refused);
	}
	fixture_get(fixture, "/big");
	fixture_until_done(&fixture->requests[2]);
	assert_int_equal(fixture->requests[2].result.failure, HTTP_OK);
	assert_int_equal(fixture->requests[2].data.len, BODY_LEN);
	fixture_free(fixture);
}

/* SEMANTICS 11.2: a request that succeeds has all its data, and nothing crashes. */
static void an_answer_fails_or_is_whole(void **state)
{
	int refused = 0;

	(void)state;
	do {
		answers_with(++refused);
	} while (memory.asked >= refused);
	assert_true(refused > 10);
}

static void on_done(void *ctx, const struct http_result *result)
{
	(void)ctx, (void)result;
}

/* Out of memory is not reported as an invalid URL. */
static void a_start_has_no_memory(void **state)
{
	static const struct http_handlers handlers = {.on_done = on_done};
	struct http_fixture *fixture = fixture_new(routes, NULL);

	(void)state;
	memory.refused = 0;
	do {
		struct http_request *request = NULL;

		memory.refused++;
		memory.asked = 0;
		memory.counts = true;

		int err = http_start(fixture->http, "GET",
			raw_server_origin(fixture->server), &handlers, NULL, &request);

		memory.counts = false;
		assert_int_equal(err, memory.asked < memory.refused ? 0 : -ENOMEM);
		if (!err)
			http_cancel(request);
	} while (memory.asked >= memory.refused);
	assert_true(memory.refused > 10);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_answer_fails_or_is_whole, set_up),
		cmocka_unit_test_setup(a_start_has_no_memory, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
