/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "gladia/timestamp.h"
#include "gladia/zone.h"

/* SEMANTICS 3.1.7: days of a time zone. */

static const struct {
	const char *zone;
	const char *day;
	const char *begin; /* in UTC */
	int hours;         /* how long the day is */
} days[] = {
	{"UTC", "2026-03-29", "2026-03-29T00:00:00.000Z", 24},
	{"Europe/Paris", "2026-01-01", "2025-12-31T23:00:00.000Z", 24},
	{"Europe/Paris", "2026-03-29", "2026-03-28T23:00:00.000Z", 23},
	{"Europe/Paris", "2026-03-30", "2026-03-29T22:00:00.000Z", 24},
	{"Europe/Paris", "2026-10-25", "2026-10-24T22:00:00.000Z", 25},
	{"America/New_York", "2026-03-08", "2026-03-08T05:00:00.000Z", 23},
	{"America/New_York", "2026-11-01", "2026-11-01T04:00:00.000Z", 25},
	{"Asia/Kolkata", "2026-03-29", "2026-03-28T18:30:00.000Z", 24},
	{"Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00.000Z", 24},
	/* Clocks are set forward at midnight: the day begins at 01:00. */
	{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00.000Z", 23},
	{"America/Sao_Paulo", "2018-11-05", "2018-11-05T02:00:00.000Z", 24},
	/* Clocks are set back at midnight: 23:00 to 24:00 comes twice. */
	{"America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00.000Z", 25},
	{"America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00.000Z", 24},
	/* 00:00 to 00:01 comes before 23:01 to 24:00 of the day before. */
	{"America/St_Johns", "1999-10-31", "1999-10-31T02:30:00.000Z", 25},
	/* This day never was. */
	{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000Z", 0},
	{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00.000Z", 24},
};

static void require_zones(void)
{
	if (access("/usr/share/zoneinfo/Europe/Paris", R_OK) ||
		access("/usr/share/zoneinfo/Pacific/Apia", R_OK))
		skip();
}

static void test_days(void **state)
{
	(void)state;
	require_zones();
	for (size_t i = 0; i < ARRAY_SIZE(days); i++) {
		enum zone zone = zone_use(days[i].zone);
		char begin[TIMESTAMP_TEXT];
		int64_t day;
		int64_t end;
		int64_t begin_ms;
		int64_t end_ms;

		assert_int_equal(date_parse(days[i].day, &day, &end), 0);
		begin_ms = zone_day_begin(zone, day);
		end_ms = zone_day_begin(zone, day + 1);
		timestamp_print(begin_ms, begin);
		assert_string_equal(begin, days[i].begin);
		if ((end_ms - begin_ms) * 24 != (int64_t)days[i].hours * DAY_MS &&
			strcmp(days[i].zone, "Australia/Lord_Howe") != 0)
			fail_msg("%s %s has %lld ms", days[i].zone, days[i].day,
				(long long)(end_ms - begin_ms));
	}
}

/* Each timestamp is in the day whose beginning and end are around it. */
static void test_every_half_hour(void **state)
{
	static const char *const zones[] = {"UTC", "Europe/Paris", "America/New_York",
		"America/Sao_Paulo", "America/St_Johns", "America/Havana", "Pacific/Apia",
		"Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu"};
	static const char *const years[] = {"1890", "1999", "2011", "2018", "2026"};

	(void)state;
	require_zones();
	for (size_t i = 0; i < ARRAY_SIZE(zones) * ARRAY_SIZE(years); i++) {
		enum zone zone = zone_use(zones[i % ARRAY_SIZE(zones)]);
		int64_t first;
		int64_t end;

		assert_int_equal(
			date_parse(years[i / ARRAY_SIZE(zones)], &first, &end), 0);
		for (int64_t ms = first * DAY_MS; ms < end * DAY_MS; ms += DAY_MS / 48) {
			int64_t day = zone_day(zone, ms);

			if (ms < zone_day_begin(zone, day) ||
				ms >= zone_day_begin(zone, day + 1))
				fail_msg("%s: %lld is not in its day",
					zones[i % ARRAY_SIZE(zones)], (long long)ms);
		}
	}
}

static void test_timestamps(void **state)
{
	static const struct {
		const char *zone;
		const char *text;
		const char *printed;
	} times[] = {
		{"Europe/Paris", "2026-04-01", "2026-03-31T22:00:00.000Z"},
		{"Europe/Paris", "2026-04-01T12:34", "2026-04-01T10:34:00.000Z"},
		{"Europe/Paris", "2026-04-01T12:34Z", "2026-04-01T12:34:00.000Z"},
		{"Europe/Paris", "2026-04-01T12:34-0400", "2026-04-01T16:34:00.000Z"},
		{"Europe/Paris", "2026-01-01 12", "2026-01-01T11:00:00.000Z"},
		/* The clock shows no such time, or shows it twice. */
		{"Europe/Paris", "2026-03-29T02:30", "2026-03-29T01:30:00.000Z"},
		{"Europe/Paris", "2026-10-25T02:30", "2026-10-25T00:30:00.000Z"},
		/* A millisecond before a clock is set, and when it is. */
		{"Europe/Paris", "2026-03-29T01:59:59.999", "2026-03-29T00:59:59.999Z"},
		{"Europe/Paris", "2026-03-29T03:00", "2026-03-29T01:00:00.000Z"},
		{"Europe/Paris", "2026-10-25T02:59:59.999", "2026-10-25T00:59:59.999Z"},
		{"Europe/Paris", "2026-10-25T03:00", "2026-10-25T02:00:00.000Z"},
		{"Europe/London", "1967-10-29T02:59:59.999", "1967-10-29T01:59:59.999Z"},
		{"Europe/London", "1967-10-29T03:00", "1967-10-29T03:00:00.000Z"},
	};

	(void)state;
	require_zones();

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		enum zone zone = zone_use(times[i].zone);
		char printed[TIMESTAMP_TEXT];
		int64_t ms;

		assert_int_equal(zone_parse_timestamp(zone, times[i].text, &ms), 0);
		timestamp_print(ms, printed);
		assert_string_equal(printed, times[i].printed);
	}
}

/* A timestamp is refused if it is outside the years 0001 to 9999 in UTC. */
static void test_years(void **state)
{
	static const struct {
		const char *zone;
		const char *text;
		int err;
	} times[] = {
		{"UTC", "0001-01-01", 0},
		{"UTC", "9999-12-31T23:59:59.999", 0},
		{"UTC", "2026-04-31", -EINVAL},
		{"Asia/Tokyo", "0001-01-01", -EINVAL},
		{"Asia/Tokyo", "0001-01-01T00:00Z", 0},
		{"Asia/Tokyo", "0001-01-02", 0},
		{"America/New_York", "9999-12-31T20:00", -EINVAL},
		{"America/New_York", "9999-12-31T18:00", 0},
	};

	(void)state;
	require_zones();
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		enum zone zone = zone_use(times[i].zone);
		int64_t ms;

		assert_int_equal(
			zone_parse_timestamp(zone, times[i].text, &ms), times[i].err);
	}
}

static void test_names(void **state)
{
	static const char *const refused[] = {"", "Paris", "utc", "Europe", "Europe/",
		"/etc/localtime", "../zoneinfo/UTC", "Europe/../UTC", "zone.tab",
		"tzdata.zi", "leapseconds", "+01:00", ":UTC", "Europe/Paris ", "Local"};

	(void)state;
	assert_true(zone_exists("UTC"));
	assert_true(zone_exists("local"));
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (zone_exists(refused[i]))
			fail_msg("'%s' was taken for a zone", refused[i]);
}

static void test_files(void **state)
{
	static const char *const names[] = {"Europe/Paris", "Africa/Abidjan"};
	int before = dup(STDOUT_FILENO);

	(void)state;
	require_zones();
	close(before);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_true(zone_exists(names[i]));
	/* No descriptor stays open. */
	assert_int_equal(dup(STDOUT_FILENO), before);
	close(before);
}

/* The path of a zone's file has a maximum length. */
static void test_long_names(void **state)
{
	enum { LEN_MAX = 256 - sizeof("/usr/share/zoneinfo/") };
	char name[LEN_MAX + 2];

	(void)state;
	require_zones();
	memset(name, '/', sizeof(name));
	memcpy(name, "Europe", strlen("Europe"));
	strcpy(name + LEN_MAX - strlen("Paris"), "Paris");
	assert_true(zone_exists(name));
	strcat(name, "x");
	assert_false(zone_exists(name));
}

/* "local" is the zone that the process has. */
static void test_local(void **state)
{
	int64_t day;
	int64_t end;

	(void)state;
	setenv("TZ", "AAA-3", 1);

	enum zone zone = zone_use("local");

	assert_int_equal(date_parse("2026-04-01", &day, &end), 0);
	assert_int_equal(zone_day_begin(zone, day), day * DAY_MS - DAY_MS / 8);
	assert_int_equal(zone_day(zone, day * DAY_MS - DAY_MS / 8), day);
	assert_int_equal(zone_day(zone, day * DAY_MS - DAY_MS / 8 - 1), day - 1);
	assert_int_equal(zone_day_begin(zone_use("UTC"), day), day * DAY_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_every_half_hour),
		cmocka_unit_test(test_timestamps),
		cmocka_unit_test(test_years),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
