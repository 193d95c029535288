/* SPDX-License-Identifier: MIT */
#include "gladia/timestamp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS };

/*
 * Conversion between dates and days since 1970-01-01, from H. Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms". The year begins in March, so that the leap day is its last
 * day. Years before 1 do not occur, so no division has a negative dividend.
 */
enum { ERA_YEARS = 400, ERA_DAYS = 146097, EPOCH_DAYS = 719468 };

static int64_t timestamp_day_from_date(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / ERA_YEARS;
	int64_t year_of_era = y % ERA_YEARS;
	int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
			     day_of_year;

	return era * ERA_DAYS + day_of_era - EPOCH_DAYS;
}

static void timestamp_date_from_day(
	int64_t day, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t shifted = day + EPOCH_DAYS;
	int64_t era = shifted / ERA_DAYS;
	int64_t in_era = shifted % ERA_DAYS;
	int64_t year_of_era =
		(in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t in_year = in_era -
			  (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t march_month = (5 * in_year + 2) / 153;
	int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;

	*ret_day = (int)(in_year - (153 * march_month + 2) / 5 + 1);
	*ret_month = (int)month;
	*ret_year = (int)(year_of_era + era * ERA_YEARS + (month <= 2));
}

static int timestamp_days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool timestamp_take_char(const char **text, char wanted)
{
	if (**text != wanted)
		return false;
	++*text;
	return true;
}

/* Reads exactly `digits` digits; the number must be between `min` and `max`. */
static bool timestamp_take_number(
	const char **text, int digits, int min, int max, int *ret_number)
{
	int number = 0;

	for (int i = 0; i < digits; i++, ++*text) {
		if (**text < '0' || **text > '9')
			return false;
		number = number * 10 + (**text - '0');
	}
	*ret_number = number;
	return number >= min && number <= max;
}

static bool timestamp_take_date(const char **text, int64_t *ret_day)
{
	int year;
	int month;
	int day;

	if (!timestamp_take_number(text, 4, 1, 9999, &year) ||
		!timestamp_take_char(text, '-') ||
		!timestamp_take_number(text, 2, 1, 12, &month) ||
		!timestamp_take_char(text, '-') ||
		!timestamp_take_number(
			text, 2, 1, timestamp_days_of_month(year, month), &day))
		return false;
	*ret_day = timestamp_day_from_date(year, month, day);
	return true;
}

/* Reads one or more digits; those beyond the millisecond are ignored. */
static bool timestamp_take_fraction(const char **text, int64_t *ms)
{
	int64_t scale = SECOND_MS / 10;
	int digit;

	if (!timestamp_take_number(text, 1, 0, 9, &digit))
		return false;
	do {
		*ms += digit * scale;
		scale /= 10;
	} while (**text >= '0' && **text <= '9' &&
		 timestamp_take_number(text, 1, 0, 9, &digit));
	return true;
}

/* Reads "HH[:MM[:SS[.fraction]]]" and adds it to `ms`. */
static bool timestamp_take_time(const char **text, int64_t *ms)
{
	int hour;
	int minute;
	int second;

	if (!timestamp_take_number(text, 2, 0, 23, &hour))
		return false;
	*ms += (int64_t)hour * HOUR_MS;
	if (!timestamp_take_char(text, ':'))
		return true;
	if (!timestamp_take_number(text, 2, 0, 59, &minute))
		return false;
	*ms += (int64_t)minute * MINUTE_MS;
	if (!timestamp_take_char(text, ':'))
		return true;
	if (!timestamp_take_number(text, 2, 0, 59, &second))
		return false;
	*ms += (int64_t)second * SECOND_MS;
	return !timestamp_take_char(text, '.') || timestamp_take_fraction(text, ms);
}

/*
 * Reads "Z", or "+HH[[:]MM]", or the same with "-", and converts `ms` to UTC:
 * "+01:00" is one hour ahead of UTC.
 */
static bool timestamp_take_zone(const char **text, int64_t *ms)
{
	int hours;
	int minutes = 0;

	if (timestamp_take_char(text, 'Z'))
		return true;

	int sign = timestamp_take_char(text, '+')   ? -1
		   : timestamp_take_char(text, '-') ? 1
						    : 0;

	if (!sign || !timestamp_take_number(text, 2, 0, 23, &hours))
		return false;
	if (**text) {
		(void)timestamp_take_char(text, ':');
		if (!timestamp_take_number(text, 2, 0, 59, &minutes))
			return false;
	}
	*ms += sign * ((int64_t)hours * HOUR_MS + (int64_t)minutes * MINUTE_MS);
	return true;
}

int date_parse(const char *text, int64_t *ret_first, int64_t *ret_end)
{
	const char *start = text;
	int year;
	int month = 1;
	int64_t day;

	if (timestamp_take_date(&text, &day) && !*text) {
		*ret_first = day;
		*ret_end = day + 1;
		return 0;
	}
	text = start;
	if (!timestamp_take_number(&text, 4, 1, 9999, &year))
		return -EINVAL;

	bool whole_year = !*text;

	if (!whole_year &&
		(!timestamp_take_char(&text, '-') ||
			!timestamp_take_number(&text, 2, 1, 12, &month) || *text))
		return -EINVAL;

	int last = whole_year ? 12 : month;

	*ret_first = timestamp_day_from_date(year, month, 1);
	*ret_end = timestamp_day_from_date(year, last, 1) +
		   timestamp_days_of_month(year, last);
	return 0;
}

int timestamp_parse(const char *text, int64_t *ret_ms)
{
	int64_t day;

	if (!timestamp_take_date(&text, &day))
		return -EINVAL;

	int64_t ms = day * DAY_MS;

	if (*text &&
		((!timestamp_take_char(&text, 'T') && !timestamp_take_char(&text, ' ')) ||
			!timestamp_take_time(&text, &ms)))
		return -EINVAL;
	if (*text && (!timestamp_take_zone(&text, &ms) || *text))
		return -EINVAL;
	if (ms < TIMESTAMP_FIRST || ms > TIMESTAMP_LAST)
		return -EINVAL;
	*ret_ms = ms;
	return 0;
}

int64_t day_of_timestamp(int64_t ms)
{
	return ms / DAY_MS - (ms % DAY_MS < 0);
}

void day_print(int64_t day, char text[static DAY_TEXT])
{
	int year;
	int month;
	int day_of_month;

	if (day < DAY_FIRST)
		day = DAY_FIRST;
	if (day > DAY_LAST)
		day = DAY_LAST;
	timestamp_date_from_day(day, &year, &month, &day_of_month);
	/* The remainders change nothing: they show the compiler that the text fits. */
	(void)snprintf(text, DAY_TEXT, "%04u-%02u-%02u", (unsigned)year % 10000,
		(unsigned)month % 100, (unsigned)day_of_month % 100);
}

void timestamp_print(int64_t ms, char text[static TIMESTAMP_TEXT])
{
	if (ms < TIMESTAMP_FIRST)
		ms = TIMESTAMP_FIRST;
	if (ms > TIMESTAMP_LAST)
		ms = TIMESTAMP_LAST;

	int64_t day = day_of_timestamp(ms);
	unsigned rest = (unsigned)(ms - day * DAY_MS);

	day_print(day, text);
	(void)snprintf(text + DAY_TEXT - 1, TIMESTAMP_TEXT - DAY_TEXT + 1,
		"T%02u:%02u:%02u.%03uZ", rest / HOUR_MS % 24, rest / MINUTE_MS % 60,
		rest / SECOND_MS % 60, rest % SECOND_MS);
}
