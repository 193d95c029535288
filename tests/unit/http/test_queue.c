/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka.h"

#include "http_fixture.h"

/* Many requests over few connections; cancelling; name resolution and proxies. */

#define BYTES(text) .bytes = (text), .len = sizeof(text) - 1
#define OK          "HTTP/1.1 200 OK\r\n"
#define HELLO       OK "Content-Length: 5\r\n\r\nhello"

static const struct raw_route routes[] = {
	{"/", BYTES(HELLO)},
	{"/together", BYTES(HELLO), .together = CONNECTIONS_MAX},
	{"/last", BYTES(HELLO), .after = RAW_CLOSE},
	{"/hold", BYTES(""), .after = RAW_HOLD},
	{"/hold-in-body", BYTES(OK "Content-Length: 9\r\n\r\nhello"), .after = RAW_HOLD},
	{"/steps", BYTES(OK "\r\n"), .times = 5, .stepwise = true, .after = RAW_CLOSE},
	{"/on-word", BYTES(HELLO), .stepwise = true},
	{"http://api.test/", BYTES(HELLO)},
	{"api.test:443",
		BYTES("HTTP/1.1 403 No\r\nx-request-id: proxy\r\nRetry-After: 5\r\n"
		      "Content-Length: 2\r\n\r\nno")},
	{.target = NULL},
};

/*
 * Replaces the resolver: libcurl's threads call this for every name. For slow.test it
 * blocks until the test releases it.
 */
static sem_t resolving;
static sem_t resolver_may_go;
static sem_t resolved;

int getaddrinfo(const char *restrict name, const char *restrict service,
	const struct addrinfo *restrict hints, struct addrinfo **restrict ret_found)
{
	(void)service, (void)hints, (void)ret_found;
	if (!strcmp(name, "slow.test")) {
		sem_post(&resolving);
		while (sem_wait(&resolver_may_go))
			;
		sem_post(&resolved);
	}
	return EAI_NONAME;
}

static int set_up(void **state)
{
	*state = fixture_new(routes, NULL);
	return 0;
}

static int tear_down(void **state)
{
	fixture_free(*state);
	return 0;
}

static void until_all_done(struct http_fixture *fixture)
{
	for (int i = 0; i < fixture->len; i++)
		fixture_until_done(&fixture->requests[i]);
}

static void assert_ok(const struct test_request *request)
{
	assert_int_equal(request->done, 1);
	assert_int_equal(request->result.failure, HTTP_OK);
	assert_int_equal(request->result.status, 200);
	assert_int_equal(request->data.len, 5);
}

/* SEMANTICS 1.4: all of the connections= are used, and not one more. */
static void fifty_requests_share_the_connections(void **state)
{
	struct http_fixture *fixture = *state;

	for (int i = 0; i < 50; i++)
		fixture_get(fixture, "/together");
	until_all_done(fixture);
	for (int i = 0; i < 50; i++)
		assert_ok(&fixture->requests[i]);
	assert_int_equal(raw_server_requests(fixture->server), 50);
	assert_int_equal(raw_server_connections(fixture->server), CONNECTIONS_MAX);
	assert_int_equal(raw_server_open_at_most(fixture->server), CONNECTIONS_MAX);
}

static void a_connection_is_used_again(void **state)
{
	struct http_fixture *fixture = *state;

	for (int i = 0; i < 5; i++) {
		struct test_request *request = fixture_get(fixture, "/");

		fixture_until_done(request);
		assert_ok(request);
	}
	assert_int_equal(raw_server_connections(fixture->server), 1);
}

/*
 * SEMANTICS 11.1: a request does not fail because an idle connection was closed
 * meanwhile.
 */
static void an_idle_connection_that_was_closed_is_replaced(void **state)
{
	struct http_fixture *fixture = *state;

	for (int i = 0; i < 3; i++) {
		struct test_request *request = fixture_get(fixture, "/last");

		fixture_until_done(request);
		assert_ok(request);
	}
	assert_int_equal(raw_server_connections(fixture->server), 3);
}

