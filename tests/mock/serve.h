/* SPDX-License-Identifier: MIT */
#pragma once

#include "mock.h"

/*
 * The server: libmicrohttpd in a single thread, with its epoll descriptor in ours. The
 * connection of a request that is held (latency, stalls, callers of /_mock/wait) is
 * suspended, so it needs no thread, and we notice when the client disconnects.
 */

/*
 * Listens on 127.0.0.1. With port 0 the system chooses one; s->port is the result.
 * Returns 0 or a negative errno.
 */
int server_new(struct mock *s, uint16_t port);

/* Serves until SIGTERM or SIGINT. */
int server_run(struct server *server);

void server_free(struct server *server);

/* Releases all requests that are held, except callers of wait. */
void server_release(struct server *server);
