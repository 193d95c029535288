/* SPDX-License-Identifier: MIT */
#include "http/http.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_internal.h"

/*
 * The states of a request:
 *
 *   state      event                                     next state
 *   QUEUED    fewer than connections_max are active     ACTIVE
 *              http_cancel()                             freed
 *   ACTIVE  libcurl ends the transfer                 COMPLETING
 *              nothing is received for stall_ms          COMPLETING
 *              no memory to start or resume it           COMPLETING
 *              http_cancel()                             freed
 *              http_cancel() from a libcurl callback     CANCELLED
 *   COMPLETING    on_done() returns                         freed
 *   CANCELLED   the task that starts queued requests      freed
 *
 * We queue requests ourselves instead of using CURLMOPT_MAX_TOTAL_CONNECTIONS, because
 * libcurl 7.88.1 does not process its queue in order, and does not report which requests
 * are still in it. At most connections_max requests are active, so there are never more
 * connections in use.
 */
enum state { QUEUED, ACTIVE, COMPLETING, CANCELLED };

/* A caller that reaches this limit starts requests in an endless loop. */
enum { QUEUE_MAX = 64 * 1024 };

/* Maximum size of ca_file in bytes; all certificates of Debian take 0.2 MiB. */
enum { CA_FILE_MAX = 16 << 20 };

struct http {
	struct loop *loop;
	struct http_config config; /* its strings are the members below, or NULL */
	char *user_agent;
	char *proxy;
	struct buf ca_text;    /* contents of ca_file; empty: use those of the system */
	struct curl_blob ca;   /* refers to ca_text */
	char *secret;          /* the secret header, or NULL */
	struct list queue;     /* the queue of requests */
	struct list added;     /* requests that were added to libcurl */
	struct list cancelled; /* requests that were cancelled from within libcurl */
	int queue_len;         /* length of the queue */
	int under_way;         /* number of active requests */
	struct loop_task start_queued; /* starts queued requests */
	struct http_budget budget;
	struct list paused;       /* active requests, paused until the next turn */
	struct loop_timer resume; /* resumes them */
};

struct http_request {
	struct list link;  /* in the queue, or in the paused or the cancelled requests */
	struct list added; /* in the requests that were added to libcurl */
	struct http *http;
	enum state state;
	struct loop_transfer transfer;
	struct loop_timer stall;
	struct curl_slist *headers;
	struct http_handlers handlers;
	int64_t began_ms; /* when it became active */
	struct http_response answer;
};

static void http_wipe_string(char *string)
{
	if (string)
		explicit_bzero(string, strlen(string));
	free(string);
}

static void http_wipe_headers(struct curl_slist *headers)
{
	for (struct curl_slist *header = headers; header; header = header->next)
		explicit_bzero(header->data, strlen(header->data));
	curl_slist_free_all(headers);
}

static void http_request_free(struct http_request *request)
{
	loop_timer_cancel(&request->stall);
	curl_easy_cleanup(request->transfer.easy);
	http_wipe_headers(request->headers);
	http_response_done(&request->answer);
	free(request);
}

/*
 * libcurl's limit of idle connections also counts those in use. We raise it by their
 * number; otherwise libcurl would close each connection that becomes idle while many are
 * stalled.
 */
static void http_keep_idle(const struct http *http)
{
	loop_keep_connections(
		http->loop, http->config.connections_idle + http->under_way);
}

/* Removes a request from the queue or from libcurl, and from all other lists. */
static void http_detach(struct http_request *request)
{
	struct http *http = request->http;

	if (request->state == QUEUED) {
		http->queue_len--;
	} else {
		http->under_way--;
		list_remove(&request->added);
		http_keep_idle(http);
		loop_transfer_remove(http->loop, &request->transfer);
		loop_task_post(http->loop, &http->start_queued);
	}
	list_remove(&request->link);
	loop_timer_cancel(&request->stall);
}

/* Ends an active request: calls on_done() and frees the request. */
static void http_finish(struct http_request *request, CURLcode code)
{
	struct http_result result;

	http_detach(request);
	request->state = COMPLETING;
	http_response_result(&request->answer, code, &result);
	result.elapsed_ms = loop_now_ms(request->http->loop) - request->began_ms;
	request->handlers.on_done(request->answer.ctx, &result);
	http_request_free(request);
}