/* SEMANTICS 11.1: the stall timeout of a request does not run while it is queued. */
static void waiting_in_line_is_no_stall(void **state)
{
	const struct http_config one_connection = {
		.connections_max = 1,
		.connect_ms = CONNECT_MS,
		.stall_ms = STALL_MS,
		.error_body_max = ERROR_BODY_MAX,
	};
	struct http_fixture *fixture = fixture_new(routes, &one_connection);
	struct test_request *first = fixture_get(fixture, "/steps");
	struct test_request *second = fixture_get(fixture, "/");

	(void)state;
	raw_server_step(fixture->server);
	for (size_t i = 1; i < 4; i++) {
		raw_server_step(fixture->server);
		fixture_until_data(first, i * (sizeof(OK "\r\n") - 1));
		fixture_forward(fixture, STALL_MS * 3 / 4);
	}
	assert_int_equal(first->done, 0);
	assert_int_equal(second->done, 0);
	assert_int_equal(raw_server_requests(fixture->server), 1);
	raw_server_step(fixture->server);
	until_all_done(fixture);
	assert_int_equal(first->result.failure, HTTP_OK);
	assert_ok(second);
	assert_true(second->result.elapsed_ms < STALL_MS);
	fixture_free(fixture);
}

/*
 * SEMANTICS 11.1: a stalled request fails, and its connection goes to the next in the
 * queue.
 */
static void those_in_line_survive_a_stall(void **state)
{
	struct http_fixture *fixture = *state;

	for (int i = 0; i < CONNECTIONS_MAX; i++)
		fixture_get(fixture, "/hold");
	fixture_get(fixture, "/");
	fixture_until_requests(fixture, CONNECTIONS_MAX);
	fixture_forward(fixture, STALL_MS);
	until_all_done(fixture);
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		assert_int_equal(fixture->requests[i].result.failure, HTTP_SILENT);
	assert_ok(&fixture->requests[CONNECTIONS_MAX]);
}

/*
 * SEMANTICS 1.5: a request can be cancelled in every state, immediately and without a
 * callback.
 */
static void requests_are_cancelled_in_every_state(void **state)
{
	struct http_fixture *fixture = *state;
	struct test_request *unstarted = fixture_get(fixture, "/hold");

	fixture_cancel(unstarted);
	for (int i = 0; i < CONNECTIONS_MAX - 1; i++)
		fixture_get(fixture, "/hold");

	struct test_request *in_body = fixture_get(fixture, "/hold-in-body");
	struct test_request *in_line = fixture_get(fixture, "/hold");
	struct test_request *last = fixture_get(fixture, "/");

	fixture_until_requests(fixture, CONNECTIONS_MAX);
	fixture_until_data(in_body, 5);
	fixture_cancel(in_line);
	for (int i = 1; i < CONNECTIONS_MAX; i++)
		fixture_cancel(&fixture->requests[i]);
	fixture_cancel(in_body);
	fixture_until_done(last);
	assert_ok(last);
	for (int i = 0; i < fixture->len - 1; i++)
		assert_int_equal(fixture->requests[i].done, 0);
	assert_int_equal(raw_server_requests(fixture->server), CONNECTIONS_MAX + 1);
}

/*
 * on_data() runs inside libcurl, which does not permit adding or removing a transfer
 * there.
 */
static void on_data_starts_and_cancels_others(void **state)
{
	struct http_fixture *fixture = *state;
	struct test_request *under_way = fixture_get(fixture, "/hold");

	fixture_until_requests(fixture, 1);

	struct test_request *in_line = NULL;
	struct test_request *first = fixture_get(fixture, "/");

	first->to_cancel = under_way;
	first->next = "/";
	fixture_until_done(first);
	assert_ok(first);
	assert_int_equal(fixture->len, 3);
	fixture_until_done(&fixture->requests[2]);
	assert_ok(&fixture->requests[2]);
	assert_int_equal(under_way->done, 0);

	struct test_request *second = fixture_get(fixture, "/");

	for (int i = 0; i < CONNECTIONS_MAX; i++)
		in_line = fixture_get(fixture, "/hold");
	second->to_cancel = in_line;
	fixture_until_done(second);
	assert_ok(second);
	fixture_until_requests(fixture, 3 + CONNECTIONS_MAX);
	assert_int_equal(in_line->done, 0);
	for (int i = 0; i < CONNECTIONS_MAX - 1; i++)
		fixture_cancel(&fixture->requests[4 + i]);
}

