/* SPDX-License-Identifier: MIT */
#include "api_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmocka.h"

enum {
	TEXT_MAX = 80 << 20,
	/* shorter than any wait that matters */
	STEP_MS = 50,
	WATCHDOG_S = 300,
	NOW_MS = 1000 * 1000,
	CAPTURE_MAX = 64 << 10,
};

static int64_t mono_ms(void *ctx)
{
	return ((struct api_fixture *)ctx)->now_ms;
}

static int64_t wall_ms(void *ctx)
{
	(void)ctx;
	return clock_wall_ms(&clock_system);
}

static struct api_fixture *new_without_server(void)
{
	struct api_fixture *fixture = test_calloc(1, sizeof(*fixture));

	alarm(WATCHDOG_S);
	fixture->now_ms = NOW_MS;
	fixture->clock = (struct clock){
		.mono_ms = mono_ms, .wall_ms = wall_ms, .ctx = fixture};
	log_init(&fixture->log, "test", false, false);
	buf_init(&fixture->answer, TEXT_MAX);
	assert_int_equal(loop_new(&fixture->clock, &fixture->loop), 0);
	return fixture;
}

static struct api_fixture *add_server(struct api_fixture *fixture,
	const struct raw_route *routes, const char *origin, bool fail_fast)
{
	fixture->server = raw_server_new(routes);

	const struct api_config config = {
		.origin = origin ? origin : raw_server_origin(fixture->server),
		.key = FIXTURE_KEY,
		.connections = 8,
		.timeout_ms = FIXTURE_TIMEOUT_MS,
		.fail_fast = fail_fast,
	};

	assert_int_equal(
		api_new(fixture->loop, &fixture->log, &config, &fixture->api), 0);
	return fixture;
}

struct api_fixture *fixture_new_at(const struct raw_route *routes, const char *origin)
{
	return add_server(new_without_server(), routes, origin, false);
}

struct api_fixture *fixture_new_failing_fast(const char *origin)
{
	static const struct raw_route none[] = {{.target = NULL}};

	return add_server(new_without_server(), none, origin, true);
}

struct api_fixture *fixture_new(const struct raw_route *routes)
{
	return fixture_new_at(routes, NULL);
}

struct api_fixture *fixture_new_answering(
	const char *target, const char *status, const char *body)
{
	struct api_fixture *fixture = new_without_server();

	assert_int_equal(buf_printf(&fixture->answer,
				 "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status,
				 strlen(body), body),
		0);
	fixture->answering[0] = (struct raw_route){.target = target,
		.bytes = fixture->answer.data,
		.len = fixture->answer.len};
	return add_server(fixture, fixture->answering, NULL, false);
}

void fixture_free(struct api_fixture *fixture)
{
	for (int i = 0; i < fixture->len; i++) {
		if (fixture->calls[i].api_call)
			api_cancel(fixture->calls[i].api_call);
		buf_done(&fixture->calls[i].ids);
		buf_done(&fixture->calls[i].text);
		buf_done(&fixture->calls[i].metadata);
	}
	api_free(fixture->api);
	loop_free(fixture->loop);
	raw_server_free(fixture->server);
	buf_done(&fixture->answer);
	test_free(fixture);
	alarm(0);
}

static int keep(struct test_call *call, const struct api_item *item)
{
	int err = buf_printf(&call->ids, "%s ", item ? item->job.id : "-");

	if (err || !item)
		return err;
	buf_reset(&call->text);
	buf_reset(&call->metadata);
	call->job = item->job;
	call->summary = item->summary;
	err = buf_append(&call->text, item->text, item->size);
	if (err)
		return err;
	return buf_printf(&call->metadata, "%.*s", (int)item->metadata_len,
		item->metadata_len ? item->metadata : "");
}

static int get(struct api_fixture *fixture, const char *id);

/*
 * Called by libcurl: if memory runs out, an assertion must not jump over libcurl's stack
 * frames.
 */
static int on_item(void *ctx, const struct api_item *item)
{
	struct test_call *call = ctx;

	assert_int_equal(call->done, 0);
	if (keep(call, item))
		return -ENOMEM;
	if (call->to_cancel)
		fixture_cancel(call->to_cancel);
	call->to_cancel = NULL;
	if (call->next && get(call->fixture, call->next))
		return -ENOMEM;
	call->next = NULL;
	return call->refuse_with;
}

static void on_restart(void *ctx)
{
	struct test_call *call = ctx;

	assert_int_equal(call->done, 0);
	assert_true(call->ids.len > 0);
	call->restarts++;
	buf_reset(&call->ids);
}

