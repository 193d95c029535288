/* SPDX-License-Identifier: MIT */
#include "http/http.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_internal.h"

/*
 * The states of a request, and how it leaves them:
 *
 *   IN_LINE    pump() has room        -> UNDER_WAY
 *              http_cancel()          -> freed
 *   UNDER_WAY  libcurl ends, or stall -> TELLING
 *              no memory to go on     -> TELLING
 *              http_cancel()          -> freed, from within libcurl GIVEN_UP
 *   TELLING    on_done() returns      -> freed
 *   GIVEN_UP   pump()                 -> freed
 *
 * The line is ours and not libcurl's (CURLMOPT_MAX_TOTAL_CONNECTIONS): libcurl 7.88.1
 * does not serve its own in order, and does not tell who still waits in it. So at most
 * connections_max requests are under way, and never more connections than that.
 */
enum state { IN_LINE, UNDER_WAY, TELLING, GIVEN_UP };

/* Beyond that somebody starts without end. */
enum { LINE_MAX_REQUESTS = 64 * 1024 };

/* All authorities of Debian's take 0.2 MiB. */
enum { CA_FILE_MAX = 16 << 20 };

struct http {
	struct loop *loop;
	struct http_config config; /* its strings are those below; secret_header and
				      ca_file are NULL */
	char *user_agent;
	char *proxy;
	struct buf ca_text; /* of config.ca_file, read once; empty: the system's */
	struct curl_blob ca;
	char *secret;
	struct list line;
	struct list added; /* requests that libcurl has */
	struct list given_up;
	int line_len;
	int under_way;
	struct loop_task pump;
	struct http_budget budget;
	struct list paused; /* requests UNDER_WAY, until the next turn */
	struct loop_timer resume;
};

struct http_request {
	struct list link;  /* in line, in paused or in given_up */
	struct list added; /* in added */
	struct http *http;
	enum state state;
	struct loop_transfer transfer;
	struct loop_timer stall;
	struct curl_slist *headers;
	struct http_handlers handlers;
	int64_t began_ms;
	struct http_answer answer;
};

static void wipe_string(char *string)
{
	if (string)
		explicit_bzero(string, strlen(string));
	free(string);
}

static void wipe_headers(struct curl_slist *headers)
{
	for (struct curl_slist *header = headers; header; header = header->next)
		explicit_bzero(header->data, strlen(header->data));
	curl_slist_free_all(headers);
}

static void request_free(struct http_request *request)
{
	loop_timer_cancel(&request->stall);
	curl_easy_cleanup(request->transfer.easy);
	wipe_headers(request->headers);
	http_answer_done(&request->answer);
	free(request);
}

/*
 * libcurl's maximum counts the connections in use too: left alone it would close each one
 * that falls idle while many are stalled.
 */
static void keep_idle(const struct http *http)
{
	loop_keep_connections(
		http->loop, http->config.connections_idle + http->under_way);
}

/* Takes a request out of the line or away from libcurl. */
static void detach(struct http_request *request)
{
	struct http *http = request->http;

	if (request->state == IN_LINE) {
		http->line_len--;
	} else {
		http->under_way--;
		list_remove(&request->added);
		keep_idle(http);
		loop_transfer_remove(http->loop, &request->transfer);
		loop_task_post(http->loop, &http->pump);
	}
	list_remove(&request->link);
	loop_timer_cancel(&request->stall);
}

static void finish(struct http_request *request, CURLcode code)
{
	struct http_result result;

	detach(request);
	request->state = TELLING;
	http_answer_result(&request->answer, code, &result);
	result.elapsed_ms = loop_now_ms(request->http->loop) - request->began_ms;
	request->handlers.on_done(request->answer.ctx, &result);
	request_free(request);
}

static void transfer_ended(struct loop_transfer *transfer, CURLcode code)
{
	struct http_request *request = list_entry(
		transfer, struct http_request, transfer);

	if (request->state == UNDER_WAY)
		finish(request, code);
}