static void http_transfer_ended(struct loop_transfer *transfer, CURLcode code)
{
	struct http_request *request = list_entry(
		transfer, struct http_request, transfer);

	if (request->state == ACTIVE)
		http_finish(request, code);
}

/*
 * Ends a request that has received nothing for stall_ms. We do not move the timer
 * whenever bytes arrive; it checks when it fires, and is set again if necessary.
 */
static void http_stall_due(void *ctx)
{
	struct http_request *request = ctx;
	struct loop *loop = request->http->loop;
	int64_t due = request->answer.received_ms + request->http->config.stall_ms;

	if (due > loop_now_ms(loop)) {
		loop_timer_set(loop, &request->stall, due);
		return;
	}
	/* The connection may be dead; with HTTP/2 libcurl would otherwise reuse it. */
	curl_easy_setopt(request->transfer.easy, CURLOPT_FORBID_REUSE, 1L);
	request->answer.cut = HTTP_CUT_SILENT;
	http_finish(request, CURLE_OPERATION_TIMEDOUT);
}

/* Called within libcurl: schedules the request to be resumed in the next turn. */
static void http_on_paused(struct http_response *answer)
{
	struct http_request *request = list_entry(answer, struct http_request, answer);
	struct http *http = request->http;

	if (request->state != ACTIVE)
		return;
	list_remove(&request->link);
	list_append(&http->paused, &request->link);
	if (!loop_timer_is_set(&http->resume))
		loop_timer_set(http->loop, &http->resume, loop_now_ms(http->loop));
}

/* Frees the requests that were cancelled from within libcurl. */
static void http_free_cancelled(struct http *http)
{
	list_for_each_safe (link, &http->cancelled) {
		struct http_request *request = list_entry(
			link, struct http_request, link);

		http_detach(request);
		http_request_free(request);
	}
}

/*
 * Closes all connections in use and ends the requests on them. This avoids a bug of
 * libcurl 7.88.1: if it has no memory to register a transfer with a socket, it divides by
 * zero when it registers the next one with that socket (in singlesocket()). With HTTP/2
 * that is the next request: of 200 allocations during four large responses, 4 end the
 * process if they fail.
 */
static void http_close_connections(struct http *http)
{
	struct list all;

	list_for_each (link, &http->added) {
		struct http_request *request = list_entry(
			link, struct http_request, added);

		curl_easy_setopt(request->transfer.easy, CURLOPT_FORBID_REUSE, 1L);
	}
	http_free_cancelled(http);
	list_take(&all, &http->added);
	while (!list_empty(&all))
		http_finish(list_entry(all.next, struct http_request, added),
			CURLE_OUT_OF_MEMORY);
}

/*
 * Resumes the paused requests in the order in which they were paused. They are paused
 * again if the budget of this turn is used up too.
 */
static void http_resume(void *ctx)
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
			http_close_connections(http);
		else if (code && request->state == ACTIVE)
			http_finish(request, code);
	}
}

/* Called within libcurl when a request has a connection: starts the stall timeout. */
static int http_on_connected(
	void *ctx, char *peer, char *local, int peer_port, int local_port)
{
	struct http_request *request = ctx;
	struct loop *loop = request->http->loop;

	if (request->state != ACTIVE)
		return CURL_PREREQFUNC_ABORT;
	(void)peer, (void)local, (void)peer_port, (void)local_port;
	request->answer.received_ms = loop_now_ms(loop);
	loop_timer_set(loop, &request->stall,
		request->answer.received_ms + request->http->config.stall_ms);
	return CURL_PREREQFUNC_OK;
}

/* Makes a queued request active. */
static void http_launch(struct http_request *request)
{
	struct http *http = request->http;

	http->queue_len--;
	http->under_way++;
	http_keep_idle(http);
	list_remove(&request->link);
	list_append(&http->added, &request->added);
	request->state = ACTIVE;
	request->began_ms = loop_now_ms(http->loop);
	if (loop_transfer_add(http->loop, &request->transfer))
		http_finish(request, CURLE_OUT_OF_MEMORY);
}

/* Starts as many queued requests as connections_max permits. */
static void http_start_queued(void *ctx)
{
	struct http *http = ctx;

	http_free_cancelled(http);
	while (http->under_way < http->config.connections_max &&
		!list_empty(&http->queue))
		http_launch(list_entry(http->queue.next, struct http_request, link));
}

