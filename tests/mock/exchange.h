/* SPDX-License-Identifier: MIT */
#pragma once

#include "mock.h"

/*
 * The life of one request, apart from the sockets: serve.c calls these in this order.
 */

struct exchange *exchange_new(const char *uri);

/* The headers are there. */
void exchange_meet(
	struct exchange *x, struct MHD_Connection *connection, const char *method);

/* The body is there: counts, logs, and lets a fault strike. Gives for how many
 * milliseconds the request is held; -1: until it is released. */
int64_t exchange_begin(struct mock *s, struct exchange *x);

/* How many bytes a body at this rate may have sent by now. */
uint64_t exchange_due(const struct exchange *x, uint64_t rate);

/* Sends what the declared length left out. */
void exchange_spill(const struct exchange *x);

/* The request is over, one way or the other. */
void exchange_free(struct mock *s, struct exchange *x);