/* The timer is not moved with each byte, but looks where it stands when it fires. */
static void stall_due(void *ctx)
{
	struct http_request *request = ctx;
	struct loop *loop = request->http->loop;
	int64_t due = request->answer.heard_ms + request->http->config.stall_ms;

	if (due > loop_now_ms(loop)) {
		loop_timer_set(loop, &request->stall, due);
		return;
	}
	/* Nothing says that the connection still leads anywhere (HTTP/2 would keep it).
	 */
	curl_easy_setopt(request->transfer.easy, CURLOPT_FORBID_REUSE, 1L);
	request->answer.cut = HTTP_CUT_SILENT;
	finish(request, CURLE_OPERATION_TIMEDOUT);
}

/* Called within libcurl. */
static void on_paused(struct http_answer *answer)
{
	struct http_request *request = list_entry(answer, struct http_request, answer);
	struct http *http = request->http;

	if (request->state != UNDER_WAY)
		return;
	list_remove(&request->link);
	list_append(&http->paused, &request->link);
	if (!loop_timer_is_set(&http->resume))
		loop_timer_set(http->loop, &http->resume, loop_now_ms(http->loop));
}

static void free_given_up(struct http *http)
{
	list_for_each_safe (link, &http->given_up) {
		struct http_request *request = list_entry(
			link, struct http_request, link);

		detach(request);
		request_free(request);
	}
}

/*
 * libcurl 7.88.1 that had no memory to note a transfer at its socket divides by zero when
 * it notes the next one there (singlesocket()). So all connections in use are closed,
 * with what is under way on them.
 */
static void close_connections(struct http *http)
{
	struct list all;

	list_for_each (link, &http->added) {
		struct http_request *request = list_entry(
			link, struct http_request, added);

		curl_easy_setopt(request->transfer.easy, CURLOPT_FORBID_REUSE, 1L);
	}
	free_given_up(http);
	list_take(&all, &http->added);
	while (!list_empty(&all))
		finish(list_entry(all.next, struct http_request, added),
			CURLE_OUT_OF_MEMORY);
}

/* The next turn: those paused first go on first, as far as it has room. */
static void resume(void *ctx)
{
	struct http *http = ctx;
	struct list paused;

	list_take(&paused, &http->paused);
	while (!list_empty(&paused)) {
		struct http_request *request = list_entry(
			paused.next, struct http_request, link);

		list_remove(&request->link);

		CURLcode code = loop_transfer_resume(http->loop, &request->transfer);

		if (code == CURLE_ABORTED_BY_CALLBACK)
			close_connections(http);
		else if (code && request->state == UNDER_WAY)
			finish(request, code);
	}
}

static int on_connected(void *ctx, char *peer, char *local, int peer_port, int local_port)
{
	struct http_request *request = ctx;
	struct loop *loop = request->http->loop;

	if (request->state != UNDER_WAY)
		return CURL_PREREQFUNC_ABORT;
	(void)peer, (void)local, (void)peer_port, (void)local_port;
	request->answer.heard_ms = loop_now_ms(loop);
	loop_timer_set(loop, &request->stall,
		request->answer.heard_ms + request->http->config.stall_ms);
	return CURL_PREREQFUNC_OK;
}

static void launch(struct http_request *request)
{
	struct http *http = request->http;

	http->line_len--;
	http->under_way++;
	keep_idle(http);
	list_remove(&request->link);
	list_append(&http->added, &request->added);
	request->state = UNDER_WAY;
	request->began_ms = loop_now_ms(http->loop);
	if (loop_transfer_add(http->loop, &request->transfer))
		finish(request, CURLE_OUT_OF_MEMORY);
}

static void pump(void *ctx)
{
	struct http *http = ctx;

	free_given_up(http);
	while (http->under_way < http->config.connections_max && !list_empty(&http->line))
		launch(list_entry(http->line.next, struct http_request, link));
}

/* A line break in a header would begin another one. */
static bool header_is_sound(const char *header)
{
	return !header || (strchr(header, ':') && !strpbrk(header, "\r\n"));
}

static int copy_string(const char *string, char **ret_copy)
{
	char *copy = string ? strdup(string) : NULL;

	if (string && !copy)
		return -ENOMEM;
	*ret_copy = copy;
	return 0;
}

/* Once: a mount may cover the file later, and each new connection needs it. */
static int read_ca_file(struct http *http, const char *path)
{
	int err = http_read_ca_file(path, &http->ca_text);

	http->ca = (struct curl_blob){
		.data = http->ca_text.data,
		.len = http->ca_text.len,
		.flags = CURL_BLOB_NOCOPY,
	};
	return err;
}