/* True if it is one header, or NULL: a line break would start a second header. */
static bool http_header_is_sound(const char *header)
{
	return !header || (strchr(header, ':') && !strpbrk(header, "\r\n"));
}

static int http_copy_string(const char *string, char **ret_copy)
{
	char *copy = string ? strdup(string) : NULL;

	if (string && !copy)
		return -ENOMEM;
	*ret_copy = copy;
	return 0;
}

/*
 * Reads ca_file into memory. Each new connection needs the certificates, and a mount may
 * hide the file later.
 */
static int http_keep_ca_file(struct http *http, const char *path)
{
	int err = http_read_ca_file(path, &http->ca_text);

	http->ca = (struct curl_blob){
		.data = http->ca_text.data,
		.len = http->ca_text.len,
		.flags = CURL_BLOB_NOCOPY,
	};
	return err;
}

const char *http_library_version(void)
{
	return curl_version();
}

int http_new(struct loop *loop, const struct http_config *config, struct http **ret_http)
{
	if (!http_header_is_sound(config->secret_header))
		return -EINVAL;
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return -ENOMEM;
	http->loop = loop;
	list_init(&http->queue);
	list_init(&http->added);
	list_init(&http->cancelled);
	list_init(&http->paused);
	http->budget.loop = loop;
	loop_task_init(&http->start_queued, http_start_queued, http);
	loop_timer_init(&http->resume, http_resume, http);
	buf_init(&http->ca_text, CA_FILE_MAX);

	int err = config->ca_file ? http_keep_ca_file(http, config->ca_file) : 0;

	if (!err)
		err = http_copy_string(config->user_agent, &http->user_agent);
	if (!err)
		err = http_copy_string(config->proxy, &http->proxy);
	if (!err)
		err = http_copy_string(config->secret_header, &http->secret);
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
	http_free_cancelled(http);
	assert(list_empty(&http->queue) && http->under_way == 0);
	loop_task_cancel(&http->start_queued);
	loop_timer_cancel(&http->resume);
	http_wipe_string(http->secret);
	buf_done(&http->ca_text);
	free(http->user_agent);
	free(http->proxy);
	free(http);
}

int http_set_secret(struct http *http, const char *secret_header)
{
	char *secret = NULL;

	if (!http_header_is_sound(secret_header))
		return -EINVAL;
	if (http_copy_string(secret_header, &secret))
		return -ENOMEM;
	http_wipe_string(http->secret);
	http->secret = secret;
	return 0;
}

/* Creates the headers and the easy handle of a request. Returns 0, -EINVAL or -ENOMEM. */
static int http_prepare(struct http_request *request, const char *method, const char *url)
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
			.on_connected = http_on_connected,
			.ctx = request,
		},
		&request->transfer.easy);
}

int http_start(struct http *http, const char *method, const char *url,
	const struct http_handlers *handlers, void *ctx,
	struct http_request **ret_request)
{
	if (http->queue_len >= QUEUE_MAX)
		return -ENOMEM;

	struct http_request *request = calloc(1, sizeof(*request));

	if (!request)
		return -ENOMEM;
	request->http = http;
	request->state = QUEUED;
	list_init(&request->added);
	request->transfer.ended = http_transfer_ended;
	request->handlers = *handlers;
	loop_timer_init(&request->stall, http_stall_due, request);

	int err = http_prepare(request, method, url);

	if (err) {
		http_wipe_headers(request->headers);
		free(request);
		return err;
	}
	http_response_init(&request->answer, request->transfer.easy, &http->budget,
		http_on_paused, &request->handlers, ctx, http->config.error_body_max);
	list_append(&http->queue, &request->link);
	http->queue_len++;
	loop_task_post(http->loop, &http->start_queued);
	*ret_request = request;
	return 0;
}

void http_cancel(struct http_request *request)
{
	struct http *http = request->http;

	/* We are in on_done(); the request is freed when it returns. */
	if (request->state == COMPLETING)
		return;
	if (request->state == ACTIVE && loop_in_libcurl(http->loop)) {
		request->state = CANCELLED;
		request->answer.cut = HTTP_CUT_REFUSED;
		loop_timer_cancel(&request->stall);
		list_remove(&request->link);
		list_append(&http->cancelled, &request->link);
		loop_task_post(http->loop, &http->start_queued);
		return;
	}
	http_detach(request);
	http_request_free(request);
}
