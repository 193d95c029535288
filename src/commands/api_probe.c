/* SPDX-License-Identifier: MIT */
#include "api_probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/cleanup.h"
#include "gladia/api.h"
#include "http/http.h"
#include "json/items.h"
#include "json/pretty_print.h"
#include "json/string.h"

enum {
	PROBE_FRAME_MAX = 64 << 10,   /* bytes of a page apart from its items */
	PROBE_ATTEMPT_MS = 10 * 1000, /* maximum of connect and stall timeout */
	PROBE_WAIT_MS = 10 * 1000,    /* longest Retry-After that we wait for */
	PROBE_ATTEMPTS = 3,           /* of a request that is answered with 429 or 503 */
};

struct api_probe {
	struct loop *loop;
	struct http *http;
	const char *origin;
	const char *path; /* of the list */
	struct probe_facts facts;
	char detail[256];
	int64_t timeout_ms;
	struct loop_timer timer; /* ends a request, or the wait for another attempt */

	/* The current request. */
	struct json_items *items; /* NULL while a single job is read */
	struct buf body;          /* of a single job */
	struct buf text;          /* JSON of an item, as printed */
	void (*on_item)(void *ctx, const char *text, size_t len);
	void *ctx;
	unsigned count;
	size_t bytes;
	bool cut;
	bool done;
	enum http_failure failure;
	long status;
	int64_t retry_after_ms;
};

static int probe_on_item(void *ctx, const char *raw, size_t len, size_t offset)
{
	struct api_probe *probe = ctx;
	struct json_error error;
	int err;

	(void)offset;
	buf_reset(&probe->text);
	err = json_print(raw, len, &probe->text, NULL, &error);
	if (err)
		return err;
	probe->count++;
	if (probe->on_item)
		probe->on_item(probe->ctx, probe->text.data, probe->text.len);
	return 0;
}

static int probe_on_data(void *ctx, const char *data, size_t len)
{
	struct api_probe *probe = ctx;

	probe->bytes += len;
	if (probe->bytes > PROBE_PAGE_MAX) {
		probe->cut = true;
		return -EMSGSIZE;
	}
	return probe->items ? json_items_feed(probe->items, data, len)
			    : buf_append(&probe->body, data, len);
}

static void probe_on_done(void *ctx, const struct http_result *result)
{
	struct api_probe *probe = ctx;
	struct probe_facts *facts = &probe->facts;

	probe->done = true;
	probe->failure = result->failure;
	probe->status = result->status;
	probe->retry_after_ms = result->retry_after_ms;
	(void)snprintf(probe->detail, sizeof(probe->detail), "%s", result->detail);
	if (result->status) {
		memcpy(facts->version, result->version, sizeof(facts->version));
		if (probe->items && *result->encoding)
			memcpy(facts->encoding, result->encoding,
				sizeof(facts->encoding));
		if (*result->retry_after)
			memcpy(facts->retry_after, result->retry_after,
				sizeof(facts->retry_after));
		if (result->status == 429 || result->status == 503)
			facts->slowed = result->status;
	}
	loop_stop(probe->loop);
}

static void probe_on_timer(void *ctx)
{
	struct api_probe *probe = ctx;

	loop_stop(probe->loop);
}

/* Sends one request and waits for its response. Returns 0 or a negative errno. */
static int probe_attempt(struct api_probe *probe, const char *url)
{
	static const struct http_handlers handlers = {
		.on_data = probe_on_data, .on_done = probe_on_done};
	struct http_request *request;
	int err;

	if (probe->facts.requests == PROBE_REQUESTS_MAX)
		return -EDQUOT;
	probe->facts.requests++;
	if (probe->items)
		json_items_reset(probe->items);
	buf_reset(&probe->body);
	probe->count = 0;
	probe->bytes = 0;
	probe->cut = false;
	probe->done = false;
	probe->detail[0] = '\0';
	err = http_start(probe->http, "GET", url, &handlers, probe, &request);
	if (err)
		return err;
	loop_timer_set(
		probe->loop, &probe->timer, loop_now_ms(probe->loop) + probe->timeout_ms);
	err = loop_run(probe->loop);
	loop_timer_cancel(&probe->timer);
	if (!probe->done) {
		http_cancel(request);
		return err ? err : -ETIMEDOUT;
	}
	if (err)
		return err;
	if (probe->failure == HTTP_OK || probe->cut)
		return 0;
	return probe->status ? -EIO : -EHOSTUNREACH;
}

/* Sends a request, and again after 429 and 503. Returns 0 or a negative errno. */
static int probe_request(struct api_probe *probe, const char *url)
{
	int err = probe_attempt(probe, url);

	for (int i = 1; i < PROBE_ATTEMPTS && !err; i++) {
		if (probe->status != 429 && probe->status != 503)
			return 0;

		int64_t wait_ms = probe->retry_after_ms > 0 ? probe->retry_after_ms
							    : 1000;

		loop_timer_set(probe->loop, &probe->timer,
			loop_now_ms(probe->loop) + MIN(wait_ms, PROBE_WAIT_MS));
		err = loop_run(probe->loop);
		if (!err)
			err = probe_attempt(probe, url);
	}
	return err;
}

