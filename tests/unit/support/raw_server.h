/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * A server of scripted bytes on 127.0.0.1, on a port the system chose: what HTTP servers
 * do wrong, this one does on purpose. A thread per connection; everything here may be
 * called from the test's thread.
 */
enum {
	RAW_CONNECTIONS_MAX = 128,
	RAW_HEADS_MAX = 128,
	RAW_ROUTES_MAX = 64,
	RAW_HEAD_SIZE = 2048,
};

enum raw_after {
	RAW_KEEP,  /* read the next request */
	RAW_CLOSE, /* FIN */
	RAW_RESET, /* RST */
	RAW_HOLD,  /* say nothing more until the client goes */
};

struct raw_route {
	const char *target; /* as in the request line; NULL ends the table,
			     * or as the first and with bytes greets unasked */
	const char *bytes;
	size_t len;
	size_t times;      /* how often `bytes` are sent after one another; 0: once */
	size_t again_from; /* after the first time only what follows this byte */
	enum raw_after after;
	bool stepwise; /* each sending waits for a raw_server_step() */
	int together;  /* wait until so many requests came in all */
	int only;      /* so many requests alone, then a later route of this target takes
			* over; 0: all */
};

struct raw_server;

/* `routes` by reference. Fails the test where it cannot be had. */
struct raw_server *raw_server_new(const struct raw_route *routes);

/* Ends all connections and waits for the threads. */
void raw_server_free(struct raw_server *server);

/* "http://127.0.0.1:port" */
const char *raw_server_origin(const struct raw_server *server);

/* Lets one stepwise sending go on. */
void raw_server_step(struct raw_server *server);

/* Waits until so many answers of all were sent to their end: the client has them. */
void raw_server_await_answers(struct raw_server *server, int count);

/* Counts since the start. */
int raw_server_connections(struct raw_server *server);
int raw_server_open_at_most(struct raw_server *server);
int raw_server_requests(struct raw_server *server);

/* The request line and headers of the `index`th request. */
const char *raw_server_head(struct raw_server *server, int index);
