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
	*state = asks_new(routes, NULL);
	return 0;
}

static int tear_down(void **state)
{
	asks_free(*state);
	return 0;
}

static void until_all_done(struct asks *asks)
{
	for (int i = 0; i < asks->len; i++)
		asks_until_done(&asks->asks[i]);
}

static void assert_ok(const struct ask *ask)
{
	assert_int_equal(ask->done, 1);
	assert_int_equal(ask->result.failure, HTTP_OK);
	assert_int_equal(ask->result.status, 200);
	assert_int_equal(ask->data.len, 5);
}

/* SEMANTICS 1.4: all of the connections= are used, and not one more. */
static void fifty_requests_share_the_connections(void **state)
{
	struct asks *asks = *state;

	for (int i = 0; i < 50; i++)
		asks_get(asks, "/together");
	until_all_done(asks);
	for (int i = 0; i < 50; i++)
		assert_ok(&asks->asks[i]);
	assert_int_equal(raw_server_requests(asks->server), 50);
	assert_int_equal(raw_server_connections(asks->server), CONNECTIONS_MAX);
	assert_int_equal(raw_server_open_at_most(asks->server), CONNECTIONS_MAX);
}

static void a_connection_is_used_again(void **state)
{
	struct asks *asks = *state;

	for (int i = 0; i < 5; i++) {
		struct ask *ask = asks_get(asks, "/");

		asks_until_done(ask);
		assert_ok(ask);
	}
	assert_int_equal(raw_server_connections(asks->server), 1);
}

/*
 * SEMANTICS 11.1: a request does not fail because an idle connection was closed
 * meanwhile.
 */
static void an_idle_connection_that_was_closed_is_replaced(void **state)
{
	struct asks *asks = *state;

	for (int i = 0; i < 3; i++) {
		struct ask *ask = asks_get(asks, "/last");

		asks_until_done(ask);
		assert_ok(ask);
	}
	assert_int_equal(raw_server_connections(asks->server), 3);
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
	struct asks *asks = asks_new(routes, &one_connection);
	struct ask *first = asks_get(asks, "/steps");
	struct ask *second = asks_get(asks, "/");

	(void)state;
	raw_server_step(asks->server);
	for (size_t i = 1; i < 4; i++) {
		raw_server_step(asks->server);
		asks_until_data(first, i * (sizeof(OK "\r\n") - 1));
		asks_forward(asks, STALL_MS * 3 / 4);
	}
	assert_int_equal(first->done, 0);
	assert_int_equal(second->done, 0);
	assert_int_equal(raw_server_requests(asks->server), 1);
	raw_server_step(asks->server);
	until_all_done(asks);
	assert_int_equal(first->result.failure, HTTP_OK);
	assert_ok(second);
	assert_true(second->result.elapsed_ms < STALL_MS);
	asks_free(asks);
}

/*
 * SEMANTICS 11.1: a stalled request fails, and its connection goes to the next in the
 * queue.
 */
static void those_in_line_survive_a_stall(void **state)
{
	struct asks *asks = *state;

	for (int i = 0; i < CONNECTIONS_MAX; i++)
		asks_get(asks, "/hold");
	asks_get(asks, "/");
	asks_until_requests(asks, CONNECTIONS_MAX);
	asks_forward(asks, STALL_MS);
	until_all_done(asks);
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		assert_int_equal(asks->asks[i].result.failure, HTTP_SILENT);
	assert_ok(&asks->asks[CONNECTIONS_MAX]);
}

/*
 * SEMANTICS 1.5: a request can be cancelled in every state, immediately and without a
 * callback.
 */
static void requests_are_cancelled_in_every_state(void **state)
{
	struct asks *asks = *state;
	struct ask *unstarted = asks_get(asks, "/hold");

	asks_cancel(unstarted);
	for (int i = 0; i < CONNECTIONS_MAX - 1; i++)
		asks_get(asks, "/hold");

	struct ask *in_body = asks_get(asks, "/hold-in-body");
	struct ask *in_line = asks_get(asks, "/hold");
	struct ask *last = asks_get(asks, "/");

	asks_until_requests(asks, CONNECTIONS_MAX);
	asks_until_data(in_body, 5);
	asks_cancel(in_line);
	for (int i = 1; i < CONNECTIONS_MAX; i++)
		asks_cancel(&asks->asks[i]);
	asks_cancel(in_body);
	asks_until_done(last);
	assert_ok(last);
	for (int i = 0; i < asks->len - 1; i++)
		assert_int_equal(asks->asks[i].done, 0);
	assert_int_equal(raw_server_requests(asks->server), CONNECTIONS_MAX + 1);
}

/*
 * on_data() runs inside libcurl, which does not permit adding or removing a transfer
 * there.
 */
static void on_data_starts_and_cancels_others(void **state)
{
	struct asks *asks = *state;
	struct ask *under_way = asks_get(asks, "/hold");

	asks_until_requests(asks, 1);

	struct ask *in_line = NULL;
	struct ask *first = asks_get(asks, "/");

	first->to_cancel = under_way;
	first->next = "/";
	asks_until_done(first);
	assert_ok(first);
	assert_int_equal(asks->len, 3);
	asks_until_done(&asks->asks[2]);
	assert_ok(&asks->asks[2]);
	assert_int_equal(under_way->done, 0);

	struct ask *second = asks_get(asks, "/");

	for (int i = 0; i < CONNECTIONS_MAX; i++)
		in_line = asks_get(asks, "/hold");
	second->to_cancel = in_line;
	asks_until_done(second);
	assert_ok(second);
	asks_until_requests(asks, 3 + CONNECTIONS_MAX);
	assert_int_equal(in_line->done, 0);
	for (int i = 0; i < CONNECTIONS_MAX - 1; i++)
		asks_cancel(&asks->asks[4 + i]);
}

