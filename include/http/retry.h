/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * When to try again. Full jitter: before attempt n+1 a random time between 0 and
 * min(RETRY_CAP_MS, RETRY_BASE_MS * 2^n), so that many clients do not come back in step
 * ("Exponential Backoff And Jitter", AWS Architecture Blog). A server's Retry-After is
 * kept to instead, and slows all requests of the account together.
 */
enum {
	RETRY_BASE_MS = 300,
	RETRY_CAP_MS = 10 * 1000,
};

/* One per account. Zero it to begin; `seed` any number that differs between processes. */
struct retry_gate {
	int64_t closed_until_ms; /* monotonic; no request starts before */
	uint64_t seed;
};

/*
 * A request's `failures`th failure (from 1) at `now_ms`: returns how many ms to wait
 * before the next attempt. `retry_after_ms` is the server's wish or -1; `slow_all` (429,
 * 503) closes the gate for everybody for that long.
 */
int64_t retry_delay_ms(struct retry_gate *gate, int failures, int64_t retry_after_ms,
	bool slow_all, int64_t now_ms);

/* How long a request that is ready at `now_ms` has to wait for the gate; 0: not at all.
 */
int64_t retry_gate_ms(const struct retry_gate *gate, int64_t now_ms);

/* 408, 429 and 5xx but 501 and 505 are worth another attempt. */
bool retry_worthwhile(long status);

/*
 * Retry-After's value (RFC 9110, 10.2.3: seconds or an HTTP date) as ms from `wall_ms`
 * on, 0 for a date gone by; -1 where it is neither, or more than RETRY_AFTER_MAX_MS: a
 * server that is wrong about its clock would else shut the account for all that time,
 * though it is well again. (In http/: curl parses dates.)
 */
enum { RETRY_AFTER_MAX_MS = 60 * 60 * 1000 };
int64_t retry_after_parse(const char *value, int64_t wall_ms);
