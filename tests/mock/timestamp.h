/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Timestamps of the API (ISO 8601), as milliseconds since 1970 in UTC. The parsers return
 * 0, or -EINVAL if the text has another form.
 */

#define DAY_MS         ((int64_t)86400000)
#define TIMESTAMP_SIZE 25 /* "2026-04-01T00:00:00.000Z" and its NUL */

/* Parses a day "YYYY-MM-DD" to its beginning in UTC. */
int timestamp_parse_day(const char *s, int64_t *ret_ms);

/*
 * Parses a day, or a day with "Thh:mm[:ss[.digits]]", optionally followed by "Z" or
 * "+hh:mm". Without a time zone it is UTC.
 */
int timestamp_parse(const char *s, int64_t *ret_ms);

/* Parses "+hh:mm" or "-hh:mm" to milliseconds east of UTC. */
int timestamp_parse_zone(const char *s, int64_t *ret_ms);

/* Writes TIMESTAMP_SIZE bytes. */
void timestamp_print(int64_t ms, char *out);

/* Return the milliseconds of the wall clock, and of a monotonic clock. */
int64_t timestamp_now(void);
int64_t timestamp_ticks(void);