/* Data that has already arrived for a request is not reported after it was cancelled. */
static void a_cancelled_request_gets_no_callback(void **state)
{
	struct http_fixture *fixture = *state;
	struct test_request *one = fixture_get(fixture, "/on-word");
	struct test_request *two = fixture_get(fixture, "/on-word");

	one->to_cancel = two;
	two->to_cancel = one;
	fixture_until_requests(fixture, 2);
	raw_server_step(fixture->server);
	raw_server_step(fixture->server);
	raw_server_await_answers(fixture->server, 2);

	const struct patience patience = patience_begin();

	while (!one->done && !two->done)
		patience_turn(&patience, fixture->loop);
	assert_int_equal(one->done + two->done, 1);
	assert_int_equal(one->data.len + two->data.len, 5);
	assert_ok(one->done ? one : two);
}

static void on_done_starts_the_next(void **state)
{
	struct http_fixture *fixture = *state;
	struct test_request *request = fixture_get(fixture, "/");

	request->afterwards = "/";
	fixture_until_done(request);
	assert_int_equal(fixture->len, 2);
	fixture_until_done(&fixture->requests[1]);
	assert_ok(&fixture->requests[1]);
	assert_int_equal(raw_server_connections(fixture->server), 1);
}

static void many_cancelled_before_their_turn(void **state)
{
	struct http_fixture *fixture = *state;

	for (int i = 0; i < 40; i++)
		fixture_get(fixture, "/hold");
	fixture_until_requests(fixture, CONNECTIONS_MAX);
	for (int i = 0; i < 40; i++)
		fixture_cancel(&fixture->requests[i]);

	struct test_request *last = fixture_get(fixture, "/");

	fixture_until_done(last);
	assert_ok(last);
	assert_int_equal(raw_server_requests(fixture->server), CONNECTIONS_MAX + 1);
}

static void release_resolver(void)
{
	sem_post(&resolver_may_go);
	while (sem_wait(&resolved))
		;
}

static void until_resolving(struct test_request *request)
{
	const struct patience patience = patience_begin();

	while (sem_trywait(&resolving)) {
		assert_int_equal(request->done, 0);
		patience_turn(&patience, request->fixture->loop);
	}
}

/* SEMANTICS 1.5, 11.2: the resolver's thread may hang; the loop does not wait for it. */
static void giving_up_a_name_does_not_wait(void **state)
{
	struct http_fixture *fixture = *state;
	struct test_request *slow = fixture_url(fixture, "GET", "http://slow.test/");

	until_resolving(slow);
	fixture_cancel(slow);
	assert_int_equal(sem_trywait(&resolved), -1);
	assert_int_equal(errno, EAGAIN);
	release_resolver();
	assert_int_equal(slow->done, 0);
}

/* SEMANTICS 11.1: the connect timeout includes the name resolution. */
static void connecting_ends(void **state)
{
	const struct http_config in_haste = {
		.connections_max = 1,
		.connect_ms = 80,
		.stall_ms = STALL_MS,
		.error_body_max = ERROR_BODY_MAX,
	};
	struct http_fixture *fixture = fixture_new(routes, &in_haste);
	struct test_request *slow = fixture_url(fixture, "GET", "http://slow.test/");

	(void)state;
	until_resolving(slow);
	fixture_until_done(slow);
	assert_int_equal(slow->result.failure, HTTP_SILENT);
	assert_int_equal(slow->result.status, 0);
	release_resolver();
	fixture_free(fixture);
}