static void on_done(void *ctx, int error, const struct api_page *page, const char *errmsg)
{
	struct test_call *call = ctx;

	call->done++;
	call->error = error;
	call->has_page = page != NULL;
	if (page)
		call->page = *page;
	snprintf(call->why, sizeof(call->why), "%s", errmsg);
	assert_true(error <= 0);
	assert_int_equal(error == 0, errmsg[0] == '\0');
	assert_true(!error || !page);
	/* SEMANTICS 2.2: the message is one line of printable ASCII, without the key. */
	assert_null(strstr(errmsg, "5ecret"));
	for (const char *c = errmsg; *c; c++)
		assert_in_range(*c, ' ', '~');
	/* A call may cancel itself here, without effect. */
	api_cancel(call->api_call);
	call->api_call = NULL;
}

static const struct api_handlers handlers = {on_item, on_restart, on_done};

static struct test_call *call_new(struct api_fixture *fixture)
{
	assert_true(fixture->len < FIXTURE_MAX);

	struct test_call *call = &fixture->calls[fixture->len++];

	call->fixture = fixture;
	buf_init(&call->ids, TEXT_MAX);
	buf_init(&call->text, TEXT_MAX);
	buf_init(&call->metadata, TEXT_MAX);
	return call;
}

struct test_call *fixture_page(
	struct api_fixture *fixture, uint64_t offset, unsigned limit)
{
	struct test_call *call = call_new(fixture);
	struct query query;

	query_init(&query);
	assert_int_equal(api_list(fixture->api, &query, 0, offset, limit, &handlers, call,
				 &call->api_call),
		0);
	assert_int_equal(call->done, 0);
	return call;
}

struct test_call *fixture_list(struct api_fixture *fixture)
{
	return fixture_page(fixture, 0, API_LIMIT_DEFAULT);
}

static int get(struct api_fixture *fixture, const char *id)
{
	struct test_call *call = call_new(fixture);
	int err = api_get(fixture->api, id, &handlers, call, &call->api_call);

	assert_int_equal(call->done, 0);
	return err;
}

struct test_call *fixture_get(struct api_fixture *fixture, const char *id)
{
	assert_int_equal(get(fixture, id), 0);
	return &fixture->calls[fixture->len - 1];
}

struct test_call *fixture_delete(struct api_fixture *fixture, const char *id)
{
	struct test_call *call = call_new(fixture);

	assert_int_equal(
		api_delete(fixture->api, id, &handlers, call, &call->api_call), 0);
	assert_int_equal(call->done, 0);
	return call;
}

void fixture_cancel(struct test_call *call)
{
	call->fixture->cancelled++;
	api_cancel(call->api_call);
	call->api_call = NULL;
}

int fixture_under_way(const struct api_fixture *fixture)
{
	struct api_stats stats;

	api_stats(fixture->api, &stats);
	return (int)(stats.requests - stats.latency.count - stats.failed) -
	       fixture->cancelled;
}

void fixture_settle(struct test_call *call)
{
	const struct patience patience = patience_begin();
	struct api_fixture *fixture = call->fixture;

	while (!call->done) {
		if (!fixture_under_way(fixture))
			fixture_forward(fixture, STEP_MS);
		else
			patience_turn(&patience, fixture->loop);
	}
	assert_int_equal(call->done, 1);
}

void fixture_until_idle(struct api_fixture *fixture)
{
	const struct patience patience = patience_begin();

	while (fixture_under_way(fixture))
		patience_turn(&patience, fixture->loop);
}

void fixture_until_requests(struct api_fixture *fixture, int count)
{
	const struct patience patience = patience_begin();

	while (raw_server_requests(fixture->server) < count)
		patience_turn(&patience, fixture->loop);
}

void fixture_forward(struct api_fixture *fixture, int64_t ms)
{
	fixture->now_ms += ms;
	assert_int_equal(loop_turn(fixture->loop, 0), 0);
}

struct test_call *fixture_list_once(const struct raw_route *routes)
{
	struct test_call *call = fixture_list(fixture_new(routes));

	fixture_settle(call);
	return call;
}

struct test_call *fixture_get_once(const struct raw_route *routes, const char *id)
{
	struct test_call *call = fixture_get(fixture_new(routes), id);

	fixture_settle(call);
	return call;
}

void assert_holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

int stderr_capture_begin(void)
{
	int file = memfd_create("stderr", 0);
	int kept = dup(STDERR_FILENO);

	assert_true(file >= 0 && kept >= 0 && kept < 1000);
	assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
	close(file);
	return kept;
}

char *stderr_capture_end(int capture)
{
	char *text = calloc(1, CAPTURE_MAX);

	assert_non_null(text);
	assert_true(pread(STDERR_FILENO, text, CAPTURE_MAX - 1, 0) >= 0);
	dup2(capture, STDERR_FILENO);
	close(capture);
	return text;
}
