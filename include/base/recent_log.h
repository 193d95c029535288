/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/clock.h"

/*
 * A ring buffer of the most recent log lines, shown in .gladiafs/errors (SEMANTICS 9.1).
 * Any thread may use it; a call blocks only while another thread copies a line.
 */
struct recent_log;

enum { RECENT_LOG_MAX = 64, RECENT_LOG_TEXT_MAX = 1200 };

/*
 * Creates an empty ring buffer. `clock` must stay valid as long as the buffer exists.
 * Returns 0 or -ENOMEM.
 */
int recent_log_new(const struct clock *clock, struct recent_log **ret_recent_log);

/* Frees the ring buffer; does nothing if the pointer is NULL. */
void recent_log_free(struct recent_log *recent_log);

/*
 * Adds a copy of `text` with the current time, replacing the oldest line if the buffer is
 * full. A text that is too long is truncated. Control characters become '?', so that each
 * entry is one line.
 */
void recent_log_add(struct recent_log *recent_log, const char *text);

/* Calls fn for each line, oldest first. fn must not log: the lock is held. */
void recent_log_each(struct recent_log *recent_log,
	void (*fn)(void *ctx, int64_t wall_ms, const char *text), void *ctx);
