/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "gladia/api_internal.h"

/*
 * Calls: each one is a series of attempts, until one succeeds, a failure is final, or the
 * time-out is reached. A call's state follows from its members:
 *
 *   WAITING  `again` set      fires, and the gate is open    -> TRYING
 *                             fires, and the gate is closed  -> WAITING or ENDED
 *   TRYING   `request` set    a complete 2xx answer          -> ENDED
 *                             a failure worth another try    -> WAITING, or ENDED if the
 *                                                               wait exceeds `deadline`
 *                             401 or 403, for the first time -> REFUSED
 *                             any other failure              -> ENDED
 *   REFUSED  in api->refused  api_key_settled(): another key -> WAITING
 *                             api_key_settled(): same key    -> ENDED
 *   any of these              `deadline` fires               -> ENDED
 *                             api_cancel()                   -> freed
 *   ENDED    on_done() runs   on_done() returns              -> freed
 */

/* How often we retry after a 2xx answer that is not JSON. */
enum { BAD_BODIES_MAX = 2 };

struct api_call {
	struct api *api;
	struct api_handlers handlers;
	void *ctx;
	struct api_request api_request;
	struct api_reader reader;
	struct http_request *request;
	struct loop_timer again;
	struct loop_timer deadline;
	int64_t began_ms;
	int64_t attempt_ms; /* start of the current attempt */
	unsigned key_number;
	int attempts;
	int failures;
	int bad_bodies;
	struct api_failure failure; /* of the last attempt that failed */
	bool deletes;
	bool may_be_deleted; /* an attempt without an answer may have deleted the job */
	bool unconnected;    /* the last attempt that failed had no connection */
	bool reported;
	bool was_refused;    /* has waited for the key to be read again */
	struct list refused; /* in api->refused */
};

static void call_free(struct api_call *call)
{
	list_remove(&call->refused);
	loop_timer_cancel(&call->again);
	loop_timer_cancel(&call->deadline);
	api_reader_done(&call->reader);
	api_request_done(&call->api_request);
	call->api->calls--;
	free(call);
}

/* Writes the error message for call->failure. */
static void call_print_errmsg(
	const struct api_call *call, char errmsg[static API_ERRMSG_MAX])
{
	const struct api *api = call->api;
	const char *place = call->failure.error == -EACCES ? api->key_place : NULL;
	char attempts[64] = "";

	if (call->attempts > 1)
		(void)snprintf(attempts, sizeof(attempts),
			" (%d attempts in %" PRId64 " s)", call->attempts,
			(loop_now_ms(api->loop) - call->began_ms + 500) / 1000);
	(void)snprintf(errmsg, API_ERRMSG_MAX, "%s: %s%s; %s%s%s",
		call->api_request.description, call->failure.reason, attempts,
		call->failure.advice, place ? ": it is " : "", place ? place : "");
	api_clean(errmsg, api->key);
}

static void call_succeed(struct api_call *call, const struct api_page *page)
{
	api_outage_end(call->api);
	call->reported = true;
	call->handlers.on_done(call->ctx, 0, page, "");
	call_free(call);
}

/* Ends the call with call->failure. */
static void call_give_up(struct api_call *call)
{
	char errmsg[API_ERRMSG_MAX];

	if (call->unconnected)
		api_outage_begin(call->api, call->failure.reason);
	call_print_errmsg(call, errmsg);
	call->reported = true;
	call->handlers.on_done(call->ctx, call->failure.error, NULL, errmsg);
	call_free(call);
}

/* Logs the end of an attempt, if that was asked for with -v or -d. */
static void call_log_result(const struct api_call *call, const struct http_result *result)
{
	char status[API_STATUS_TEXT];
	char detail[256];

	if (!log_is_verbose(call->api->log))
		return;
	api_status_print(result->status, status);
	(void)snprintf(detail, sizeof(detail), "%s", result->detail);
	api_clean(detail, call->api->key);
	log_verbose(call->api->log,
		"%s %s: %s%s%s, %" PRIu64 " bytes, %" PRId64 " ms, attempt %d",
		call->api_request.method, call->api_request.url,
		result->status ? status : "no answer", detail[0] ? ", " : "", detail,
		result->bytes, result->elapsed_ms, call->attempts);
}

