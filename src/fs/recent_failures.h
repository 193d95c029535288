/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "gladia/filename.h"

/*
 * Requests that have just failed after a wait. Within one call of a thread the kernel may
 * send the same request twice: a LOOKUP to learn whether a name still holds, and after
 * any error another one, as if it had been no; a READ ahead, and after an error one for
 * the page that is wanted. Who has waited for a dead network would wait again
 * (SPEC 11.1).
 */
enum {
	FAILED_MAX = 32, /* with more threads at a time, some may wait twice */
	/* The second comes after some microseconds; a thread has to be woken for it. */
	FAILED_MS = 50,
};

struct failed_wait {
	uint64_t ino;
	char name[NAME_BYTES_MAX + 1]; /* LOOKUP's, in ino; else "" */
	pid_t tid;
	int error;          /* what it was told, a negative errno */
	int64_t arrived_ms; /* monotonic */
	int64_t told_ms;
};

struct failed {
	struct failed_wait waits[FAILED_MAX];
	unsigned next;
};

/* Remembers it, instead of what is known of the same request. */
void failed_remember(struct failed *failed, const struct failed_wait *wait);

/*
 * Whether the thread was told an error less than FAILED_MS before now_ms, which is then
 * forgotten.
 */
bool failed_take(struct failed *failed, uint64_t ino, const char *name, pid_t tid,
	int64_t now_ms, struct failed_wait *ret_wait);
