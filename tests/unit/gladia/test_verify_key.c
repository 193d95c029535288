/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "cmocka.h"

#include "api_fixture.h"
#include "gladia/verify_key.h"
#include "support/patience.h"

/*
 * gladia/verify_key.h, against a raw server. The clock moves by STEP_MS in each turn of
 * the loop, but not before the server has sent its response to the first request of a
 * call, or has been freed. The loop is stopped if it waits for the request in vain, for
 * want of memory (tests/memory).
 */
enum { STEP_MS = 10, LONG_MS = 60 * 1000, SHORT_MS = 3 * 1000 };

#define FIRST_JOB "/v2/pre-recorded?offset=0&limit=1"
#define EMPTY     "{\"next\":null,\"items\":[]}"

struct verify {
	struct clock clock;
	int64_t now_ms;
	struct log log;
	struct loop *loop;
	struct loop_timer next_turn;
	struct raw_server *server;
	struct patience patience;
	struct api_config config;
	int before; /* requests before this call */
	bool stops; /* loop_stop() is called instead of moving the clock */
	struct buf errmsg;
};

static int64_t verify_clock_ms(void *ctx)
{
	return ((struct verify *)ctx)->now_ms;
}

static void verify_on_turn(void *ctx)
{
	struct verify *verify = ctx;

	loop_timer_set(verify->loop, &verify->next_turn, verify->now_ms);
	if (verify->server && raw_server_requests(verify->server) == verify->before) {
		if (patience_is_over(&verify->patience))
			loop_stop(verify->loop);
		return;
	}
	if (verify->server)
		raw_server_await_answers(verify->server, verify->before + 1);
	if (verify->stops)
		loop_stop(verify->loop);
	else
		verify->now_ms += STEP_MS;
}

static int verify_set_up(void **state)
{
	struct verify *verify = test_calloc(1, sizeof(*verify));

	verify->clock = (struct clock){
		.mono_ms = verify_clock_ms, .wall_ms = verify_clock_ms, .ctx = verify};
	log_init(&verify->log, "test", false, false);
	assert_int_equal(loop_new(&verify->clock, &verify->loop), 0);
	loop_timer_init(&verify->next_turn, verify_on_turn, verify);
	loop_timer_set(verify->loop, &verify->next_turn, 0);
	buf_init(&verify->errmsg, API_ERRMSG_MAX);
	verify->config = (struct api_config){
		.key = FIXTURE_KEY, .connections = 1, .timeout_ms = LONG_MS};
	*state = verify;
	return 0;
}

static int verify_tear_down(void **state)
{
	struct verify *verify = *state;

	loop_timer_cancel(&verify->next_turn);
	if (verify->server)
		raw_server_free(verify->server);
	buf_done(&verify->errmsg);
	loop_free(verify->loop);
	test_free(verify);
	return 0;
}

static void verify_serve(struct verify *verify, const struct raw_route *routes)
{
	verify->server = raw_server_new(routes);
	verify->config.origin = raw_server_origin(verify->server);
}

static int verify_now(struct verify *verify, bool once)
{
	verify->patience = patience_begin();
	verify->before = verify->server ? raw_server_requests(verify->server) : 0;
	return verify_key(
		verify->loop, &verify->log, &verify->config, once, NULL, &verify->errmsg);
}

/* SEMANTICS 1.3: one request for one job, with the key. */
static void a_key_that_is_accepted(void **state)
{
	static const struct raw_route routes[] = {
		{FIRST_JOB, BODY(EMPTY)}, {.target = NULL}};
	struct verify *verify = *state;

	verify_serve(verify, routes);
	assert_int_equal(verify_now(verify, false), 0);
	assert_int_equal(verify->errmsg.len, 0);
	assert_int_equal(raw_server_requests(verify->server), 1);
	assert_non_null(strstr(raw_server_head(verify->server, 0),
		"\r\nx-gladia-key: " FIXTURE_KEY "\r\n"));
}

/* An answer is not an attempt that does not reach the server, which would end `once`. */
static void a_key_that_is_refused(void **state)
{
	static const struct raw_route routes[] = {
		{FIRST_JOB, BYTES("HTTP/1.1 401 No\r\n\r\n"), .after = RAW_CLOSE},
		{.target = NULL}};
	struct verify *verify = *state;

	verify_serve(verify, routes);
	verify->config.key_place = "from /x/.gladia";
	for (int once = 0; once <= 1; once++) {
		buf_reset(&verify->errmsg);
		assert_int_equal(verify_now(verify, once), -EACCES);
		assert_holds(verify->errmsg.data,
			"401 Unauthorized; check the API key: it is ");
		assert_holds(verify->errmsg.data, "from /x/.gladia");
		assert_int_equal(raw_server_requests(verify->server), 1 + once);
	}
}