/* Waits `wait_ms` for the next attempt, or ends the call if that is too late. */
static void call_wait_again(struct api_call *call, int64_t wait_ms)
{
	struct api *api = call->api;
	int64_t due_ms = loop_now_ms(api->loop) + wait_ms;

	if (due_ms < call->deadline.due_ms) {
		loop_timer_set(api->loop, &call->again, due_ms);
		return;
	}
	if (!call->failures)
		api_fail_slowed(&call->failure, api->gate_status, wait_ms);
	call_give_up(call);
}

/* Continues a call that was refused, in the next turn, or ends it. */
static void call_settle(struct api_call *call)
{
	if (call->key_number == call->api->key_number)
		call_give_up(call);
	else
		loop_timer_set(
			call->api->loop, &call->again, loop_now_ms(call->api->loop));
}

void api_key_settled(struct api *api)
{
	struct list refused;

	list_take(&refused, &api->refused);
	while (!list_empty(&refused)) {
		struct api_call *call = list_entry(
			refused.next, struct api_call, refused);

		list_remove(&call->refused);
		call_settle(call);
	}
}

/*
 * Has the key read again if it was refused, and lets the call wait for that. Returns
 * false if the call must go on by itself. If it returns true, the call may be freed.
 */
static bool call_wait_for_key(struct api_call *call)
{
	struct api *api = call->api;
	bool first = list_empty(&api->refused);

	if (call->failure.error != -EACCES || call->was_refused || !api->on_key_refused)
		return false;
	call->was_refused = true;
	/* The key was replaced during this attempt. */
	if (call->key_number != api->key_number) {
		call_settle(call);
		return true;
	}
	list_append(&api->refused, &call->refused);
	if (first)
		api->on_key_refused(api->key_refused_ctx);
	return true;
}

/*
 * Retries or ends the call after an attempt failed with call->failure. `status` is that
 * of the answer, or 0 if there was none.
 */
static void call_attempt_failed(struct api_call *call, long status)
{
	struct api *api = call->api;
	const struct api_failure *failure = &call->failure;
	int64_t now_ms = loop_now_ms(api->loop);
	/*
	 * A server that is overloaded may still say "Retry-After: 0": use the back-off.
	 */
	int64_t wish_ms = failure->retry_after_ms > 0 ? failure->retry_after_ms : -1;

	call->failures++;
	if (call_wait_for_key(call))
		return;
	if (!failure->again ||
		(failure->bad_body && ++call->bad_bodies > BAD_BODIES_MAX)) {
		call_give_up(call);
		return;
	}

	int64_t delay_ms = retry_delay_ms(
		&api->gate, call->failures, wish_ms, failure->slow_all, now_ms);
	int64_t gate_ms = retry_gate_ms(&api->gate, now_ms);

	if (failure->slow_all)
		api->gate_status = status;
	call_wait_again(call, MAX(delay_ms, gate_ms));
}

static int call_on_data(void *ctx, const char *data, size_t len)
{
	struct api_call *call = ctx;

	/* The body of an answer to DELETE is not used. */
	if (call->deletes)
		return 0;
	return api_reader_feed(&call->reader, data, len);
}

/*
 * True if this call has deleted the job. 404 counts as success if an earlier attempt got
 * no answer: most likely that attempt deleted the job.
 */
static bool call_judge_deletion(struct api_call *call, const struct http_result *result)
{
	if (result->status == 404)
		return call->may_be_deleted;
	/* These statuses are conclusive, even if the rest of the response is broken. */
	if (result->status == 202 || result->status == 204)
		return true;
	if (result->status >= 500 || result->status / 100 == 2 ||
		(!result->status && result->failure != HTTP_UNREACHABLE))
		call->may_be_deleted = true;
	return false;
}

