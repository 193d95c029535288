/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * A timestamp is the number of milliseconds since 1970-01-01T00:00:00Z. A day is the
 * number of whole days since then, in UTC and the proleptic Gregorian calendar (ISO
 * 8601). Years are 0001 to 9999.
 */
enum { DAY_MS = 24 * 60 * 60 * 1000 };

/* The first and the last day, and the first and the last timestamp. */
enum { DAY_FIRST = -719162, DAY_LAST = 2932896 };
#define TIMESTAMP_FIRST ((int64_t)DAY_FIRST * DAY_MS)
#define TIMESTAMP_LAST  (((int64_t)DAY_LAST + 1) * DAY_MS - 1)

/* Room for "YYYY-MM-DDTHH:MM:SS.mmmZ" and for "YYYY-MM-DD", with the NUL. */
enum { TIMESTAMP_TEXT = 25, DAY_TEXT = 11 };

/*
 * Parses "YYYY-MM-DD", "YYYY-MM" or "YYYY": `ret_first` is the first day of that day,
 * month or year, and `ret_end` the day after its last one. Returns 0, or -EINVAL if it
 * has another form or there is no such day.
 */
int date_parse(const char *text, int64_t *ret_first, int64_t *ret_end);

/*
 * Prints a day as "YYYY-MM-DD". A day outside the years 0001 to 9999 is printed as the
 * nearest one inside.
 */
void day_print(int64_t day, char text[static DAY_TEXT]);

/* Returns the day that contains a timestamp, which may be before 1970. */
int64_t day_of_timestamp(int64_t ms);

/*
 * Parses "YYYY-MM-DD", which is midnight UTC, or a date and time in ISO 8601's extended
 * format, "YYYY-MM-DDTHH[:MM[:SS[.fraction]]][ZONE]". A space may replace the T. The zone
 * is Z, +HH:MM, +HHMM or +HH, or one of these with "-"; without it the time is in UTC.
 * Digits beyond the millisecond are cut off.
 *
 * Returns 0, or -EINVAL if it has another form, is no such time, or is outside the years
 * 0001 to 9999.
 */
int timestamp_parse(const char *text, int64_t *ret_ms);

/*
 * Prints a timestamp as "YYYY-MM-DDTHH:MM:SS.mmmZ". A timestamp outside the years 0001 to
 * 9999 is printed as the nearest one inside.
 */
void timestamp_print(int64_t ms, char text[static TIMESTAMP_TEXT]);
