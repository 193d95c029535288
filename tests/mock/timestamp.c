/* SPDX-License-Identifier: MIT */
#include "timestamp.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool take_number(const char **s, int digits, int *ret)
{
	int n = 0;

	for (int i = 0; i < digits; i++, (*s)++) {
		if (!isdigit((unsigned char)**s))
			return false;
		n = n * 10 + (**s - '0');
	}
	*ret = n;
	return true;
}

static bool take_char(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static bool take_day(const char **s, int64_t *ret_ms)
{
	int year, month, day;
	struct tm tm = {0}, back;
	time_t t;

	if (!take_number(s, 4, &year) || !take_char(s, '-') ||
		!take_number(s, 2, &month) || !take_char(s, '-') ||
		!take_number(s, 2, &day))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	t = timegm(&tm);
	if (!gmtime_r(&t, &back) || back.tm_mon != month - 1 || back.tm_mday != day)
		return false;
	*ret_ms = (int64_t)t * 1000;
	return true;
}

static bool take_zone(const char **s, int64_t *ret_ms)
{
	int sign = **s == '-' ? -1 : 1, hours, minutes;

	if (!take_char(s, '+') && !take_char(s, '-'))
		return false;
	if (!take_number(s, 2, &hours) || !take_char(s, ':') ||
		!take_number(s, 2, &minutes))
		return false;
	if (hours > 14 || minutes > 59)
		return false;
	*ret_ms = sign * (int64_t)(hours * 60 + minutes) * 60000;
	return true;
}

static bool take_time(const char **s, int64_t *ret_ms)
{
	int hours, minutes, seconds = 0, scale = 100, ms = 0;

	if (!take_number(s, 2, &hours) || !take_char(s, ':') ||
		!take_number(s, 2, &minutes))
		return false;
	if (take_char(s, ':') && !take_number(s, 2, &seconds))
		return false;
	if (hours > 23 || minutes > 59 || seconds > 60)
		return false;
	if (take_char(s, '.')) {
		if (!isdigit((unsigned char)**s))
			return false;
		for (; isdigit((unsigned char)**s); (*s)++, scale /= 10)
			ms += (**s - '0') * scale;
	}
	*ret_ms = ((int64_t)hours * 3600 + minutes * 60 + seconds) * 1000 + ms;
	return true;
}

int timestamp_parse_day(const char *s, int64_t *ret_ms)
{
	int64_t ms;

	if (!take_day(&s, &ms) || *s)
		return -EINVAL;
	*ret_ms = ms;
	return 0;
}

int timestamp_parse(const char *s, int64_t *ret_ms)
{
	int64_t day, time = 0, zone = 0;

	if (!take_day(&s, &day))
		return -EINVAL;
	if (*s && (!take_char(&s, 'T') || !take_time(&s, &time)))
		return -EINVAL;
	if (*s && !take_char(&s, 'Z') && !take_zone(&s, &zone))
		return -EINVAL;
	if (*s)
		return -EINVAL;
	*ret_ms = day + time - zone;
	return 0;
}

int timestamp_parse_zone(const char *s, int64_t *ret_ms)
{
	int64_t ms;

	if (!take_zone(&s, &ms) || *s)
		return -EINVAL;
	*ret_ms = ms;
	return 0;
}

/* Writes `n` digits. snprintf() would be too slow for a million jobs. */
static char *put_number(char *out, int n, int digits)
{
	for (int i = digits; i-- > 0; n /= 10)
		out[i] = (char)('0' + n % 10);
	return out + digits;
}

void timestamp_print(int64_t ms, char *out)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	out = put_number(out, tm.tm_year + 1900, 4);
	*out++ = '-';
	out = put_number(out, tm.tm_mon + 1, 2);
	*out++ = '-';
	out = put_number(out, tm.tm_mday, 2);
	*out++ = 'T';
	out = put_number(out, tm.tm_hour, 2);
	*out++ = ':';
	out = put_number(out, tm.tm_min, 2);
	*out++ = ':';
	out = put_number(out, tm.tm_sec, 2);
	*out++ = '.';
	out = put_number(out, (int)(ms % 1000), 3);
	memcpy(out, "Z", 2);
}

static int64_t clock_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t timestamp_now(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t timestamp_ticks(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}
