/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "gladia/api.h"
#include "http/http.h"
#include "http/retry.h"
#include "json/items.h"

/*
 * What api.c shares with api_call.c (calls and their attempts), api_url.c (what is
 * asked), api_read.c (what an answer's body holds) and api_failure.c (what went wrong).
 */

enum {
	API_REASON_MAX = 512,
	API_URL_MAX = 16 << 10,
	API_TRIED_MAX = 256, /* and its NUL: a longer one is cut */
};

/* How an attempt failed. Its texts are printable ASCII without the key. */
struct api_failure {
	int error;              /* on_done()'s */
	bool again;             /* another attempt may help, as long as there is time */
	bool bad_body;          /* ... but not many of them */
	bool slow_all;          /* all calls have to slow down */
	int64_t retry_after_ms; /* the server's wish, or -1 */
	const char *advice;     /* what to do; a literal */
	char reason[API_REASON_MAX];
};

/* Sets a failure that is final (`again` and `bad_body` are false); returns `error`. */
int api_fail(struct api_failure *failure, int error, const char *advice,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * What a request's end means that is neither a 2xx answer nor HTTP_REFUSED. `key` is kept
 * out of the texts where the server quotes it; NULL: the server is not quoted at all.
 */
void api_fail_result(
	struct api_failure *failure, const struct http_result *result, const char *key);

/* To do where the answer looks like somebody else's. */
extern const char api_advice_other[];

/* A deletion was answered 2xx by who does not seem to be the API. Worth another try. */
void api_fail_unclear(struct api_failure *failure, long status);

/* A deletion was answered 403: the job is not finished. Keeps what the server said. */
void api_fail_unfinished(struct api_failure *failure);

/* No request is made, as an answer with `status` had all calls wait for so long. */
void api_fail_slowed(struct api_failure *failure, long status, int64_t wait_ms);

/* No answer by the end of the call's time. */
void api_fail_silence(struct api_failure *failure, int64_t timeout_ms);

/* Makes a NUL-terminated text printable ASCII without the key (NULL: none). */
void api_clean(char *text, const char *key);

/* "429 Too Many Requests", or the number alone. */
enum { API_STATUS_TEXT = 48 };
void api_status_print(long status, char text[static API_STATUS_TEXT]);

/* What a call asks for, and the same in words ("listing jobs (offset 40, ...)"). */
struct api_asked {
	const char *method; /* a literal */
	char *url;
	char *id; /* of a job; NULL: a list */
	char tried[API_TRIED_MAX];
};

/* Zeroed before. 0, -ENOMEM; to be freed in either case. */
int api_ask_list(const char *origin, const struct query *query, unsigned span,
	uint64_t offset, unsigned limit, struct api_asked *ret_asked);
int api_ask_job(const char *origin, const char *id, struct api_asked *ret_asked);
int api_ask_to_delete(const char *origin, const char *id, struct api_asked *ret_asked);
void api_asked_done(struct api_asked *asked);

/* Working memory that all calls share: each job is dealt with at one go. */
struct api_scratch {
	struct buf text;
	struct buf head;
	struct buf metadata;
	bool bad_time_logged; /* once for all calls */
};

/* Reads the body of a 2xx answer: a page, or one job. */
struct api_reader {
	struct api_scratch *scratch;
	const struct log *log;
	const char *tried;
	const char *id;  /* the job asked for; NULL: a page */
	uint64_t offset; /* asked for, of a page */
	int (*on_item)(void *ctx, const struct api_item *item);
	void *ctx;
	struct json_items *page;
	struct buf job;
	unsigned items; /* told so far, those refused included */
	unsigned refused;
	uint64_t bytes;
	struct api_failure failure;
};

/* The caller has set the members up to `ctx`, and zeroed the rest. 0, -ENOMEM. */
int api_reader_init(struct api_reader *reader);
void api_reader_done(struct api_reader *reader);

/* Begins anew. */
void api_reader_reset(struct api_reader *reader);

/* 0, or a negative errno with `failure` set. */
int api_reader_feed(struct api_reader *reader, const char *data, size_t len);

/* The body has ended; all of `ret_page` but elapsed_ms. As api_reader_feed(). */
int api_reader_finish(struct api_reader *reader, struct api_page *ret_page);

struct api {
	struct loop *loop;
	const struct log *log;
	struct http *http;
	char *origin;
	char *key;
	char *key_place;     /* for messages, or NULL */
	unsigned key_number; /* counts api_set_key() */
	int64_t timeout_ms;
	struct retry_gate gate;
	long gate_status; /* the answer that closed it */
	struct api_scratch scratch;
	struct api_stats stats;
	unsigned calls;
	void (*on_reach)(void *ctx, bool reached, const char *why);
	void *reach_ctx;
};
