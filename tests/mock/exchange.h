/* SPDX-License-Identifier: MIT */
#pragma once

#include "mock.h"

/*
 * One request, apart from its socket. serve.c calls these functions in this order.
 */

struct exchange *exchange_new(const char *uri);

/* Called when the headers have arrived. */
void exchange_meet(
	struct exchange *x, struct MHD_Connection *connection, const char *method);

/*
 * Called when the body has arrived: counts and logs the request, and chooses its fault.
 * Returns for how many milliseconds the request is held; -1: until it is released.
 */
int64_t exchange_begin(struct mock *s, struct exchange *x);

/* Returns how many bytes of the body may have been sent by now, at this rate. */
uint64_t exchange_due(const struct exchange *x, uint64_t rate);

/* Sends the bytes of the body beyond the declared length. */
void exchange_spill(const struct exchange *x);

/* Called when the request has ended in any way. */
void exchange_free(struct mock *s, struct exchange *x);
