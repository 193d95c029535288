/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The time zone in which days begin, and in which times without a zone are. Days and
 * timestamps are those of timestamp.h.
 */
enum zone {
	ZONE_UTC,
	ZONE_LOCAL, /* the C library's, see zone_use() */
};

/* True if there is a time zone of this name: "UTC", "local", or such as "Europe/Paris".
 */
bool zone_exists(const char *name);

/*
 * Returns the zone of this name, which must exist. If it is not UTC, it becomes that of
 * the whole process (TZ), so that functions of the C library use it. "local" is the one
 * that the process has. Call it before threads are started.
 */
enum zone zone_use(const char *name);

/*
 * Returns the first timestamp at which a clock of this zone shows `local_ms`, the
 * timestamp at which a clock in UTC shows the same. If the clock skips that time, because
 * it is set forward, the result is just as much later.
 */
int64_t zone_timestamp(enum zone zone, int64_t local_ms);

/* Like timestamp_parse(), but a day or time without a zone is one of `zone`. */
int zone_parse_timestamp(enum zone zone, const char *text, int64_t *ret_ms);

/* Returns the timestamp at which a day begins. The day before ends there. */
int64_t zone_day_begin(enum zone zone, int64_t day);

/* Returns the day that contains a timestamp. */
int64_t zone_day(enum zone zone, int64_t ms);
