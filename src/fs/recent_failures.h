/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "gladia/filename.h"

/*
 * Requests that failed a moment ago after a wait. Within one system call the kernel may
 * send the same request twice: if a LOOKUP that revalidates a name fails, it looks the
 * name up as if it were new; if a readahead fails, it reads the one page that is needed.
 * Without this list, a caller that has waited for a dead network would wait again
 * (SEMANTICS 11.1).
 */
enum {
	FAILED_MAX = 32, /* if more threads fail at a time, some may wait twice */
	/* The second request follows within microseconds, once its thread runs again. */
	FAILED_MS = 50,
};

struct failed_wait {
	uint64_t ino;                  /* node of the request, or directory of the name */
	char name[NAME_BYTES_MAX + 1]; /* for LOOKUP; else "" */
	pid_t tid;
	int error;          /* negative errno it failed with; 0: unused */
	int64_t arrived_ms; /* monotonic */
	int64_t told_ms;    /* monotonic time of the failure */
};

struct failed {
	struct failed_wait waits[FAILED_MAX];
	unsigned next;
};

/* Remembers a failure. It replaces an earlier one of the same request. */
void failed_remember(struct failed *failed, const struct failed_wait *wait);

/*
 * Looks for a failure of the same request by the same thread, and removes it. Returns
 * true and the failure if it is less than FAILED_MS old.
 */
bool failed_take(struct failed *failed, uint64_t ino, const char *name, pid_t tid,
	int64_t now_ms, struct failed_wait *ret_wait);
