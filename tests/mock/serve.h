/* SPDX-License-Identifier: MIT */
#pragma once

#include "mock.h"

/*
 * The server: libmicrohttpd with its own epoll descriptor inside ours, one thread. A
 * request that is held (latency, stalls, a caller of /_mock/wait) is a suspended
 * connection: it costs no thread, and it is noticed when its client leaves.
 */

/* Listens on 127.0.0.1; port 0 lets the system choose, s->port is what it became.
 * Negative errno. */
int server_new(struct mock *s, uint16_t port);

/* Serves until SIGTERM or SIGINT. */
int server_run(struct server *server);

void server_free(struct server *server);

/* Lets everything go that faults and latency hold, except callers of wait. */
void server_release(struct server *server);
