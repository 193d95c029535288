/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/array.h"
#include "base/buf.h"
#include "base/log.h"
#include "gladia/api.h"
#include "support/patience.h"
#include "support/raw_server.h"

/*
 * Fixture for the tests of gladia/api.h: an API client connected to a raw server, an
 * event loop whose clock only the test advances, and calls that record their results.
 */
enum {
	API_ASKS_MAX = 32,
	API_ASK_IDS_MAX = 512,
	API_ASKS_TIMEOUT_MS = 30 * 1000,
	API_ASKS_STALL_MS = 10 * 1000, /* the value in api.c */
};

#define API_ASKS_KEY "5ecret-5ecret-5ecret"

/* For routes: the target of the first page without filters, and parts of an answer. */
#define LIST_TARGET "/v2/pre-recorded?offset=0&limit=20"
#define OK          "HTTP/1.1 200 OK\r\n"
#define BYTES(text) .bytes = (text), .len = sizeof(text) - 1
#define BODY(text)  BYTES(OK "\r\n" text), .after = RAW_CLOSE

#define COUNT(array) (ARRAY_SIZE(array))

struct api_asks;

struct api_ask {
	struct api_asks *asks;
	struct api_call *call;
	int done;
	int error;
	bool has_page;
	struct api_page page;
	char why[API_ERRMSG_MAX];
	struct buf ids;  /* space-separated ids since the last restart; "-": refused */
	struct buf text; /* text of the last item */
	struct buf metadata; /* metadata of the last item */
	struct job job;      /* head of the last item */
	bool summary;
	int restarts;
	int refuse_with;           /* value that on_item returns */
	struct api_ask *to_cancel; /* call that on_item cancels */
	const char *next;          /* id of a job that on_item requests */
};

struct api_asks {
	struct clock clock;
	int64_t now_ms;
	struct log log;
	struct loop *loop;
	struct api *api;
	struct raw_server *server;
	struct raw_route answering[2];
	struct buf answer;
	int cancelled; /* number of calls cancelled during an attempt */
	struct api_ask asks[API_ASKS_MAX];
	int len;
};

/*
 * Creates an API client and a server with these routes. Fails the test if that is
 * impossible.
 */
struct api_asks *api_asks_new(const struct raw_route *routes);

/* Like api_asks_new(), but the client uses `origin`; NULL: the server's own origin. */
struct api_asks *api_asks_new_at(const struct raw_route *routes, const char *origin);

/*
 * Creates a client and a server with one route. `status` is like "200 OK", optionally
 * followed by headers.
 */
struct api_asks *api_asks_new_answering(
	const char *target, const char *status, const char *body);

/* Cancels the calls that have not ended, and frees everything. */
void api_asks_free(struct api_asks *asks);

/* Request the page at LIST_TARGET, any page, or one job, or delete a job. */
struct api_ask *api_asks_list(struct api_asks *asks);
struct api_ask *api_asks_page(struct api_asks *asks, uint64_t offset, unsigned limit);
struct api_ask *api_asks_get(struct api_asks *asks, const char *id);
struct api_ask *api_asks_delete(struct api_asks *asks, const char *id);

/* Cancels a call that has an attempt under way. */
void api_asks_cancel(struct api_ask *ask);

/* Returns the number of attempts that have neither ended nor been cancelled. */
int api_asks_under_way(const struct api_asks *asks);

/*
 * Runs the loop until the call is done; advances the clock while no attempt is under way.
 */
void api_asks_settle(struct api_ask *ask);

/*
 * Run the loop without advancing the clock, until no attempt is under way, or until the
 * server has received `count` requests.
 */
void api_asks_until_idle(struct api_asks *asks);
void api_asks_until_requests(struct api_asks *asks, int count);

/* Advances the clock and runs one turn of the loop without waiting. */
void api_asks_forward(struct api_asks *asks, int64_t ms);

/* Run a single call to its end; the caller frees its `asks`. */
struct api_ask *api_asks_list_once(const struct raw_route *routes);
struct api_ask *api_asks_get_once(const struct raw_route *routes, const char *id);

/* Fails the test if `text` does not contain `part`. */
void assert_holds(const char *text, const char *part);

/*
 * Capture stderr; stderr_capture_end() returns the captured text, which the caller frees.
 */
int stderr_capture_begin(void);
char *stderr_capture_end(int capture);