static void unknown_hosts(void **state)
{
	struct test_request *request = fixture_url(*state, "GET", "https://nosuch.test/");

	fixture_until_done(request);
	assert_int_equal(request->result.failure, HTTP_UNREACHABLE);
	assert_false(request->result.tls_failed);
	assert_non_null(strstr(request->result.detail, "nosuch.test"));
}

/*
 * Proxies from the environment are not used for loopback, and are never sent the key
 * (SEMANTICS 2.3).
 */
static void proxies_of_the_environment(void **state)
{
	struct http_fixture *fixture = *state;
	const char *origin = raw_server_origin(fixture->server);

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("https_proxy", origin, 1);

	struct test_request *here = fixture_get(fixture, "/");

	fixture_until_done(here);
	assert_ok(here);

	struct test_request *there = fixture_url(fixture, "GET", "https://api.test/");

	fixture_until_done(there);
	assert_int_equal(there->result.failure, HTTP_UNREACHABLE);
	assert_false(there->result.tls_failed);
	assert_int_equal(there->result.proxy_status, 403);
	assert_int_equal(there->result.status, 0);
	assert_string_equal(there->result.request_id, "");
	assert_int_equal(there->result.retry_after_ms, -1);

	const char *head = raw_server_head(fixture->server, 1);

	assert_int_equal(strncmp(head, "CONNECT api.test:443 ", 21), 0);
	assert_null(strstr(head, "5ecret"));
	assert_null(strstr(head, "x-gladia-key"));

	setenv("http_proxy", origin, 1);

	struct test_request *plain = fixture_url(fixture, "GET", "http://api.test/");

	fixture_until_done(plain);
	assert_ok(plain);
	assert_int_equal(plain->result.proxy_status, 0);
	unsetenv("http_proxy");
	unsetenv("https_proxy");
}

/*
 * SEMANTICS 1.4: proxy= takes precedence over https_proxy, and is not used for loopback.
 */
static void a_configured_proxy(void **state)
{
	static const struct raw_route nothing[] = {{.target = NULL}};
	struct http_fixture *proxy = *state;
	const char *origin = raw_server_origin(proxy->server);
	struct http_config config = {
		.user_agent = "gladiafs/test",
		.proxy = origin,
		.secret_header = SECRET,
		.connections_max = 1,
		.connect_ms = CONNECT_MS,
		.stall_ms = STALL_MS,
		.error_body_max = ERROR_BODY_MAX,
	};
	struct http_fixture *fixture = fixture_new(nothing, &config);

	setenv("https_proxy", "http://127.0.0.1:1", 1);

	struct test_request *there = fixture_url(fixture, "GET", "https://api.test/");

	fixture_until_done(there);
	assert_int_equal(there->result.failure, HTTP_UNREACHABLE);
	assert_int_equal(there->result.proxy_status, 403);
	assert_int_equal(
		strncmp(raw_server_head(proxy->server, 0), "CONNECT api.test:443 ", 21),
		0);

	struct test_request *here = fixture_url(fixture, "GET", origin);

	fixture_until_done(here);
	assert_int_equal(strncmp(raw_server_head(proxy->server, 1), "GET / ", 6), 0);
	unsetenv("https_proxy");
	fixture_free(fixture);
}

#define http_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		http_test(fifty_requests_share_the_connections),
		http_test(a_connection_is_used_again),
		http_test(an_idle_connection_that_was_closed_is_replaced),
		http_test(waiting_in_line_is_no_stall),
		http_test(those_in_line_survive_a_stall),
		http_test(requests_are_cancelled_in_every_state),
		http_test(on_data_starts_and_cancels_others),
		http_test(a_cancelled_request_gets_no_callback),
		http_test(on_done_starts_the_next),
		http_test(many_cancelled_before_their_turn),
		http_test(giving_up_a_name_does_not_wait),
		http_test(connecting_ends),
		http_test(unknown_hosts),
		http_test(proxies_of_the_environment),
		http_test(a_configured_proxy),
	};

	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("all_proxy");
	unsetenv("no_proxy");
	sem_init(&resolving, 0, 0);
	sem_init(&resolver_may_go, 0, 0);
	sem_init(&resolved, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