/* Reports to api_on_reachability()'s callback if the server was reached. */
static void call_report_reach(const struct api_call *call, bool reached)
{
	const struct api *api = call->api;

	if (api->on_reachability)
		api->on_reachability(api->reachability_ctx, reached,
			reached ? "" : call->failure.reason);
}

/*
 * Reports the end of an attempt that failed with call->failure. An answer that broke off
 * before its status is reported as neither reached nor unreachable.
 */
static void call_report_result(
	const struct api_call *call, const struct http_result *result)
{
	if (result->failure == HTTP_UNREACHABLE || result->failure == HTTP_SILENT)
		call_report_reach(call, false);
	else if (result->status)
		call_report_reach(call, true);
}

static void call_on_result(void *ctx, const struct http_result *result)
{
	struct api_call *call = ctx;
	struct api *api = call->api;
	bool whole = result->failure == HTTP_OK && result->status / 100 == 2;
	struct api_page page;

	call->request = NULL;
	api_stats_count(&api->stats, result);
	call_log_result(call, result);
	if (call->deletes && call_judge_deletion(call, result)) {
		page = (struct api_page){.status = result->status};
		call_report_reach(call, true);
		call_succeed(call, &page);
		return;
	}
	if (!call->deletes && whole && !api_reader_finish(&call->reader, &page)) {
		page.elapsed_ms = result->elapsed_ms;
		call_report_reach(call, true);
		call_succeed(call, call->reader.id ? NULL : &page);
		return;
	}
	if (!call->deletes && (whole || result->failure == HTTP_REFUSED))
		call->failure = call->reader.failure;
	else
		/*
		 * If the key was replaced meanwhile we cannot redact the old one, so we
		 * do not quote the server at all.
		 */
		api_fail_result(&call->failure, result,
			call->key_number == api->key_number ? api->key : NULL);
	if (call->deletes && result->status == 403)
		api_fail_unfinished(&call->failure);
	if (call->deletes && result->status / 100 == 2)
		api_fail_unclear(&call->failure, result->status);
	call->unconnected = result->unconnected;
	if (result->status)
		api_outage_end(api);
	call_report_result(call, result);
	call_attempt_failed(call, result->status);
}

/* Starts an attempt. Returns 0, -ENOMEM, or -EINVAL if the URL is invalid. */
static int call_attempt(struct api_call *call)
{
	static const struct http_handlers handlers = {
		.on_data = call_on_data, .on_done = call_on_result};
	struct api *api = call->api;
	int err;

	api_reader_reset(&call->reader);
	call->reader.asked_ms = clock_wall_ms(loop_clock(api->loop));
	err = http_start(api->http, call->api_request.method, call->api_request.url,
		&handlers, call, &call->request);
	if (err)
		return err;
	call->key_number = api->key_number;
	call->attempt_ms = loop_now_ms(api->loop);
	api->stats.requests++;
	if (call->attempts++)
		api->stats.retries++;
	return 0;
}

static void call_again_due(void *ctx)
{
	struct api_call *call = ctx;
	struct api *api = call->api;

	/* The call was started during an outage. */
	if (!call->attempts && api_outage_lasts(api)) {
		api_outage_fail(api, &call->failure);
		call_give_up(call);
		return;
	}

	int64_t gate_ms = retry_gate_ms(&api->gate, loop_now_ms(api->loop));

	if (gate_ms) {
		call_wait_again(call, gate_ms);
		return;
	}
	if (call->reader.items && call->handlers.on_restart)
		call->handlers.on_restart(call->ctx);

	int err = call_attempt(call);

	if (!err)
		return;
	api_fail(&call->failure, err, "try again when fewer requests are in progress",
		"cannot start a request: %s", strerror(-err));
	call_give_up(call);
}

