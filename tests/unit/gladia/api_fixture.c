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
	return ((struct api_asks *)ctx)->now_ms;
}

static int64_t wall_ms(void *ctx)
{
	(void)ctx;
	return clock_wall_ms(&clock_system);
}

static struct api_asks *new_without_server(void)
{
	struct api_asks *asks = test_calloc(1, sizeof(*asks));

	alarm(WATCHDOG_S);
	asks->now_ms = NOW_MS;
	asks->clock = (struct clock){.mono_ms = mono_ms, .wall_ms = wall_ms, .ctx = asks};
	log_init(&asks->log, "test", false, false);
	buf_init(&asks->answer, TEXT_MAX);
	assert_int_equal(loop_new(&asks->clock, &asks->loop), 0);
	return asks;
}

static struct api_asks *add_server(
	struct api_asks *asks, const struct raw_route *routes, const char *origin)
{
	asks->server = raw_server_new(routes);

	const struct api_config config = {
		.origin = origin ? origin : raw_server_origin(asks->server),
		.key = API_ASKS_KEY,
		.connections = 8,
		.timeout_ms = API_ASKS_TIMEOUT_MS,
	};

	assert_int_equal(api_new(asks->loop, &asks->log, &config, &asks->api), 0);
	return asks;
}

struct api_asks *api_asks_new_at(const struct raw_route *routes, const char *origin)
{
	return add_server(new_without_server(), routes, origin);
}

struct api_asks *api_asks_new(const struct raw_route *routes)
{
	return api_asks_new_at(routes, NULL);
}

struct api_asks *api_asks_new_answering(
	const char *target, const char *status, const char *body)
{
	struct api_asks *asks = new_without_server();

	assert_int_equal(
		buf_printf(&asks->answer, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s",
			status, strlen(body), body),
		0);
	asks->answering[0] = (struct raw_route){
		.target = target, .bytes = asks->answer.data, .len = asks->answer.len};
	return add_server(asks, asks->answering, NULL);
}

void api_asks_free(struct api_asks *asks)
{
	for (int i = 0; i < asks->len; i++) {
		if (asks->asks[i].call)
			api_cancel(asks->asks[i].call);
		buf_done(&asks->asks[i].ids);
		buf_done(&asks->asks[i].text);
		buf_done(&asks->asks[i].metadata);
	}
	api_free(asks->api);
	loop_free(asks->loop);
	raw_server_free(asks->server);
	buf_done(&asks->answer);
	test_free(asks);
	alarm(0);
}

static int keep(struct api_ask *ask, const struct api_item *item)
{
	int err = buf_printf(&ask->ids, "%s ", item ? item->job.id : "-");

	if (err || !item)
		return err;
	buf_reset(&ask->text);
	buf_reset(&ask->metadata);
	ask->job = item->job;
	ask->summary = item->summary;
	err = buf_append(&ask->text, item->text, item->size);
	if (err)
		return err;
	return buf_printf(&ask->metadata, "%.*s", (int)item->metadata_len,
		item->metadata_len ? item->metadata : "");
}

static int get(struct api_asks *asks, const char *id);

/*
 * Called by libcurl: if memory runs out, an assertion must not jump over libcurl's stack
 * frames.
 */
static int on_item(void *ctx, const struct api_item *item)
{
	struct api_ask *ask = ctx;

	assert_int_equal(ask->done, 0);
	if (keep(ask, item))
		return -ENOMEM;
	if (ask->to_cancel)
		api_asks_cancel(ask->to_cancel);
	ask->to_cancel = NULL;
	if (ask->next && get(ask->asks, ask->next))
		return -ENOMEM;
	ask->next = NULL;
	return ask->refuse_with;
}

static void on_restart(void *ctx)
{
	struct api_ask *ask = ctx;

	assert_int_equal(ask->done, 0);
	assert_true(ask->ids.len > 0);
	ask->restarts++;
	buf_reset(&ask->ids);
}

