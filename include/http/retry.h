/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Computes delays before retries, with exponential backoff and full jitter: the delay
 * after the nth failure is random between 0 and min(RETRY_CAP_MS, RETRY_BASE_MS * 2^n),
 * so that many clients do not retry at the same time ("Exponential Backoff And Jitter",
 * AWS Architecture Blog). If the server sends Retry-After, its delay is used instead, and
 * applies to all requests of the account.
 */
enum {
	RETRY_BASE_MS = 300,
	RETRY_CAP_MS = 10 * 1000,
};

/* The retry state of an account. Initialize it with zeros and a seed. */
struct retry_gate {
	int64_t closed_until_ms; /* monotonic time before which no request may start */
	uint64_t seed;           /* any number that differs between processes */
};

/*
 * Returns the number of milliseconds to wait before the next attempt of a request that
 * failed at `now_ms` for the `failures`th time, counted from 1. `retry_after_ms` is the
 * delay that the server asked for, or -1. If `slow_all` is set (for status 429 and 503),
 * the gate is closed for that time, which delays all requests of the account.
 */
int64_t retry_delay_ms(struct retry_gate *gate, int failures, int64_t retry_after_ms,
	bool slow_all, int64_t now_ms);

/* Returns how many milliseconds after `now_ms` the gate opens, or 0 if it is open. */
int64_t retry_gate_ms(const struct retry_gate *gate, int64_t now_ms);

/*
 * The longest delay that a server can ask for. A server whose clock is wrong could
 * otherwise block the account for much longer than its outage.
 */
enum { RETRY_AFTER_MAX_MS = 60 * 60 * 1000 };

/*
 * Parses the value of a Retry-After header (RFC 9110, 10.2.3): a number of seconds or an
 * HTTP date. Returns the delay in milliseconds after `wall_ms`, or 0 for a date in the
 * past. Returns -1 if the value is invalid or the delay exceeds RETRY_AFTER_MAX_MS.
 */
int64_t retry_after_parse(const char *value, int64_t wall_ms);
