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
	RECENT_FAILURES_MAX =
		32, /* if more threads fail at a time, some may wait twice */
	/* The second request follows within microseconds, once its thread runs again. */
	RECENT_FAILURES_MS = 50,
};

struct recent_failure {
	uint64_t ino; /* node of the request, or directory of the name */
	char name[FILENAME_BYTES_MAX + 1]; /* for LOOKUP; else "" */
	pid_t tid;
	int error;          /* negative errno it failed with; 0: unused */
	int64_t arrived_ms; /* monotonic */
	int64_t failed_ms;  /* monotonic time of the failure */
};

struct recent_failures {
	struct recent_failure waits[RECENT_FAILURES_MAX];
	unsigned next;
};

/* Remembers a failure. It replaces an earlier one of the same request. */
void recent_failures_remember(
	struct recent_failures *failed, const struct recent_failure *wait);

/*
 * Looks for a failure of the same request by the same thread, and removes it. Returns
 * true and the failure if it is less than RECENT_FAILURES_MS old.
 */
bool recent_failures_take(struct recent_failures *failed, uint64_t ino, const char *name,
	pid_t tid, int64_t now_ms, struct recent_failure *ret_wait);
