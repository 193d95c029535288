/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * A source of time that tests can replace. Both functions return milliseconds.
 *
 * mono_ms() never goes back, and continues while the machine is suspended
 * (CLOCK_BOOTTIME). It is used for timeouts, so that a call whose timeout passed during a
 * suspend ends at once.
 *
 * wall_ms() is the time since 1970-01-01 UTC (CLOCK_REALTIME) and may jump. It is used
 * for timestamps stored on disk.
 */
struct clock {
	int64_t (*mono_ms)(void *ctx);
	int64_t (*wall_ms)(void *ctx);
	void *ctx;
};

/* The system's clocks. */
extern const struct clock clock_system;

static inline int64_t clock_mono_ms(const struct clock *clock)
{
	return clock->mono_ms(clock->ctx);
}

static inline int64_t clock_wall_ms(const struct clock *clock)
{
	return clock->wall_ms(clock->ctx);
}