int http_new(struct loop *loop, const struct http_config *config, struct http **ret_http)
{
	if (!header_is_sound(config->secret_header))
		return -EINVAL;
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return -ENOMEM;
	http->loop = loop;
	list_init(&http->line);
	list_init(&http->added);
	list_init(&http->given_up);
	list_init(&http->paused);
	http->budget.loop = loop;
	loop_task_init(&http->pump, pump, http);
	loop_timer_init(&http->resume, resume, http);
	buf_init(&http->ca_text, CA_FILE_MAX);

	int err = config->ca_file ? read_ca_file(http, config->ca_file) : 0;

	if (!err)
		err = copy_string(config->user_agent, &http->user_agent);
	if (!err)
		err = copy_string(config->proxy, &http->proxy);
	if (!err)
		err = copy_string(config->secret_header, &http->secret);
	if (err) {
		http_free(http);
		return err;
	}
	http->config = *config;
	http->config.user_agent = http->user_agent;
	http->config.ca_file = NULL;
	http->config.proxy = http->proxy;
	http->config.secret_header = NULL;
	if (!http->config.connections_idle)
		http->config.connections_idle = config->connections_max;
	*ret_http = http;
	return 0;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	free_given_up(http);
	assert(list_empty(&http->line) && http->under_way == 0);
	loop_task_cancel(&http->pump);
	loop_timer_cancel(&http->resume);
	wipe_string(http->secret);
	buf_done(&http->ca_text);
	free(http->user_agent);
	free(http->proxy);
	free(http);
}

int http_set_secret(struct http *http, const char *secret_header)
{
	char *secret = NULL;

	if (!header_is_sound(secret_header))
		return -EINVAL;
	if (copy_string(secret_header, &secret))
		return -ENOMEM;
	wipe_string(http->secret);
	http->secret = secret;
	return 0;
}

/* Makes the libcurl side of a request. */
static int prepare(struct http_request *request, const char *method, const char *url)
{
	struct http *http = request->http;

	if (http->secret) {
		request->headers = curl_slist_append(NULL, http->secret);
		if (!request->headers)
			return -ENOMEM;
	}
	return http_transfer_new(
		&(struct http_transfer_options){
			.config = &http->config,
			.url = url,
			.method = method,
			.headers = request->headers,
			.ca = http->ca_text.len ? &http->ca : NULL,
			.on_connected = on_connected,
			.ctx = request,
		},
		&request->transfer.easy);
}

int http_start(struct http *http, const char *method, const char *url,
	const struct http_handlers *handlers, void *ctx,
	struct http_request **ret_request)
{
	if (http->line_len >= LINE_MAX_REQUESTS)
		return -ENOMEM;

	struct http_request *request = calloc(1, sizeof(*request));

	if (!request)
		return -ENOMEM;
	request->http = http;
	request->state = IN_LINE;
	list_init(&request->added);
	request->transfer.ended = transfer_ended;
	request->handlers = *handlers;
	loop_timer_init(&request->stall, stall_due, request);

	int err = prepare(request, method, url);

	if (err) {
		wipe_headers(request->headers);
		free(request);
		return err;
	}
	http_answer_init(&request->answer, request->transfer.easy, &http->budget,
		on_paused, &request->handlers, ctx, http->config.error_body_max);
	list_append(&http->line, &request->link);
	http->line_len++;
	loop_task_post(http->loop, &http->pump);
	*ret_request = request;
	return 0;
}

void http_cancel(struct http_request *request)
{
	struct http *http = request->http;

	/* on_done runs, and the request is freed after it anyway. */
	if (request->state == TELLING)
		return;
	if (request->state == UNDER_WAY && loop_in_libcurl(http->loop)) {
		request->state = GIVEN_UP;
		request->answer.cut = HTTP_CUT_REFUSED;
		loop_timer_cancel(&request->stall);
		list_remove(&request->link);
		list_append(&http->given_up, &request->link);
		loop_task_post(http->loop, &http->pump);
		return;
	}
	detach(request);
	request_free(request);
}
