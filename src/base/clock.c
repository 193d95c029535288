/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <time.h>

static int64_t clock_read_ms(clockid_t id)
{
	struct timespec now;

	(void)clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t clock_system_mono_ms(void *ctx)
{
	(void)ctx;
	return clock_read_ms(CLOCK_BOOTTIME);
}

static int64_t clock_system_wall_ms(void *ctx)
{
	(void)ctx;
	return clock_read_ms(CLOCK_REALTIME);
}

const struct clock clock_system = {
	.mono_ms = clock_system_mono_ms, .wall_ms = clock_system_wall_ms};
