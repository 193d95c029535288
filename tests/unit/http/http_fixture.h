/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "http/http.h"
#include "support/patience.h"
#include "support/raw_server.h"

/*
 * Fixture for the tests of http/: a loop whose clock can be advanced, an HTTP client, a
 * raw server, and requests that record their results.
 */
enum {
	REQUESTS_MAX = 64,
	ERROR_BODY_MAX = 1000,
	CONNECTIONS_MAX = 4,
	/* The tests advance the clock instead of waiting for these timeouts. */
	CONNECT_MS = 60 * 1000,
	STALL_MS = 60 * 1000,
	WATCHDOG_S = 300,
};

#define SECRET "x-gladia-key: 5ecret-5ecret"

struct http_fixture;

struct test_request {
	struct http_fixture *fixture;
	struct http_request *http_request;
	int done;
	struct http_result result; /* its body and detail point to the copies below */
	char body[ERROR_BODY_MAX + 1];
	char detail[256];
	struct buf data;
	int refuse_with;                /* value that on_data() returns */
	struct test_request *to_cancel; /* request to cancel when data arrives */
	const char *next;               /* target to request when data arrives */
	const char *afterwards;         /* target to request in on_done() */
};

struct http_fixture {
	struct clock clock;
	int64_t ahead_ms;
	struct loop *loop;
	struct http *http;
	struct raw_server *server;
	struct test_request requests[REQUESTS_MAX];
	int len;
};

/*
 * Creates a fixture with a server for `routes`, which are not copied. If `config` is
 * NULL, the values above are used. Fails the test on error.
 */
struct http_fixture *fixture_new(
	const struct raw_route *routes, const struct http_config *config);

/* Cancels the requests that have not ended and frees everything. */
void fixture_free(struct http_fixture *fixture);

/*
 * Starts a GET request for `target` of the server, or any request for a complete URL.
 * Fails the test on error.
 */
struct test_request *fixture_get(struct http_fixture *fixture, const char *target);
struct test_request *fixture_url(
	struct http_fixture *fixture, const char *method, const char *url);

/* Cancels a request. Does nothing if it has ended. */
void fixture_cancel(struct test_request *request);

/*
 * Run the loop until the server has received `count` requests, until the request has
 * ended, or until it has received `len` bytes.
 */
void fixture_until_requests(struct http_fixture *fixture, int count);
void fixture_until_done(struct test_request *request);
void fixture_until_data(struct test_request *request, size_t len);

/* Advances the clock and runs one turn of the loop that does not wait. */
void fixture_forward(struct http_fixture *fixture, int64_t ms);
