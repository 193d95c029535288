/* SPDX-License-Identifier: MIT */
#include "http_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmocka.h"

enum {
	DATA_MAX = 32 << 20,
};

static int64_t mono_ms(void *ctx)
{
	return clock_mono_ms(&clock_system) + ((struct asks *)ctx)->ahead_ms;
}

static int64_t wall_ms(void *ctx)
{
	(void)ctx;
	return clock_wall_ms(&clock_system);
}

struct asks *asks_new(const struct raw_route *routes, const struct http_config *config)
{
	static const struct http_config usual = {
		.user_agent = "gladiafs/test",
		.secret_header = SECRET,
		.connections_max = CONNECTIONS_MAX,
		.connect_ms = CONNECT_MS,
		.stall_ms = STALL_MS,
		.error_body_max = ERROR_BODY_MAX,
	};
	struct asks *asks = test_calloc(1, sizeof(*asks));

	alarm(WATCHDOG_S);
	asks->clock = (struct clock){.mono_ms = mono_ms, .wall_ms = wall_ms, .ctx = asks};
	assert_int_equal(loop_new(&asks->clock, &asks->loop), 0);
	assert_int_equal(http_new(asks->loop, config ? config : &usual, &asks->http), 0);
	asks->server = raw_server_new(routes);
	return asks;
}

void asks_free(struct asks *asks)
{
	for (int i = 0; i < asks->len; i++)
		asks_cancel(&asks->asks[i]);
	http_free(asks->http);
	loop_free(asks->loop);
	raw_server_free(asks->server);
	for (int i = 0; i < asks->len; i++)
		buf_done(&asks->asks[i].data);
	test_free(asks);
	alarm(0);
}

static int begin(struct asks *asks, const char *method, const char *url);

static int begin_at(struct asks *asks, const char *target)
{
	char url[256];

	snprintf(url, sizeof(url), "%s%s", raw_server_origin(asks->server), target);
	return begin(asks, "GET", url);
}

/*
 * Called by libcurl. If memory runs out it returns an error: a failed assertion must not
 * longjmp() over libcurl's stack.
 */
static int on_data(void *ctx, const char *data, size_t len)
{
	struct ask *ask = ctx;

	assert_int_equal(ask->done, 0);
	assert_true(len <= 16 * 1024);
	if (buf_append(&ask->data, data, len))
		return -ENOMEM;
	if (ask->to_cancel)
		asks_cancel(ask->to_cancel);
	ask->to_cancel = NULL;
	if (ask->next && begin_at(ask->asks, ask->next))
		return -ENOMEM;
	ask->next = NULL;
	return ask->refuse_with;
}

static void on_done(void *ctx, const struct http_result *result)
{
	struct ask *ask = ctx;

	ask->done++;
	ask->result = *result;
	assert_true(result->body_len <= ERROR_BODY_MAX);
	assert_int_equal(result->body[result->body_len], '\0');
	memcpy(ask->body, result->body, result->body_len + 1);
	ask->result.body = ask->body;
	snprintf(ask->detail, sizeof(ask->detail), "%s", result->detail);
	ask->result.detail = ask->detail;
	assert_null(strstr(result->detail, "5ecret"));
	if (ask->afterwards)
		asks_get(ask->asks, ask->afterwards);
	/* Cancelling a request from its own on_done() has no effect. */
	http_cancel(ask->request);
	ask->request = NULL;
}

static int begin(struct asks *asks, const char *method, const char *url)
{
	static const struct http_handlers handlers = {
		.on_data = on_data, .on_done = on_done};

	assert_true(asks->len < ASKS_MAX);

	struct ask *ask = &asks->asks[asks->len++];

	ask->asks = asks;
	buf_init(&ask->data, DATA_MAX);

	int err = http_start(asks->http, method, url, &handlers, ask, &ask->request);

	assert_int_equal(ask->done, 0);
	return err;
}

struct ask *asks_url(struct asks *asks, const char *method, const char *url)
{
	assert_int_equal(begin(asks, method, url), 0);
	return &asks->asks[asks->len - 1];
}

struct ask *asks_get(struct asks *asks, const char *target)
{
	assert_int_equal(begin_at(asks, target), 0);
	return &asks->asks[asks->len - 1];
}

void asks_cancel(struct ask *ask)
{
	if (ask->request)
		http_cancel(ask->request);
	ask->request = NULL;
}

void asks_until_requests(struct asks *asks, int count)
{
	const struct patience patience = patience_begin();

	while (raw_server_requests(asks->server) < count)
		patience_turn(&patience, asks->loop);
}

void asks_until_done(struct ask *ask)
{
	const struct patience patience = patience_begin();

	while (!ask->done)
		patience_turn(&patience, ask->asks->loop);
}

void asks_until_data(struct ask *ask, size_t len)
{
	const struct patience patience = patience_begin();

	while (ask->data.len < len) {
		assert_int_equal(ask->done, 0);
		patience_turn(&patience, ask->asks->loop);
	}
}

void asks_forward(struct asks *asks, int64_t ms)
{
	asks->ahead_ms += ms;
	assert_int_equal(loop_turn(asks->loop, 0), 0);
}