/* The message of the server is printed as it is, not used as a format of printf(3). */
static void a_message_with_percent_signs(void **state)
{
	static const struct raw_route routes[] = {
		{FIRST_JOB, BYTES("HTTP/1.1 403 No\r\n\r\n{\"message\":\"100%d %s %n\"}"),
			.after = RAW_CLOSE},
		{.target = NULL}};
	struct verify *verify = *state;

	verify_serve(verify, routes);
	assert_int_equal(verify_now(verify, false), -EACCES);
	assert_holds(verify->errmsg.data, "\"100%d %s %n\"");
}

/* Nor is an answer after which the call is tried again. */
static void a_server_that_is_overloaded(void **state)
{
	static const struct raw_route routes[] = {
		{FIRST_JOB, BYTES("HTTP/1.1 503 x\r\n\r\n"), .after = RAW_CLOSE},
		{.target = NULL}};
	struct verify *verify = *state;

	verify_serve(verify, routes);
	/* The last attempt may have no time for its answer. */
	assert_int_not_equal(verify_now(verify, true), -EHOSTUNREACH);
	assert_holds(verify->errmsg.data, " attempts in ");
}

/* Without an answer it takes the timeout, but at most VERIFY_KEY_MAX_MS. */
static void a_server_that_is_silent(void **state)
{
	static const struct raw_route routes[] = {
		{FIRST_JOB, BYTES(""), .after = RAW_HOLD}, {.target = NULL}};
	static const int64_t timeouts_ms[] = {SHORT_MS, VERIFY_KEY_MAX_MS, LONG_MS};
	struct verify *verify = *state;

	verify_serve(verify, routes);
	for (size_t i = 0; i < COUNT(timeouts_ms); i++) {
		const int64_t most_ms = timeouts_ms[i] < VERIFY_KEY_MAX_MS
						? timeouts_ms[i]
						: VERIFY_KEY_MAX_MS;
		const int64_t start_ms = verify->now_ms;

		verify->config.timeout_ms = timeouts_ms[i];
		buf_reset(&verify->errmsg);
		assert_int_equal(verify_now(verify, false), -ETIMEDOUT);
		assert_holds(verify->errmsg.data, "did not answer");
		assert_in_range(verify->now_ms - start_ms, most_ms - STEP_MS,
			most_ms + 2 * STEP_MS);
	}
}

/* SEMANTICS 7.5: with `once`, the first attempt that does not reach the server is all. */
static void a_server_that_is_not_there(void **state)
{
	static const struct raw_route routes[] = {{.target = NULL}};
	struct verify *verify = *state;
	char origin[64];

	verify_serve(verify, routes);
	strcpy(origin, verify->config.origin);
	raw_server_free(verify->server);
	verify->server = NULL;
	verify->config.origin = origin;
	verify->config.timeout_ms = SHORT_MS;
	assert_int_equal(verify_now(verify, true), -EHOSTUNREACH);
	assert_holds(verify->errmsg.data, "no connection: ");
	assert_null(strstr(verify->errmsg.data, " attempts in "));
	buf_reset(&verify->errmsg);
	assert_int_equal(verify_now(verify, false), -EHOSTUNREACH);
	assert_holds(verify->errmsg.data, " attempts in ");
}

/* A signal that ends the program stops the loop. */
static void it_can_be_interrupted(void **state)
{
	static const struct raw_route routes[] = {
		{FIRST_JOB, BYTES(""), .after = RAW_HOLD}, {.target = NULL}};
	struct verify *verify = *state;

	verify_serve(verify, routes);
	verify->stops = true;
	assert_int_equal(verify_now(verify, false), -ECANCELED);
	assert_int_equal(verify->errmsg.len, 0);
}

static void a_ca_file_without_certificates(void **state)
{
	struct verify *verify = *state;

	verify->config.origin = "https://api.test";
	verify->config.ca_file = "/dev/null";
	assert_int_equal(verify_now(verify, false), -EINVAL);
	assert_holds(verify->errmsg.data, "ca_file=/dev/null cannot be used");
	/* Any other invalid configuration is not blamed on ca_file=. */
	verify->config.ca_file = NULL;
	verify->config.key = "a\nb: c";
	buf_reset(&verify->errmsg);
	assert_int_equal(verify_now(verify, false), -EINVAL);
	assert_holds(verify->errmsg.data, "cannot initialise the API client: ");
}

#define VERIFY_TEST(name) \
	cmocka_unit_test_setup_teardown(name, verify_set_up, verify_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VERIFY_TEST(a_key_that_is_accepted),
		VERIFY_TEST(a_key_that_is_refused),
		VERIFY_TEST(a_message_with_percent_signs),
		VERIFY_TEST(a_server_that_is_overloaded),
		VERIFY_TEST(a_server_that_is_silent),
		VERIFY_TEST(a_server_that_is_not_there),
		VERIFY_TEST(it_can_be_interrupted),
		VERIFY_TEST(a_ca_file_without_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
