/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * A server of scripted bytes on 127.0.0.1, on a port that the system chooses. It
 * misbehaves on purpose, in ways in which real HTTP servers do. It runs one thread per
 * connection; all functions are called from the test's thread.
 */
enum {
	RAW_CONNECTIONS_MAX = 128,
	RAW_HEADS_MAX = 128,
	RAW_ROUTES_MAX = 64,
	RAW_HEAD_SIZE = 2048,
};

enum raw_after {
	RAW_KEEP,  /* read the next request */
	RAW_CLOSE, /* close the connection with FIN */
	RAW_RESET, /* close the connection with RST */
	RAW_HOLD,  /* send nothing more until the client closes the connection */
};

struct raw_route {
	/*
	 * target in the request line; NULL ends the table. A first entry with bytes and
	 * without a target is sent before any request.
	 */
	const char *target;
	const char *bytes;
	size_t len;
	size_t times; /* number of times that `bytes` are sent; 0 means once */
	/* offset from which `bytes` are sent again after the first time */
	size_t again_from;
	enum raw_after after;
	bool stepwise; /* each time, wait for a raw_server_step() before sending */
	/*
	 * before the response, wait until the server has received this many requests in
	 * all
	 */
	int together;
	/*
	 * number of requests that get this response, before a later route with the same
	 * target is used; 0 means all
	 */
	int only;
};

struct raw_server;

/* Starts a server. `routes` is not copied. Fails the test on error. */
struct raw_server *raw_server_new(const struct raw_route *routes);

/* Closes all connections and waits for the threads. */
void raw_server_free(struct raw_server *server);

/* Returns "http://127.0.0.1:PORT". */
const char *raw_server_origin(const struct raw_server *server);

/* Lets one stepwise response continue. */
void raw_server_step(struct raw_server *server);

/*
 * Waits until `count` responses in all have been sent completely, so that the client has
 * them.
 */
void raw_server_await_answers(struct raw_server *server, int count);

/*
 * Numbers since the start: connections, the most that were open at the same time,
 * requests.
 */
int raw_server_connections(struct raw_server *server);
int raw_server_open_at_most(struct raw_server *server);
int raw_server_requests(struct raw_server *server);

/* Returns the request line and headers of request number `index`. */
const char *raw_server_head(struct raw_server *server, int index);
