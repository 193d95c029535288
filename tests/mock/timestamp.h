/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Times as the API writes them (ISO 8601), as milliseconds since 1970 in UTC.
 * The parsers give 0, or -EINVAL for anything that is not exactly such a time.
 */

#define DAY_MS         ((int64_t)86400000)
#define TIMESTAMP_SIZE 25 /* "2026-04-01T00:00:00.000Z" and its NUL */

/* "YYYY-MM-DD", a day that exists; gives its midnight in UTC. */
int timestamp_parse_day(const char *s, int64_t *ret_ms);

/* A day, or a day and "Thh:mm[:ss[.digits]]" and "Z" or "+hh:mm" (none means UTC). */
int timestamp_parse(const char *s, int64_t *ret_ms);

/* "+hh:mm" or "-hh:mm"; gives milliseconds east of UTC. */
int timestamp_parse_zone(const char *s, int64_t *ret_ms);

/* Writes TIMESTAMP_SIZE bytes. */
void timestamp_print(int64_t ms, char *out);

/* Milliseconds of the wall clock, and of a clock that only goes forward. */
int64_t timestamp_now(void);
int64_t timestamp_ticks(void);
