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
	FIXTURE_MAX = 32,
	CALL_IDS_MAX = 512,
	FIXTURE_TIMEOUT_MS = 30 * 1000,
	FIXTURE_STALL_MS = 10 * 1000, /* the value in api.c */
};

#define FIXTURE_KEY "5ecret-5ecret-5ecret"

/* For routes: the target of the first page without filters, and parts of an answer. */
#define LIST_TARGET "/v2/pre-recorded?offset=0&limit=20"
#define OK          "HTTP/1.1 200 OK\r\n"
#define BYTES(text) .bytes = (text), .len = sizeof(text) - 1
#define BODY(text)  BYTES(OK "\r\n" text), .after = RAW_CLOSE

#define COUNT(array) (ARRAY_SIZE(array))

struct api_fixture;

struct test_call {
	struct api_fixture *fixture;
	struct api_call *api_call;
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
	int refuse_with;             /* value that on_item returns */
	struct test_call *to_cancel; /* call that on_item cancels */
	const char *next;            /* id of a job that on_item requests */
};

struct api_fixture {
	struct clock clock;
	int64_t now_ms;
	struct log log;
	struct loop *loop;
	struct api *api;
	struct raw_server *server;
	struct raw_route answering[2];
	struct buf answer;
	int cancelled; /* number of calls cancelled during an attempt */
	struct test_call calls[FIXTURE_MAX];
	int len;
};

/*
 * Creates an API client and a server with these routes. Fails the test if that is
 * impossible.
 */
struct api_fixture *fixture_new(const struct raw_route *routes);

/* Like fixture_new(), but the client uses `origin`; NULL: the server's own origin. */
struct api_fixture *fixture_new_at(const struct raw_route *routes, const char *origin);

/* Creates a client of `origin` with api_config.fail_fast. */
struct api_fixture *fixture_new_failing_fast(const char *origin);

/*
 * Creates a client and a server with one route. `status` is like "200 OK", optionally
 * followed by headers.
 */
struct api_fixture *fixture_new_answering(
	const char *target, const char *status, const char *body);

/* Cancels the calls that have not ended, and frees everything. */
void fixture_free(struct api_fixture *fixture);

/* Request the page at LIST_TARGET, any page, or one job, or delete a job. */
struct test_call *fixture_list(struct api_fixture *fixture);
struct test_call *fixture_page(
	struct api_fixture *fixture, uint64_t offset, unsigned limit);
struct test_call *fixture_get(struct api_fixture *fixture, const char *id);
struct test_call *fixture_delete(struct api_fixture *fixture, const char *id);

/* Cancels a call that has an attempt under way. */
void fixture_cancel(struct test_call *call);

/* Returns the number of attempts that have neither ended nor been cancelled. */
int fixture_under_way(const struct api_fixture *fixture);

/*
 * Runs the loop until the call is done; advances the clock while no attempt is under way.
 */
void fixture_settle(struct test_call *call);

/*
 * Run the loop without advancing the clock, until no attempt is under way, or until the
 * server has received `count` requests.
 */
void fixture_until_idle(struct api_fixture *fixture);
void fixture_until_requests(struct api_fixture *fixture, int count);

/* Advances the clock and runs one turn of the loop without waiting. */
void fixture_forward(struct api_fixture *fixture, int64_t ms);

/* Run a single call to its end; the caller frees `fixture` of the result. */
struct test_call *fixture_list_once(const struct raw_route *routes);
struct test_call *fixture_get_once(const struct raw_route *routes, const char *id);

/* Fails the test if `text` does not contain `part`. */
void assert_holds(const char *text, const char *part);

/*
 * Capture stderr; stderr_capture_end() returns the captured text, which the caller frees.
 */
int stderr_capture_begin(void);
char *stderr_capture_end(int capture);
