/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmocka.h"

#include "base/array.h"
#include "gladia/timestamp.h"

/*
 * Days and timestamps: SEMANTICS 3.1, 3.3 (days that cannot exist), 5.1 (milliseconds).
 */

enum { COUNT_DAYS = 3652059 }; /* 0001-01-01 to 9999-12-31 */

/* SEMANTICS 3.3: every day of the calendar has one spelling, and the C library agrees. */
static void test_days_round_trip(void **state)
{
	int64_t first;
	int64_t end;

	(void)state;
	assert_int_equal(date_parse("0001-01-01", &first, &end), 0);
	for (int64_t day = first; day < first + COUNT_DAYS; day++) {
		char text[DAY_TEXT];
		int64_t back;

		day_print(day, text);
		if (date_parse(text, &back, &end) || back != day)
			fail_msg("%s is not day %lld", text, (long long)day);
		if (day % 977)
			continue;

		time_t seconds = (time_t)(day * DAY_MS / 1000);
		struct tm tm;
		char expected[32];

		assert_non_null(gmtime_r(&seconds, &tm));
		snprintf(expected, sizeof(expected), "%04d-%02d-%02d", tm.tm_year + 1900,
			tm.tm_mon + 1, tm.tm_mday);
		assert_string_equal(text, expected);
	}
}

/* SEMANTICS 3.3: date/2026-02-30 cannot exist. */
static void test_days_refused(void **state)
{
	static const char *const refused[] = {"", "202", "2026-", "2026-0", "2026-13",
		"2026-00", "2026-4", "0000", "2026-04-", "2026-02-30", "2026-04-31",
		"2026-02-29", "1900-02-29", "2026-00-01", "2026-13-01", "2026-01-00",
		"2026-01-32", "0000-01-01", "2026-1-1", "26-01-01", "2026-01-01 ",
		" 2026-01-01", "2026-01-01T00:00", "20260101", "+026-01-01", "2026/01/01",
		"10000-01-01", "-001-01-01", "2026-01-0", "2026-01-0a"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		int64_t day = 42;
		int64_t end = 42;

		if (date_parse(refused[i], &day, &end) != -EINVAL)
			fail_msg("'%s' was taken for a day", refused[i]);
		assert_int_equal(day, 42);
		assert_int_equal(end, 42);
	}
}

