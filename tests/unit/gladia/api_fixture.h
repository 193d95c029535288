/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/array.h"
#include "base/buf.h"
#include "base/log.h"
#include "gladia/api.h"
#include "support/patience.h"
#include "support/raw_server.h"

/*
 * What the tests of gladia/api.h stand on: an api in front of a raw server, on a loop
 * whose clock stands still unless it is put forward, and calls that write down what
 * becomes of them.
 */
enum {
	API_ASKS_MAX = 32,
	API_ASK_IDS_MAX = 512,
	API_ASKS_TIMEOUT_MS = 30 * 1000,
	API_ASKS_STALL_MS = 10 * 1000, /* what api.c makes of it */
};

#define API_ASKS_KEY "5ecret-5ecret-5ecret"

/* For routes: what is asked for the first page of all, and an answer up to its close. */
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
	struct buf ids;  /* of the items since the last restart, each and a ' '; "-" for
			  * one refused */
	struct buf text; /* of the last item */
	struct buf metadata; /* of the last item */
	struct job job;      /* of the last item */
	bool summary;
	int restarts;
	int refuse_with;           /* what on_item answers */
	struct api_ask *to_cancel; /* in on_item */
	const char *next;          /* a job to get in on_item */
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
	int cancelled; /* while an attempt was under way */
	struct api_ask asks[API_ASKS_MAX];
	int len;
};

/* Fails the test where it cannot be had. */
struct api_asks *api_asks_new(const struct raw_route *routes);

/* The same for an address where the server is not; `origin` NULL: where it is. */
struct api_asks *api_asks_new_at(const struct raw_route *routes, const char *origin);

/* With one route of its own. `status` is "200 OK", or with further headers after it. */
struct api_asks *api_asks_new_answering(
	const char *target, const char *status, const char *body);

/* Ends what has not ended. */
void api_asks_free(struct api_asks *asks);

/* LIST_TARGET; any page of all; and a job. */
struct api_ask *api_asks_list(struct api_asks *asks);
struct api_ask *api_asks_page(struct api_asks *asks, uint64_t offset, unsigned limit);
struct api_ask *api_asks_get(struct api_asks *asks, const char *id);
struct api_ask *api_asks_delete(struct api_asks *asks, const char *id);

/* Cancels a call whose request is under way. */
void api_asks_cancel(struct api_ask *ask);

/* Attempts that are neither ended nor cancelled. */
int api_asks_under_way(const struct api_asks *asks);

/* Turns until the call is done; the clock goes on while nothing is under way. */
void api_asks_settle(struct api_ask *ask);

/* Turns with the clock standing still: until nothing is under way; until the server got
 * so many requests. */
void api_asks_until_idle(struct api_asks *asks);
void api_asks_until_requests(struct api_asks *asks, int count);

/* Puts the clock forward and takes a turn that does not wait. */
void api_asks_forward(struct api_asks *asks, int64_t ms);

/* One call alone against routes, to its end; the asks are the caller's to free. */
struct api_ask *api_asks_list_once(const struct raw_route *routes);
struct api_ask *api_asks_get_once(const struct raw_route *routes, const char *id);

/* Fails the test where `text` does not hold `part`. */
void assert_holds(const char *text, const char *part);

/* What goes to stderr in between: stderr_capture_end() gives it, to be freed. */
int stderr_capture_begin(void);
char *stderr_capture_end(int capture);