/* Data that has already arrived for a request is not reported after it was cancelled. */
static void a_cancelled_request_gets_no_callback(void **state)
{
	struct asks *asks = *state;
	struct ask *one = asks_get(asks, "/on-word");
	struct ask *two = asks_get(asks, "/on-word");

	one->to_cancel = two;
	two->to_cancel = one;
	asks_until_requests(asks, 2);
	raw_server_step(asks->server);
	raw_server_step(asks->server);
	raw_server_await_answers(asks->server, 2);

	const struct patience patience = patience_begin();

	while (!one->done && !two->done)
		patience_turn(&patience, asks->loop);
	assert_int_equal(one->done + two->done, 1);
	assert_int_equal(one->data.len + two->data.len, 5);
	assert_ok(one->done ? one : two);
}

static void on_done_starts_the_next(void **state)
{
	struct asks *asks = *state;
	struct ask *ask = asks_get(asks, "/");

	ask->afterwards = "/";
	asks_until_done(ask);
	assert_int_equal(asks->len, 2);
	asks_until_done(&asks->asks[1]);
	assert_ok(&asks->asks[1]);
	assert_int_equal(raw_server_connections(asks->server), 1);
}

static void many_cancelled_before_their_turn(void **state)
{
	struct asks *asks = *state;

	for (int i = 0; i < 40; i++)
		asks_get(asks, "/hold");
	asks_until_requests(asks, CONNECTIONS_MAX);
	for (int i = 0; i < 40; i++)
		asks_cancel(&asks->asks[i]);

	struct ask *last = asks_get(asks, "/");

	asks_until_done(last);
	assert_ok(last);
	assert_int_equal(raw_server_requests(asks->server), CONNECTIONS_MAX + 1);
}

static void release_resolver(void)
{
	sem_post(&resolver_may_go);
	while (sem_wait(&resolved))
		;
}

static void until_resolving(struct ask *ask)
{
	const struct patience patience = patience_begin();

	while (sem_trywait(&resolving)) {
		assert_int_equal(ask->done, 0);
		patience_turn(&patience, ask->asks->loop);
	}
}

/* SEMANTICS 1.5, 11.2: the resolver's thread may hang; the loop does not wait for it. */
static void giving_up_a_name_does_not_wait(void **state)
{
	struct asks *asks = *state;
	struct ask *slow = asks_url(asks, "GET", "http://slow.test/");

	until_resolving(slow);
	asks_cancel(slow);
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
	struct asks *asks = asks_new(routes, &in_haste);
	struct ask *slow = asks_url(asks, "GET", "http://slow.test/");

	(void)state;
	until_resolving(slow);
	asks_until_done(slow);
	assert_int_equal(slow->result.failure, HTTP_SILENT);
	assert_int_equal(slow->result.status, 0);
	release_resolver();
	asks_free(asks);
}

static void unknown_hosts(void **state)
{
	struct ask *ask = asks_url(*state, "GET", "https://nosuch.test/");

	asks_until_done(ask);
	assert_int_equal(ask->result.failure, HTTP_UNREACHABLE);
	assert_false(ask->result.tls_failed);
	assert_non_null(strstr(ask->result.detail, "nosuch.test"));
}

/*
 * Proxies from the environment are not used for loopback, and are never sent the key
 * (SEMANTICS 2.3).
 */
static void proxies_of_the_environment(void **state)
{
	struct asks *asks = *state;
	const char *origin = raw_server_origin(asks->server);

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("https_proxy", origin, 1);

	struct ask *here = asks_get(asks, "/");

	asks_until_done(here);
	assert_ok(here);

	struct ask *there = asks_url(asks, "GET", "https://api.test/");

	asks_until_done(there);
	assert_int_equal(there->result.failure, HTTP_UNREACHABLE);
	assert_false(there->result.tls_failed);
	assert_int_equal(there->result.proxy_status, 403);
	assert_int_equal(there->result.status, 0);
	assert_string_equal(there->result.request_id, "");
	assert_int_equal(there->result.retry_after_ms, -1);

	const char *head = raw_server_head(asks->server, 1);

	assert_int_equal(strncmp(head, "CONNECT api.test:443 ", 21), 0);
	assert_null(strstr(head, "5ecret"));
	assert_null(strstr(head, "x-gladia-key"));

	setenv("http_proxy", origin, 1);

	struct ask *plain = asks_url(asks, "GET", "http://api.test/");

	asks_until_done(plain);
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
	struct asks *proxy = *state;
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
	struct asks *asks = asks_new(nothing, &config);

	setenv("https_proxy", "http://127.0.0.1:1", 1);

	struct ask *there = asks_url(asks, "GET", "https://api.test/");

	asks_until_done(there);
	assert_int_equal(there->result.failure, HTTP_UNREACHABLE);
	assert_int_equal(there->result.proxy_status, 403);
	assert_int_equal(
		strncmp(raw_server_head(proxy->server, 0), "CONNECT api.test:443 ", 21),
		0);

	struct ask *here = asks_url(asks, "GET", origin);

	asks_until_done(here);
	assert_int_equal(strncmp(raw_server_head(proxy->server, 1), "GET / ", 6), 0);
	unsetenv("https_proxy");
	asks_free(asks);
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
