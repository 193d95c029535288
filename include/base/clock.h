/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * Where the time comes from, so that tests can bring their own. Both are milliseconds.
 *
 * mono_ms  never goes back and goes on while the machine sleeps (CLOCK_BOOTTIME): for
 *          waiting, so that a call that slept over its time-out ends at once
 * wall_ms  since 1970-01-01 UTC (CLOCK_REALTIME); may jump: for what is kept on disk
 */
struct clock {
	int64_t (*mono_ms)(void *ctx);
	int64_t (*wall_ms)(void *ctx);
	void *ctx;
};

extern const struct clock clock_system;

static inline int64_t clock_mono_ms(const struct clock *clock)
{
	return clock->mono_ms(clock->ctx);
}

static inline int64_t clock_wall_ms(const struct clock *clock)
{
	return clock->wall_ms(clock->ctx);
}