/* Copies a JSON string that has no escapes but "\/". */
static void probe_copy_url(struct json_slice value, char url[static PROBE_NEXT_MAX])
{
	struct json_slice body = json_string_body(value);
	size_t len = 0;

	while (body.at && body.at < body.end && len + JSON_TEXT_MAX < PROBE_NEXT_MAX) {
		size_t step;
		const char *rest = json_decode_text(body.at, body.end, url + len, &step);

		if (!rest)
			break;
		len += step;
		body.at = rest;
	}
	url[body.at && body.at == body.end ? len : 0] = '\0';
}

static int probe_finish_page(struct api_probe *probe, struct probe_page *page)
{
	const char *frame;
	struct json_slice next;
	size_t len;
	int err;

	page->items = probe->count;
	page->cut = probe->cut;
	if (page->cut) {
		page->next = PROBE_NEXT_SET;
		return 0;
	}
	err = json_items_finish(probe->items, &frame, &len);
	if (err)
		return err == -ENOMEM ? err : -EIO;
	next = json_member((struct json_slice){frame, frame + len}, "next");
	page->next = !next.at                ? PROBE_NEXT_MISSING
		     : json_is(next, "null") ? PROBE_NEXT_NULL
					     : PROBE_NEXT_SET;
	if (page->next == PROBE_NEXT_SET)
		probe_copy_url(next, page->next_url);
	return 0;
}

static int probe_read_page(
	struct api_probe *probe, const char *url, struct probe_page *ret_page)
{
	static const struct json_items_handlers handlers = {.on_item = probe_on_item};
	struct probe_page page = {0};
	int err = json_items_new(
		PROBE_PAGE_MAX, PROBE_FRAME_MAX, &handlers, probe, &probe->items);

	if (!err)
		err = probe_request(probe, url);
	page.status = probe->status;
	if (!err && probe->status == 200)
		err = probe_finish_page(probe, &page);
	json_items_free(probe->items);
	probe->items = NULL;
	if (!err)
		*ret_page = page;
	return err;
}

int api_probe_list(struct api_probe *probe, const char *parameters,
	void (*on_item)(void *ctx, const char *text, size_t len), void *ctx,
	struct probe_page *ret_page)
{
	CLEANUP_FREE char *url = NULL;

	probe->on_item = on_item;
	probe->ctx = ctx;
	if (asprintf(&url, "%s%s%s%s", probe->origin, probe->path, *parameters ? "?" : "",
		    parameters) < 0) {
		url = NULL;
		return -ENOMEM;
	}
	return probe_read_page(probe, url, ret_page);
}

int api_probe_get(struct api_probe *probe, const char *id, struct buf *text)
{
	CLEANUP_FREE char *url = NULL;
	struct json_error error;
	int err;

	if (asprintf(&url, "%s%s/%s", probe->origin, probe->path, id) < 0) {
		url = NULL;
		return -ENOMEM;
	}
	err = probe_request(probe, url);
	if (err)
		return err;
	if (probe->status != 200 || probe->cut)
		return -EIO;
	buf_reset(text);
	err = json_print(probe->body.len ? probe->body.data : "", probe->body.len, text,
		NULL, &error);
	return err && err != -ENOMEM ? -EIO : err;
}

const struct probe_facts *api_probe_facts(const struct api_probe *probe)
{
	return &probe->facts;
}

const char *api_probe_detail(const struct api_probe *probe)
{
	return probe->detail;
}

/* Creates the HTTP client. Returns 0 or a negative errno. */
static int probe_new_http(
	struct api_probe *probe, const struct options *options, const char *key)
{
	char *header = NULL;
	int err;

	if (asprintf(&header, "x-gladia-key: %s", key) < 0)
		return -ENOMEM;
	err = http_new(probe->loop,
		&(struct http_config){
			.user_agent = "gladiafs/" GLADIAFS_VERSION,
			.ca_file = options->ca_file,
			.proxy = options->proxy,
			.secret_header = header,
			.connections_max = 1,
			.connect_ms = MIN(options->timeout_ms, PROBE_ATTEMPT_MS),
			.stall_ms = MIN(options->timeout_ms, PROBE_ATTEMPT_MS),
		},
		&probe->http);
	explicit_bzero(header, strlen(header));
	free(header);
	return err;
}

int api_probe_new(
	const struct options *options, const char *key, struct api_probe **ret_probe)
{
	struct api_probe *probe = calloc(1, sizeof(*probe));
	int err;

	if (!probe)
		return -ENOMEM;
	probe->origin = options->origin;
	probe->timeout_ms = options->timeout_ms;
	probe->path = api_list_path(options->live);
	buf_init(&probe->body, PROBE_PAGE_MAX);
	buf_init(&probe->text, 2 * (size_t)PROBE_PAGE_MAX);
	loop_timer_init(&probe->timer, probe_on_timer, probe);
	err = loop_new(&clock_system, &probe->loop);
	if (!err)
		err = probe_new_http(probe, options, key);
	if (err) {
		api_probe_free(probe);
		return err;
	}
	*ret_probe = probe;
	return 0;
}

void api_probe_free(struct api_probe *probe)
{
	if (!probe)
		return;
	if (probe->loop)
		loop_timer_cancel(&probe->timer);
	http_free(probe->http);
	loop_free(probe->loop);
	buf_done(&probe->body);
	buf_done(&probe->text);
	free(probe);
}
