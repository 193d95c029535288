/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Instants are milliseconds since 1970-01-01T00:00:00Z, days are whole days since then
 * (UTC), in the proleptic Gregorian calendar (ISO 8601). Years 0001 to 9999.
 */
enum { DAY_MS = 24 * 60 * 60 * 1000 };

/* Room for "YYYY-MM-DDTHH:MM:SS.mmmZ" and its NUL. */
enum { INSTANT_TEXT = 25, DAY_TEXT = 11 };

/* "YYYY-MM-DD", strictly, a day that exists. 0 or -EINVAL. */
int day_parse(const char *text, int64_t *ret_day);
void day_print(int64_t day, char text[static DAY_TEXT]);

/* The day that holds an instant, also before 1970. */
int64_t day_of_instant(int64_t ms);

/*
 * "YYYY-MM-DD" (its first instant) or an ISO 8601 extended date and time,
 * "YYYY-MM-DDTHH:MM[:SS[.fraction]][Z|+HH:MM|-HH:MM]"; without a zone it is UTC, digits
 * past the millisecond are cut. 0 or -EINVAL.
 */
int instant_parse(const char *text, int64_t *ret_ms);
void instant_print(int64_t ms, char text[static INSTANT_TEXT]);