/* SEMANTICS 3.1.4: a month and a year are the days that they have. */
static void test_months_and_years(void **state)
{
	static const struct {
		const char *text;
		const char *first;
		const char *last;
	} dates[] = {
		{"2026-04", "2026-04-01", "2026-04-30"},
		{"2026-12", "2026-12-01", "2026-12-31"},
		{"2024-02", "2024-02-01", "2024-02-29"},
		{"1900-02", "1900-02-01", "1900-02-28"},
		{"2026", "2026-01-01", "2026-12-31"},
		{"2024", "2024-01-01", "2024-12-31"},
		{"0001", "0001-01-01", "0001-12-31"},
		{"9999", "9999-01-01", "9999-12-31"},
		{"2026-04-01", "2026-04-01", "2026-04-01"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
		char text[DAY_TEXT];
		int64_t first;
		int64_t end;

		assert_int_equal(date_parse(dates[i].text, &first, &end), 0);
		day_print(first, text);
		assert_string_equal(text, dates[i].first);
		day_print(end - 1, text);
		assert_string_equal(text, dates[i].last);
	}
}

static void test_leap_days(void **state)
{
	int64_t day;
	int64_t end;

	(void)state;
	assert_int_equal(date_parse("2024-02-29", &day, &end), 0);
	assert_int_equal(day, 19782);
	assert_int_equal(date_parse("2000-02-29", &day, &end), 0);
	assert_int_equal(day, 11016);
	assert_int_equal(date_parse("1970-01-01", &day, &end), 0);
	assert_int_equal(day, 0);
	assert_int_equal(date_parse("1969-12-31", &day, &end), 0);
	assert_int_equal(day, -1);
}

/* SEMANTICS 3.1: the day (UTC) of a timestamp, also before 1970. */
static void test_day_of_timestamp(void **state)
{
	(void)state;
	assert_int_equal(day_of_timestamp(0), 0);
	assert_int_equal(day_of_timestamp(DAY_MS - 1), 0);
	assert_int_equal(day_of_timestamp(DAY_MS), 1);
	assert_int_equal(day_of_timestamp(-1), -1);
	assert_int_equal(day_of_timestamp(-DAY_MS), -1);
	assert_int_equal(day_of_timestamp(-DAY_MS - 1), -2);
	assert_int_equal(day_of_timestamp(INT64_MIN), INT64_MIN / DAY_MS - 1);
}

static const struct {
	const char *text;
	const char *printed;
} timestamps[] = {
	{"2026-04-01", "2026-04-01T00:00:00.000Z"},
	{"2026-04-01T12:34", "2026-04-01T12:34:00.000Z"},
	{"2026-04-01T12:34Z", "2026-04-01T12:34:00.000Z"},
	{"2026-04-01T12:34:56", "2026-04-01T12:34:56.000Z"},
	{"2026-04-01T12:34:56Z", "2026-04-01T12:34:56.000Z"},
	{"2026-04-01T12:34:56.789Z", "2026-04-01T12:34:56.789Z"},
	{"2026-04-01T12:34:56.7", "2026-04-01T12:34:56.700Z"},
	{"2026-04-01T12:34:56.07Z", "2026-04-01T12:34:56.070Z"},
	{"2026-04-01T12:34:56.7899999999999999Z", "2026-04-01T12:34:56.789Z"},
	{"2026-04-01T00:30+01:00", "2026-03-31T23:30:00.000Z"},
	{"2026-12-31T23:30:00.001-05:45", "2027-01-01T05:15:00.001Z"},
	{"2026-04-01T12:34:56-00:00", "2026-04-01T12:34:56.000Z"},
	{"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
	{"2026-04-01T12", "2026-04-01T12:00:00.000Z"},
	{"2026-04-01 12:34", "2026-04-01T12:34:00.000Z"},
	{"2026-04-01 12Z", "2026-04-01T12:00:00.000Z"},
	{"2026-04-01T12:34-0400", "2026-04-01T16:34:00.000Z"},
	{"2026-04-01T12:34+0530", "2026-04-01T07:04:00.000Z"},
	{"2026-04-01T12:34+01", "2026-04-01T11:34:00.000Z"},
	{"2026-04-01 12-04", "2026-04-01T16:00:00.000Z"},
	{"0001-01-01", "0001-01-01T00:00:00.000Z"},
	{"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
};

/* SEMANTICS 3.1.5, 5.1: timestamps are parsed and printed. */
static void test_timestamps(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(timestamps); i++) {
		char printed[TIMESTAMP_TEXT];
		int64_t ms;
		int64_t again;

		if (timestamp_parse(timestamps[i].text, &ms))
			fail_msg("'%s' was refused", timestamps[i].text);
		timestamp_print(ms, printed);
		assert_string_equal(printed, timestamps[i].printed);
		assert_int_equal(timestamp_parse(printed, &again), 0);
		assert_int_equal(again, ms);
	}
}

/* SEMANTICS 3.3: invalid timestamps are refused. */
static void test_timestamps_refused(void **state)
{
	static const char *const refused[] = {"", "now", "2026-02-30T00:00",
		"2026-04-01T", "2026-04-01T1", "2026-04-01  12", "2026-04-01T12:34+1",
		"2026-04-01T12+010", "2026-04-01T12:3", "2026-04-01T24:00",
		"2026-04-01T12:60", "2026-04-01T12:34:60",
		"2026-04-01T12:34:", "2026-04-01T12:34:56.", "2026-04-01T12:34:56.Z",
		"2026-04-01T12:34.5", "2026-04-01t12:34", "2026-04-01T12:34z",
		"2026-04-01T12:34+24:00", "2026-04-01T12:34+01:60", "2026-04-01T12:34Z ",
		"2026-04-01T12:34ZZ", "2026-04-01Z", "2026-04-01T12:34:56,5",
		"0001-01-01T00:00+00:01", "9999-12-31T23:59-00:01", "2026-04-01T1234"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		int64_t ms = 42;

		if (timestamp_parse(refused[i], &ms) != -EINVAL)
			fail_msg("'%s' was taken for an instant", refused[i]);
		assert_int_equal(ms, 42);
	}
}

/* A timestamp outside the years with four digits is printed as the nearest one inside. */
static void test_print_stays_in_bounds(void **state)
{
	char text[TIMESTAMP_TEXT];

	(void)state;
	timestamp_print(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	timestamp_print(INT64_MIN, text);
	assert_string_equal(text, "0001-01-01T00:00:00.000Z");
	day_print(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31");
	day_print(INT64_MIN, text);
	assert_string_equal(text, "0001-01-01");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days_round_trip),
		cmocka_unit_test(test_days_refused),
		cmocka_unit_test(test_months_and_years),
		cmocka_unit_test(test_leap_days),
		cmocka_unit_test(test_day_of_timestamp),
		cmocka_unit_test(test_timestamps),
		cmocka_unit_test(test_timestamps_refused),
		cmocka_unit_test(test_print_stays_in_bounds),
	};

	return cmocka_run_group_tests_name("instant", tests, NULL, NULL);
}
