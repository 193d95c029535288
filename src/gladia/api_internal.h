/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "gladia/api.h"
#include "gladia/job_finder.h"
#include "http/http.h"
#include "http/retry.h"
#include "json/items.h"

/*
 * Private to the files of the API client: api.c (the client), api_call.c (calls and their
 * attempts), api_request.c (URLs), api_response.c (bodies), api_error.c (failures),
 * api_outage.c (an API that is out of reach) and api_stats.c (counters).
 */

enum {
	API_REASON_MAX = 512,
	API_URL_MAX = 16 << 10,
	API_DESCRIPTION_MAX = 256, /* without the NUL; a longer description is cut off */
};

/* How an attempt failed. Its strings are printable ASCII without the key. */
struct api_failure {
	int error;              /* for on_done */
	bool again;             /* another attempt may help, if there is time */
	bool bad_body;          /* retry at most BAD_BODIES_MAX times */
	bool slow_all;          /* all calls must slow down */
	int64_t retry_after_ms; /* the server's Retry-After, or -1 */
	const char *advice;     /* what to do; a string literal */
	char reason[API_REASON_MAX];
};

/* Sets a failure that is final (`again` and `bad_body` are false). Returns `error`. */
int api_fail(struct api_failure *failure, int error, const char *advice,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * Sets the failure for a request that ended neither with a 2xx answer nor with
 * HTTP_REFUSED. `key` is redacted if the server quotes it. If `key` is NULL the server is
 * not quoted at all.
 */
void api_fail_result(
	struct api_failure *failure, const struct http_result *result, const char *key);

/* Advice for an answer that does not look like the API's. */
extern const char api_advice_other[];

/*
 * Sets the failure for a deletion that got a 2xx answer which the API does not give.
 * Retrying may help.
 */
void api_fail_unclear(struct api_failure *failure, long status);

/*
 * Changes the failure for a deletion that was answered 403: the job is not finished.
 * Keeps the server's message.
 */
void api_fail_unfinished(struct api_failure *failure);

/*
 * Sets the failure for a call that made no request, because an answer with `status` to
 * another call delays all calls for another `wait_ms`.
 */
void api_fail_slowed(struct api_failure *failure, long status, int64_t wait_ms);

/* Sets the failure for a call that got no answer before its time-out. */
void api_fail_silence(struct api_failure *failure, int64_t timeout_ms);

/* Makes a NUL-terminated text printable ASCII and redacts the key, if not NULL. */
void api_clean(char *text, const char *key);

/* Prints "429 Too Many Requests", or only the number if we have no words for it. */
enum { API_STATUS_TEXT = 48 };
void api_status_print(long status, char text[static API_STATUS_TEXT]);

/* A request, and its description for messages ("listing jobs (offset 40, ...)"). */
struct api_request {
	const char *method; /* string literal */
	char *url;
	char *id; /* id of a job, or NULL for a list */
	char description[API_DESCRIPTION_MAX];
};

/*
 * Fills in the request for a page of jobs. `list_url` is the API URL with the path of the
 * list. `ret_request` must be zeroed, and be released with api_request_done() even after
 * a failure. Returns 0 or -ENOMEM.
 */
int api_request_list(const char *list_url, const struct query *query, unsigned span,
	uint64_t offset, unsigned limit, struct api_request *ret_request);

/*
 * Fills in the request for one job. `ret_request` must be zeroed, and be released with
 * api_request_done() even after a failure. Returns 0 or -ENOMEM.
 */
int api_request_job(
	const char *list_url, const char *id, struct api_request *ret_request);

/*
 * Fills in the request that deletes one job. `ret_request` must be zeroed, and be
 * released with api_request_done() even after a failure. Returns 0 or -ENOMEM.
 */
int api_request_delete(
	const char *list_url, const char *id, struct api_request *ret_request);

/* Frees the strings of a request. */
void api_request_done(struct api_request *request);

/* Buffers that all calls share: a job is processed in one go, so only one is in use. */
struct api_scratch {
	struct buf text;
	struct buf head;
	struct buf metadata;
	struct job_finder finder;
	struct job_facts facts;
	bool bad_time_logged; /* a malformed timestamp was logged, by any call */
};

/* Reads the body of a 2xx answer: a page or one job. */
struct api_reader {
	struct api_scratch *scratch;
	const struct log *log;
	const char *description;
	const char *id;   /* of the requested job; NULL for a page */
	uint64_t offset;  /* requested offset of a page */
	int64_t asked_ms; /* wall time at which this attempt's request was sent */
	int (*on_item)(void *ctx, const struct api_item *item);
	void *ctx;
	struct json_items *page;
	struct buf job;
	unsigned items; /* passed to on_item so far, including rejected ones */
	unsigned rejected;
	uint64_t bytes;
	struct api_failure failure;
};

/*
 * Prepares a reader. The caller has set the members up to `ctx` and zeroed the rest; it
 * sets `asked_ms` before each attempt. Returns 0 or -ENOMEM.
 */
int api_reader_init(struct api_reader *reader);

/* Frees the reader's buffers. */
void api_reader_done(struct api_reader *reader);

/* Makes the reader ready for another attempt's body. */
void api_reader_reset(struct api_reader *reader);

/* Reads more of the body. Returns 0, or a negative errno with `failure` set. */
int api_reader_feed(struct api_reader *reader, const char *data, size_t len);

/*
 * Checks that the body is complete and fills in `ret_page`, except elapsed_ms; a single
 * job is passed to on_item here. Returns 0, or a negative errno with `failure` set.
 */
int api_reader_finish(struct api_reader *reader, struct api_page *ret_page);

/* The API is out of reach, without offline_ok (api_outage.c). */
struct api_outage {
	bool enabled;
	int64_t began_ms;
	int64_t until_ms;       /* calls that are started before this time fail at once */
	struct api_call *probe; /* the call that tries again; or NULL */
	char reason[API_REASON_MAX];
};

struct api {
	struct loop *loop;
	const struct log *log;
	struct http *http;
	char *list_url; /* API URL with the path of the list of jobs */
	char *key;
	char *key_place;     /* where the key was read from, for messages; or NULL */
	unsigned key_number; /* incremented if the key is replaced by another one */
	int64_t timeout_ms;
	struct retry_gate gate;
	long gate_status; /* status of the answer that closed the gate */
	struct api_scratch scratch;
	struct api_stats stats;
	unsigned calls;
	void (*on_reachability)(void *ctx, bool reached, const char *errmsg);
	void *reachability_ctx;
	struct api_outage outage;
	struct list refused; /* calls that wait for the key to be read again */
	void (*on_key_refused)(void *ctx);
	void *key_refused_ctx;
};

/* Counts an attempt that ended. */
void api_stats_count(struct api_stats *stats, const struct http_result *result);

/* True if a call that is started now must fail at once. */
bool api_outage_lasts(const struct api *api);

/*
 * Begins an outage, if that is enabled and there is none, and starts a call that tries
 * again. `reason` says why the last call had no connection.
 */
void api_outage_begin(struct api *api, const char *reason);

/* Ends an outage, because the server has answered. */
void api_outage_end(struct api *api);

/* Sets the failure for a call that was started during an outage. */
void api_outage_fail(const struct api *api, struct api_failure *failure);

/* Cancels the call that tries again. */
void api_outage_done(struct api *api);

/* Changes the time-out of a call. */
void api_limit(struct api_call *call, int64_t timeout_ms);