static void call_deadline_due(void *ctx)
{
	struct api_call *call = ctx;
	struct api *api = call->api;

	if (call->request) {
		http_cancel(call->request);
		call->request = NULL;
		api->stats.failed++;
		log_verbose(api->log, "%s %s: timed out, %" PRId64 " ms, attempt %d",
			call->api_request.method, call->api_request.url,
			loop_now_ms(api->loop) - call->attempt_ms, call->attempts);
	}
	if (!call->failures)
		api_fail_silence(&call->failure, api->timeout_ms);
	if (call->failure.error == -ETIMEDOUT)
		call_report_reach(call, false);
	call_give_up(call);
}

/*
 * Starts a prepared call; `err` is what api_request_...() returned. Frees the call on
 * failure.
 */
static int call_begin(struct api_call *call, int err, struct api_call **ret_call)
{
	struct api *api = call->api;

	call->reader.id = call->api_request.id;
	call->began_ms = loop_now_ms(api->loop);
	if (!err)
		err = api_reader_init(&call->reader);
	if (!err && (retry_gate_ms(&api->gate, call->began_ms) || api_outage_lasts(api)))
		/*
		 * Callbacks must not be called from here, so a timer examines this again.
		 */
		loop_timer_set(api->loop, &call->again, call->began_ms);
	else if (!err)
		err = call_attempt(call);
	if (err) {
		call_free(call);
		return err;
	}
	loop_timer_set(api->loop, &call->deadline, call->began_ms + api->timeout_ms);
	*ret_call = call;
	return 0;
}

static struct api_call *call_new(
	struct api *api, const struct api_handlers *handlers, void *ctx)
{
	struct api_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->api = api;
	call->handlers = *handlers;
	call->ctx = ctx;
	call->reader.scratch = &api->scratch;
	call->reader.log = api->log;
	call->reader.description = call->api_request.description;
	call->reader.on_item = handlers->on_item;
	call->reader.ctx = ctx;
	loop_timer_init(&call->again, call_again_due, call);
	loop_timer_init(&call->deadline, call_deadline_due, call);
	list_init(&call->refused);
	api->calls++;
	return call;
}

int api_list(struct api *api, const struct query *query, unsigned span, uint64_t offset,
	unsigned limit, const struct api_handlers *handlers, void *ctx,
	struct api_call **ret_call)
{
	struct api_call *call = call_new(api, handlers, ctx);

	if (!call)
		return -ENOMEM;
	call->reader.offset = offset;
	return call_begin(call,
		api_request_list(
			api->list_url, query, span, offset, limit, &call->api_request),
		ret_call);
}

int api_get(struct api *api, const char *id, const struct api_handlers *handlers,
	void *ctx, struct api_call **ret_call)
{
	/* With an empty id the URL would be that of the list. */
	struct api_call *call = *id ? call_new(api, handlers, ctx) : NULL;

	if (!call)
		return *id ? -ENOMEM : -EINVAL;
	return call_begin(
		call, api_request_job(api->list_url, id, &call->api_request), ret_call);
}

int api_delete(struct api *api, const char *id, const struct api_handlers *handlers,
	void *ctx, struct api_call **ret_call)
{
	struct api_call *call = *id ? call_new(api, handlers, ctx) : NULL;

	if (!call)
		return *id ? -ENOMEM : -EINVAL;
	call->deletes = true;
	return call_begin(call, api_request_delete(api->list_url, id, &call->api_request),
		ret_call);
}

void api_limit(struct api_call *call, int64_t timeout_ms)
{
	loop_timer_set(call->api->loop, &call->deadline, call->began_ms + timeout_ms);
}

void api_cancel(struct api_call *call)
{
	/* We are in its on_done: the call is freed when that returns. */
	if (call->reported)
		return;
	if (call->request)
		http_cancel(call->request);
	call_free(call);
}
