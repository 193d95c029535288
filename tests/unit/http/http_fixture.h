/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "http/http.h"
#include "support/patience.h"
#include "support/raw_server.h"

/*
 * What the tests of http/ stand on: a loop whose clock can be put forward, an http and a
 * raw server, and requests that write down what becomes of them.
 */
enum {
	ASKS_MAX = 64,
	ERROR_BODY_MAX = 1000,
	CONNECTIONS_MAX = 4,
	/* Both are never waited for: the clock is put forward. */
	CONNECT_MS = 60 * 1000,
	STALL_MS = 60 * 1000,
	WATCHDOG_S = 300,
};

#define SECRET "x-gladia-key: 5ecret-5ecret"

struct asks;

struct ask {
	struct asks *asks;
	struct http_request *request;
	int done;
	struct http_result result; /* body and detail point to the copies here */
	char body[ERROR_BODY_MAX + 1];
	char detail[256];
	struct buf data;
	int refuse_with;        /* what on_data answers */
	struct ask *to_cancel;  /* when data comes */
	const char *next;       /* a target to ask for when data comes */
	const char *afterwards; /* a target to ask for in on_done */
};

struct asks {
	struct clock clock;
	int64_t ahead_ms;
	struct loop *loop;
	struct http *http;
	struct raw_server *server;
	struct ask asks[ASKS_MAX];
	int len;
};

/* Fails the test where it cannot be had. `config` NULL: the values above. */
struct asks *asks_new(const struct raw_route *routes, const struct http_config *config);

/* Cancels what has not ended. */
void asks_free(struct asks *asks);

/* Asks the server for `target`. */
struct ask *asks_get(struct asks *asks, const char *target);
struct ask *asks_url(struct asks *asks, const char *method, const char *url);

/* Does nothing to one that has ended. */
void asks_cancel(struct ask *ask);

/* Turns until the server got so many requests; until the ask ended; until it got `len`
 * bytes. */
void asks_until_requests(struct asks *asks, int count);
void asks_until_done(struct ask *ask);
void asks_until_data(struct ask *ask, size_t len);

/* Puts the clock forward and takes a turn that does not wait. */
void asks_forward(struct asks *asks, int64_t ms);
