/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmocka.h"

#include "api_fixture.h"

/* gladia/api.h: attempts, waits, and that every call ends in time (SEMANTICS 11.1). */

#define ITEM(id)    "{\"id\":\"" id "\",\"status\":\"queued\"}"
#define PAGE        "{\"next\":null,\"items\":[" ITEM("a") "," ITEM("b") "]}"
#define JOB(id)     "/v2/pre-recorded/" id
#define SLOW(wait)  "HTTP/1.1 429 x\r\nRetry-After: " wait "\r\n\r\n"
#define ONCE(text)  BYTES(text), .after = RAW_CLOSE, .only = 1
#define HALF_A_PAGE OK "Content-Length: 99\r\n\r\n{\"items\":[" ITEM("a") ",{"

/* SEMANTICS 11.1.3: temporary failures are retried. */
static void temporary_failures_are_retried(void **state)
{
	static const struct raw_route routes[] = {
		{LIST_TARGET, ONCE("HTTP/1.1 503 x\r\n\r\n")},
		{LIST_TARGET, ONCE("HTTP/1.1 408 x\r\n\r\n")},
		{LIST_TARGET, ONCE("HTTP/1.1 502 x\r\nContent-Length: 9\r\n\r\ncut")},
		{LIST_TARGET, ONCE("")}, {LIST_TARGET, ONCE("SSH-2.0-OpenSSH_9.2\r\n")},
		{LIST_TARGET, BYTES(""), .after = RAW_RESET, .only = 1},
		{LIST_TARGET, BODY(PAGE)}, {.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *call = fixture_list(fixture);

	(void)state;
	fixture_settle(call);
	assert_string_equal(call->why, "");
	assert_int_equal(call->error, 0);
	assert_string_equal(call->ids.data, "a b ");
	assert_int_equal(raw_server_requests(fixture->server), 7);
	/* No item had arrived, so no restart was reported. */
	assert_int_equal(call->restarts, 0);
	fixture_free(fixture);
}

/* SEMANTICS 6.3, 11.1: the items of a failed attempt are not passed on twice. */
static void a_page_cut_short_is_restarted(void **state)
{
	static const struct raw_route routes[] = {{LIST_TARGET, ONCE(HALF_A_PAGE)},
		{LIST_TARGET, ONCE(OK "\r\n{\"items\":[" ITEM("a") ",{\"id\":x}]}")},
		{LIST_TARGET, ONCE("HTTP/1.1 503 x\r\n\r\n")}, {LIST_TARGET, BODY(PAGE)},
		{.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *call = fixture_list(fixture);

	(void)state;
	fixture_settle(call);
	assert_int_equal(call->error, 0);
	assert_string_equal(call->ids.data, "a b ");
	assert_int_equal(call->restarts, 2);
	assert_int_equal(call->page.items, 2);
	fixture_free(fixture);
}

/* SEMANTICS 11.1.8: back-off with full jitter, the waits below 0.6, 1.2, 2.4 ... 10 s. */
static void waits_grow_and_have_a_maximum(void **state)
{
	static const int64_t most[] = {600, 1200, 2400, 4800, 9600};
	static const struct raw_route routes[] = {
		{LIST_TARGET, BYTES("HTTP/1.1 500 x\r\n\r\n"), .after = RAW_CLOSE},
		{.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *call = fixture_list(fixture);
	int64_t began_ms = fixture->now_ms;

	(void)state;
	for (size_t i = 0; i < COUNT(most) && !call->done; i++) {
		fixture_until_requests(fixture, (int)i + 1);
		fixture_until_idle(fixture);
		fixture_forward(fixture, most[i]);
	}
	fixture_settle(call);
	assert_int_equal(call->error, -EIO);
	assert_true(raw_server_requests(fixture->server) > (int)COUNT(most));
	/* The call ends instead of starting a wait beyond its deadline. */
	assert_true(fixture->now_ms - began_ms <= FIXTURE_TIMEOUT_MS);
	assert_holds(call->why, "500 Internal Server Error (");
	assert_holds(call->why, " attempts in ");
	fixture_free(fixture);
}

/* SEMANTICS 11.1.4: Retry-After delays all requests of the account. */
static void all_calls_wait_after_a_retry_after(void **state)
{
	static const struct raw_route routes[] = {{JOB("a"), ONCE(SLOW("5"))},
		{JOB("a"), BODY(ITEM("a"))}, {JOB("b"), BODY(ITEM("b"))},
		{.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *one = fixture_get(fixture, "a");

	(void)state;
	fixture_until_idle(fixture);

	struct test_call *other = fixture_get(fixture, "b");

	for (int ms = 0; ms < 4900; ms += 100)
		fixture_forward(fixture, 100);
	assert_int_equal(raw_server_requests(fixture->server), 1);
	assert_false(fixture_under_way(fixture));
	fixture_forward(fixture, 100);
	assert_int_equal(fixture_under_way(fixture), 2);
	fixture_settle(one);
	fixture_settle(other);
	assert_int_equal(one->error, 0);
	assert_int_equal(other->error, 0);
	fixture_free(fixture);
}

/* SEMANTICS 11.1: a failure of one request does not delay others. */
static void a_failure_of_its_own_slows_no_other(void **state)
{
	static const struct raw_route routes[] = {
		{JOB("a"), BYTES("HTTP/1.1 500 x\r\nRetry-After: 20\r\n\r\n"),
			.after = RAW_CLOSE},
		{JOB("b"), BODY(ITEM("b"))}, {.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);

	(void)state;
	fixture_get(fixture, "a");
	fixture_until_idle(fixture);

	struct test_call *other = fixture_get(fixture, "b");

	assert_int_equal(fixture_under_way(fixture), 1);
	fixture_settle(other);
	assert_int_equal(other->error, 0);
	fixture_forward(fixture, 19900);
	assert_false(fixture_under_way(fixture));
	fixture_forward(fixture, 100);
	assert_true(fixture_under_way(fixture));
	fixture_free(fixture);
}

/*
 * SEMANTICS 11.1: a wait beyond the deadline is not started, whichever request received
 * the Retry-After.
 */
static void a_wait_beyond_the_end_fails_at_once(void **state)
{
	static const struct raw_route routes[] = {{JOB("a"), ONCE(SLOW("3600"))},
		{JOB("b"), ONCE("HTTP/1.1 503 x\r\nRetry-After: 31\r\n\r\n")},
		{JOB("b"), BODY(ITEM("b"))}, {.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *call = fixture_get(fixture, "a");
	int64_t began_ms = fixture->now_ms;

	(void)state;
	fixture_settle(call);
	assert_int_equal(call->error, -EBUSY);
	assert_holds(call->why, "429 Too Many Requests, and asks to wait 3600 s; ");

	call = fixture_get(fixture, "b");
	fixture_settle(call);
	assert_int_equal(call->error, -EBUSY);
	assert_holds(call->why,
		"getting job b: the server answered 429 Too Many Requests "
		"to other requests, and all requests have to wait 3600 s more; ");
	assert_int_equal(fixture->now_ms - began_ms, 50);
	assert_int_equal(raw_server_requests(fixture->server), 1);

	fixture_forward(fixture, 3600 * 1000);
	call = fixture_get(fixture, "b");
	fixture_settle(call);
	assert_int_equal(call->error, -EIO);
	assert_holds(call->why, "503 Service Unavailable, and asks to wait 31 s; ");
	call = fixture_get(fixture, "b");
	fixture_settle(call);
	assert_int_equal(call->error, -EIO);
	assert_holds(call->why, "503 Service Unavailable to other requests");

	/* A new key may belong to another account, so it does not wait. */
	assert_int_equal(api_set_key(fixture->api, "0ther"), 0);
	call = fixture_get(fixture, "b");
	fixture_settle(call);
	assert_int_equal(call->error, 0);
	fixture_free(fixture);
}

/* SEMANTICS 11.1: "Retry-After: 0" does not cause immediate retries. */
static void retry_after_nothing_is_no_storm(void **state)
{
	static const struct raw_route routes[] = {
		{JOB("a"), BYTES(SLOW("0")), .after = RAW_CLOSE}, {.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *call = fixture_get(fixture, "a");

	(void)state;
	fixture_settle(call);
	assert_int_equal(call->error, -EBUSY);
	assert_in_range(raw_server_requests(fixture->server), 4, 60);
	fixture_free(fixture);
}

/* Waits until `answers` answers have arrived, then runs the loop to read them. */
static void until_all_is_read(struct api_fixture *fixture, int answers)
{
	raw_server_await_answers(fixture->server, answers);
	for (int turns = 0; turns < 5; turns++)
		assert_int_equal(loop_turn(fixture->loop, 2), 0);
}

/*
 * SEMANTICS 11.1: a silent attempt ends after the stall timeout, and the call at its
 * deadline.
 */
static void silence_ends_in_time(void **state)
{
	static const struct raw_route routes[] = {
		{LIST_TARGET, BYTES(""), .after = RAW_HOLD},
		{JOB("a"), BYTES(OK "Content-Length: 9\r\n\r\n{"), .after = RAW_HOLD},
		{.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *page = fixture_list(fixture);
	struct test_call *job = fixture_get(fixture, "a");
	int64_t began_ms = fixture->now_ms;

	(void)state;
	fixture_until_requests(fixture, 2);
	until_all_is_read(fixture, 2);
	fixture_forward(fixture, FIXTURE_STALL_MS);
	/* Enough time for the next attempt. */
	fixture_forward(fixture, 600);
	fixture_until_requests(fixture, 4);
	until_all_is_read(fixture, 4);
	assert_int_equal(page->done + job->done, 0);
	fixture_forward(fixture, began_ms + FIXTURE_TIMEOUT_MS - 1 - fixture->now_ms);
	fixture_forward(fixture, 1);
	assert_int_equal(page->done, 1);
	assert_int_equal(job->done, 1);
	assert_int_equal(page->error, -ETIMEDOUT);
	assert_int_equal(job->error, -ETIMEDOUT);
	assert_holds(page->why,
		"no data from the server: no data was received for too long (");
	assert_holds(page->why, " attempts in 30 s); check the network");
	fixture_free(fixture);
}

/* A page that never ends: each step of the server sends another job. */
#define TRICKLE_HEAD OK "\r\n{\"items\":["
#define TRICKLE_BODY BYTES(TRICKLE_HEAD ITEM("a") ",")
#define TRICKLE_ON   .again_from = sizeof(TRICKLE_HEAD) - 1, .times = 100, .stepwise = true

/* Sends a job every 5 s for 30 s. */
static void trickle(struct test_call *call)
{
	struct api_fixture *fixture = call->fixture;

	for (size_t jobs = 1; jobs <= 6; jobs++) {
		assert_int_equal(call->done, 0);
		raw_server_step(fixture->server);

		const struct patience patience = patience_begin();

		while (call->ids.len < jobs * strlen("a ")) {
			assert_true(fixture_under_way(fixture));
			patience_turn(&patience, fixture->loop);
		}
		fixture_forward(fixture, FIXTURE_TIMEOUT_MS / 6);
	}
	assert_int_equal(call->done, 1);
	assert_false(fixture_under_way(fixture));
}

/* SEMANTICS 11.1: a call also ends in time if the server keeps sending data slowly. */
static void a_trickle_ends_in_time(void **state)
{
	static const struct raw_route routes[] = {
		{LIST_TARGET, TRICKLE_BODY, TRICKLE_ON}, {.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *call = fixture_list(fixture);

	(void)state;
	trickle(call);
	assert_int_equal(call->error, -ETIMEDOUT);
	assert_holds(call->why, "limit 20): the server did not answer within 30 s; ");
	assert_int_equal(raw_server_requests(fixture->server), 1);
	fixture_free(fixture);
}

/* SEMANTICS 11.1: at the deadline, the error is the last failure, not just a timeout. */
static void the_last_failure_counts(void **state)
{
	static const struct raw_route routes[] = {
		{LIST_TARGET, ONCE("HTTP/1.1 502 x\r\n\r\n")},
		{LIST_TARGET, TRICKLE_BODY, TRICKLE_ON}, {.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *call = fixture_list(fixture);

	(void)state;
	fixture_until_idle(fixture);
	fixture_forward(fixture, 600);
	trickle(call);
	assert_int_equal(call->error, -EIO);
	assert_holds(call->why, "502 Bad Gateway (2 attempts in 31 s); try again later");
	fixture_free(fixture);
}

/* The status of an error is enough, even if its body never arrives. */
static void an_errors_body_is_not_needed(void **state)
{
	static const struct raw_route routes[] = {
		{JOB("a"), BYTES("HTTP/1.1 401 x\r\nContent-Length: 99\r\n\r\n{\"mess"),
			.after = RAW_CLOSE},
		{JOB("b"), BYTES("HTTP/1.1 404 x\r\nContent-Length: 99\r\n\r\n{\"mess"),
			.after = RAW_HOLD},
		{.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *call = fixture_get(fixture, "a");

	(void)state;
	fixture_settle(call);
	assert_int_equal(call->error, -EACCES);
	assert_holds(call->why, "401 Unauthorized; check the API key");

	call = fixture_get(fixture, "b");
	fixture_until_requests(fixture, 2);
	until_all_is_read(fixture, 2);
	fixture_forward(fixture, FIXTURE_STALL_MS);
	assert_int_equal(call->done, 1);
	assert_int_equal(call->error, -ENOENT);
	fixture_free(fixture);
}

/* SEMANTICS 11.1: no connection. */
static void no_listener(void **state)
{
	static const struct raw_route routes[] = {{.target = NULL}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	char origin[64];

	(void)state;
	/* A bound socket that does not listen refuses connections on its port. */
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	snprintf(origin, sizeof(origin), "http://127.0.0.1:%d", ntohs(address.sin_port));

	struct api_fixture *fixture = fixture_new_at(routes, origin);
	struct test_call *call = fixture_list(fixture);
	struct api_stats stats;

	fixture_settle(call);
	assert_int_equal(call->error, -EHOSTUNREACH);
	assert_holds(call->why, "no connection: ");
	assert_holds(call->why, "check the network and the address");
	api_stats(fixture->api, &stats);
	assert_true(stats.failed >= 4);
	assert_int_equal(stats.failed, stats.requests);
	fixture_free(fixture);
	close(fd);
}

/* SEMANTICS 11.1: TLS errors are not retried. */
static void tls_that_fails_is_final(void **state)
{
	static const struct raw_route greets[] = {{NULL, BYTES("220 hello\r\n")}};
	static const struct raw_route none[] = {{.target = NULL}};
	struct raw_server *server = raw_server_new(greets);
	char origin[64];

	(void)state;
	snprintf(origin, sizeof(origin), "https%s", raw_server_origin(server) + 4);

	struct api_fixture *fixture = fixture_new_at(none, origin);
	struct test_call *call = fixture_list(fixture);

	fixture_settle(call);
	assert_int_equal(call->error, -EHOSTUNREACH);
	assert_holds(call->why, "TLS failed: ");
	assert_holds(call->why, "check this machine's clock, and ca_file=");
	assert_int_equal(raw_server_connections(server), 1);
	fixture_free(fixture);
	raw_server_free(server);
}

/* SEMANTICS 11.2: stalled calls do not delay others, and connections are still reused. */
static void stalled_calls_delay_no_others(void **state)
{
	enum { STALLED = 20, OTHERS = 5 };
	static const struct raw_route routes[] = {
		{JOB("hold"), BYTES(""), .after = RAW_HOLD},
		{JOB("b"), BYTES(OK "Content-Length: 28\r\n\r\n" ITEM("b"))},
		{.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);

	(void)state;
	for (int i = 0; i < STALLED; i++)
		fixture_get(fixture, "hold");
	fixture_until_requests(fixture, STALLED);
	for (int i = 0; i < OTHERS; i++) {
		const struct patience patience = patience_begin();
		struct test_call *call = fixture_get(fixture, "b");

		/* The clock is not advanced, so this is the first attempt. */
		while (!call->done && fixture_under_way(fixture) > STALLED)
			patience_turn(&patience, fixture->loop);
		assert_int_equal(call->done, 1);
		assert_int_equal(call->error, 0);
	}
	assert_int_equal(raw_server_connections(fixture->server), STALLED + 1);
	fixture_free(fixture);
}

/* SEMANTICS 1.5, 11.2: a call can be cancelled in any state. */
static void calls_are_cancelled_in_every_state(void **state)
{
	static const struct raw_route routes[] = {
		{JOB("a"), BYTES(SLOW("9")), .after = RAW_CLOSE},
		{JOB("hold"), BYTES(""), .after = RAW_HOLD}, {.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *unsent = fixture_get(fixture, "hold");

	(void)state;
	fixture_cancel(unsent);

	struct test_call *under_way = fixture_get(fixture, "hold");

	fixture_until_requests(fixture, 1);
	fixture_cancel(under_way);

	struct test_call *waits = fixture_get(fixture, "a");

	fixture_until_idle(fixture);

	struct test_call *at_gate = fixture_get(fixture, "hold");

	assert_int_equal(waits->done + at_gate->done, 0);
	api_cancel(waits->api_call);
	waits->api_call = NULL;
	api_cancel(at_gate->api_call);
	at_gate->api_call = NULL;
	fixture_forward(fixture, FIXTURE_TIMEOUT_MS);
	for (int i = 0; i < fixture->len; i++)
		assert_int_equal(fixture->calls[i].done, 0);
	assert_int_equal(raw_server_requests(fixture->server), 2);
	fixture_free(fixture);
}

/* libcurl is on the stack while on_item runs. */
static void on_item_starts_and_cancels_others(void **state)
{
	static const struct raw_route routes[] = {{LIST_TARGET, BODY(PAGE)},
		{JOB("hold"), BYTES(""), .after = RAW_HOLD}, {JOB("b"), BODY(ITEM("b"))},
		{.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *held = fixture_get(fixture, "hold");

	(void)state;
	fixture_until_requests(fixture, 1);

	struct test_call *page = fixture_list(fixture);

	page->to_cancel = held;
	page->next = "b";
	fixture_settle(page);
	assert_int_equal(page->error, 0);
	assert_int_equal(fixture->len, 3);
	fixture_settle(&fixture->calls[2]);
	assert_string_equal(fixture->calls[2].ids.data, "b ");
	assert_int_equal(held->done, 0);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(temporary_failures_are_retried),
		cmocka_unit_test(a_page_cut_short_is_restarted),
		cmocka_unit_test(waits_grow_and_have_a_maximum),
		cmocka_unit_test(all_calls_wait_after_a_retry_after),
		cmocka_unit_test(a_failure_of_its_own_slows_no_other),
		cmocka_unit_test(a_wait_beyond_the_end_fails_at_once),
		cmocka_unit_test(retry_after_nothing_is_no_storm),
		cmocka_unit_test(silence_ends_in_time),
		cmocka_unit_test(a_trickle_ends_in_time),
		cmocka_unit_test(the_last_failure_counts),
		cmocka_unit_test(an_errors_body_is_not_needed),
		cmocka_unit_test(no_listener),
		cmocka_unit_test(tls_that_fails_is_final),
		cmocka_unit_test(stalled_calls_delay_no_others),
		cmocka_unit_test(calls_are_cancelled_in_every_state),
		cmocka_unit_test(on_item_starts_and_cancels_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
