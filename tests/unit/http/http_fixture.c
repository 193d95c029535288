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
	return clock_mono_ms(&clock_system) + ((struct http_fixture *)ctx)->ahead_ms;
}

static int64_t wall_ms(void *ctx)
{
	(void)ctx;
	return clock_wall_ms(&clock_system);
}

struct http_fixture *fixture_new(
	const struct raw_route *routes, const struct http_config *config)
{
	static const struct http_config usual = {
		.user_agent = "gladiafs/test",
		.secret_header = SECRET,
		.connections_max = CONNECTIONS_MAX,
		.connect_ms = CONNECT_MS,
		.stall_ms = STALL_MS,
		.error_body_max = ERROR_BODY_MAX,
	};
	struct http_fixture *fixture = test_calloc(1, sizeof(*fixture));

	alarm(WATCHDOG_S);
	fixture->clock = (struct clock){
		.mono_ms = mono_ms, .wall_ms = wall_ms, .ctx = fixture};
	assert_int_equal(loop_new(&fixture->clock, &fixture->loop), 0);
	assert_int_equal(
		http_new(fixture->loop, config ? config : &usual, &fixture->http), 0);
	fixture->server = raw_server_new(routes);
	return fixture;
}

void fixture_free(struct http_fixture *fixture)
{
	for (int i = 0; i < fixture->len; i++)
		fixture_cancel(&fixture->requests[i]);
	http_free(fixture->http);
	loop_free(fixture->loop);
	raw_server_free(fixture->server);
	for (int i = 0; i < fixture->len; i++)
		buf_done(&fixture->requests[i].data);
	test_free(fixture);
	alarm(0);
}

static int begin(struct http_fixture *fixture, const char *method, const char *url);

static int begin_at(struct http_fixture *fixture, const char *target)
{
	char url[256];

	snprintf(url, sizeof(url), "%s%s", raw_server_origin(fixture->server), target);
	return begin(fixture, "GET", url);
}

/*
 * Called by libcurl. If memory runs out it returns an error: a failed assertion must not
 * longjmp() over libcurl's stack.
 */
static int on_data(void *ctx, const char *data, size_t len)
{
	struct test_request *request = ctx;

	assert_int_equal(request->done, 0);
	assert_true(len <= 16 * 1024);
	if (buf_append(&request->data, data, len))
		return -ENOMEM;
	if (request->to_cancel)
		fixture_cancel(request->to_cancel);
	request->to_cancel = NULL;
	if (request->next && begin_at(request->fixture, request->next))
		return -ENOMEM;
	request->next = NULL;
	return request->refuse_with;
}

static void on_done(void *ctx, const struct http_result *result)
{
	struct test_request *request = ctx;

	request->done++;
	request->result = *result;
	assert_true(result->body_len <= ERROR_BODY_MAX);
	assert_int_equal(result->body[result->body_len], '\0');
	memcpy(request->body, result->body, result->body_len + 1);
	request->result.body = request->body;
	snprintf(request->detail, sizeof(request->detail), "%s", result->detail);
	request->result.detail = request->detail;
	assert_null(strstr(result->detail, "5ecret"));
	if (request->afterwards)
		fixture_get(request->fixture, request->afterwards);
	/* Cancelling a request from its own on_done() has no effect. */
	http_cancel(request->http_request);
	request->http_request = NULL;
}

static int begin(struct http_fixture *fixture, const char *method, const char *url)
{
	static const struct http_handlers handlers = {
		.on_data = on_data, .on_done = on_done};

	assert_true(fixture->len < REQUESTS_MAX);

	struct test_request *request = &fixture->requests[fixture->len++];

	request->fixture = fixture;
	buf_init(&request->data, DATA_MAX);

	int err = http_start(
		fixture->http, method, url, &handlers, request, &request->http_request);

	assert_int_equal(request->done, 0);
	return err;
}

struct test_request *fixture_url(
	struct http_fixture *fixture, const char *method, const char *url)
{
	assert_int_equal(begin(fixture, method, url), 0);
	return &fixture->requests[fixture->len - 1];
}

struct test_request *fixture_get(struct http_fixture *fixture, const char *target)
{
	assert_int_equal(begin_at(fixture, target), 0);
	return &fixture->requests[fixture->len - 1];
}

void fixture_cancel(struct test_request *request)
{
	if (request->http_request)
		http_cancel(request->http_request);
	request->http_request = NULL;
}

void fixture_until_requests(struct http_fixture *fixture, int count)
{
	const struct patience patience = patience_begin();

	while (raw_server_requests(fixture->server) < count)
		patience_turn(&patience, fixture->loop);
}

void fixture_until_done(struct test_request *request)
{
	const struct patience patience = patience_begin();

	while (!request->done)
		patience_turn(&patience, request->fixture->loop);
}

void fixture_until_data(struct test_request *request, size_t len)
{
	const struct patience patience = patience_begin();

	while (request->data.len < len) {
		assert_int_equal(request->done, 0);
		patience_turn(&patience, request->fixture->loop);
	}
}

void fixture_forward(struct http_fixture *fixture, int64_t ms)
{
	fixture->ahead_ms += ms;
	assert_int_equal(loop_turn(fixture->loop, 0), 0);
}