static void on_done(void *ctx, int error, const struct api_page *page, const char *errmsg)
{
	struct api_ask *ask = ctx;

	ask->done++;
	ask->error = error;
	ask->has_page = page != NULL;
	if (page)
		ask->page = *page;
	snprintf(ask->why, sizeof(ask->why), "%s", errmsg);
	assert_true(error <= 0);
	assert_int_equal(error == 0, errmsg[0] == '\0');
	assert_true(!error || !page);
	/* SEMANTICS 2.2: the message is one line of printable ASCII, without the key. */
	assert_null(strstr(errmsg, "5ecret"));
	for (const char *c = errmsg; *c; c++)
		assert_in_range(*c, ' ', '~');
	/* A call may cancel itself here, without effect. */
	api_cancel(ask->call);
	ask->call = NULL;
}

static const struct api_handlers handlers = {on_item, on_restart, on_done};

static struct api_ask *ask_new(struct api_asks *asks)
{
	assert_true(asks->len < API_ASKS_MAX);

	struct api_ask *ask = &asks->asks[asks->len++];

	ask->asks = asks;
	buf_init(&ask->ids, TEXT_MAX);
	buf_init(&ask->text, TEXT_MAX);
	buf_init(&ask->metadata, TEXT_MAX);
	return ask;
}

struct api_ask *api_asks_page(struct api_asks *asks, uint64_t offset, unsigned limit)
{
	struct api_ask *ask = ask_new(asks);
	struct query query;

	query_init(&query);
	assert_int_equal(
		api_list(asks->api, &query, 0, offset, limit, &handlers, ask, &ask->call),
		0);
	assert_int_equal(ask->done, 0);
	return ask;
}

struct api_ask *api_asks_list(struct api_asks *asks)
{
	return api_asks_page(asks, 0, API_LIMIT_DEFAULT);
}

static int get(struct api_asks *asks, const char *id)
{
	struct api_ask *ask = ask_new(asks);
	int err = api_get(asks->api, id, &handlers, ask, &ask->call);

	assert_int_equal(ask->done, 0);
	return err;
}

struct api_ask *api_asks_get(struct api_asks *asks, const char *id)
{
	assert_int_equal(get(asks, id), 0);
	return &asks->asks[asks->len - 1];
}

struct api_ask *api_asks_delete(struct api_asks *asks, const char *id)
{
	struct api_ask *ask = ask_new(asks);

	assert_int_equal(api_delete(asks->api, id, &handlers, ask, &ask->call), 0);
	assert_int_equal(ask->done, 0);
	return ask;
}

void api_asks_cancel(struct api_ask *ask)
{
	ask->asks->cancelled++;
	api_cancel(ask->call);
	ask->call = NULL;
}

int api_asks_under_way(const struct api_asks *asks)
{
	struct api_stats stats;

	api_stats(asks->api, &stats);
	return (int)(stats.requests - stats.latency.count - stats.failed) -
	       asks->cancelled;
}

void api_asks_settle(struct api_ask *ask)
{
	const struct patience patience = patience_begin();
	struct api_asks *asks = ask->asks;

	while (!ask->done) {
		if (!api_asks_under_way(asks))
			api_asks_forward(asks, STEP_MS);
		else
			patience_turn(&patience, asks->loop);
	}
	assert_int_equal(ask->done, 1);
}

void api_asks_until_idle(struct api_asks *asks)
{
	const struct patience patience = patience_begin();

	while (api_asks_under_way(asks))
		patience_turn(&patience, asks->loop);
}

void api_asks_until_requests(struct api_asks *asks, int count)
{
	const struct patience patience = patience_begin();

	while (raw_server_requests(asks->server) < count)
		patience_turn(&patience, asks->loop);
}

void api_asks_forward(struct api_asks *asks, int64_t ms)
{
	asks->now_ms += ms;
	assert_int_equal(loop_turn(asks->loop, 0), 0);
}

struct api_ask *api_asks_list_once(const struct raw_route *routes)
{
	struct api_ask *ask = api_asks_list(api_asks_new(routes));

	api_asks_settle(ask);
	return ask;
}

struct api_ask *api_asks_get_once(const struct raw_route *routes, const char *id)
{
	struct api_ask *ask = api_asks_get(api_asks_new(routes), id);

	api_asks_settle(ask);
	return ask;
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
