/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "gladia/relative_time.h"
#include "gladia/timestamp.h"

static const struct {
	enum query_filter filter;
	const char *words;
	const char *printed; /* at 2026-03-01T00:30:59.999Z; NULL: not relative */
} times[] = {
	{QUERY_DATE, "today", "2026-03-01"},
	{QUERY_DATE, "yesterday", "2026-02-28"},
	{QUERY_DATE, "today,yesterday", "2026-03-01,2026-02-28"},
	{QUERY_DATE, "2026-01,today", "2026-01,2026-03-01"},
	{QUERY_DATE, "7d", NULL},
	{QUERY_DATE, "tomorrow", NULL},
	{QUERY_DATE, "Today", NULL},
	{QUERY_DATE, "2026-03-01", NULL},
	{QUERY_DATE, "", NULL},
	{QUERY_AFTER, "today", "2026-03-01"},
	{QUERY_AFTER, "7d", "2026-02-22T00:30Z"},
	{QUERY_AFTER, "24h", "2026-02-28T00:30Z"},
	{QUERY_AFTER, "1h", "2026-02-28T23:30Z"},
	{QUERY_BEFORE, "31m", "2026-02-28T23:59Z"},
	{QUERY_BEFORE, "90d", "2025-12-01T00:30Z"},
	{QUERY_BEFORE, "0052w", "2025-03-02T00:30Z"},
	{QUERY_BEFORE, "0m", "2026-03-01T00:30Z"},
	{QUERY_BEFORE, "999999w", "0001-01-01T00:00Z"},
	{QUERY_BEFORE, "1000000m", NULL},
	{QUERY_BEFORE, "7", NULL},
	{QUERY_BEFORE, "d", NULL},
	{QUERY_BEFORE, "7D", NULL},
	{QUERY_BEFORE, "7dd", NULL},
	{QUERY_BEFORE, "-7d", NULL},
	{QUERY_BEFORE, "7 d", NULL},
	{QUERY_STATUS, "today", NULL},
	{QUERY_VALUE, "today", NULL},
};

/* SEMANTICS 3.1.6 */
static void test_relative_times(void **state)
{
	int64_t now_ms;

	(void)state;
	assert_int_equal(timestamp_parse("2026-03-01T00:30:59.999Z", &now_ms), 0);
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		char text[FILENAME_BYTES_MAX + 1] = "as before";
		int err = relative_time_print(
			ZONE_UTC, times[i].filter, times[i].words, now_ms, text);
		struct query query;

		assert_int_equal(err, times[i].printed ? 0 : -ENOENT);
		assert_string_equal(
			text, times[i].printed ? times[i].printed : "as before");
		query_init(&query);
		if (!err)
			assert_int_equal(query_narrow(&query, times[i].filter, text), 0);
	}
}

/* Today is that of the zone: there it is half past two. */
static void test_zone(void **state)
{
	char text[FILENAME_BYTES_MAX + 1];
	int64_t now_ms;

	(void)state;
	setenv("TZ", "AAA-3", 1);

	enum zone zone = zone_use("local");

	assert_int_equal(timestamp_parse("2026-02-28T23:30Z", &now_ms), 0);
	assert_int_equal(relative_time_print(zone, QUERY_DATE, "today", now_ms, text), 0);
	assert_string_equal(text, "2026-03-01");
	assert_int_equal(relative_time_print(zone, QUERY_AFTER, "1h", now_ms, text), 0);
	assert_string_equal(text, "2026-02-28T22:30Z");
}

/* If the words are replaced by longer ones, the result may be too long for a name. */
static void test_long_names(void **state)
{
	char words[FILENAME_BYTES_MAX + 1] = "1m";
	char text[FILENAME_BYTES_MAX + 1];

	(void)state;
	for (unsigned count = 1; strlen(words) + 3 <= FILENAME_BYTES_MAX; count++) {
		int err = relative_time_print(ZONE_UTC, QUERY_AFTER, words, 0, text);

		/* Each takes 17 bytes and a comma. */
		assert_int_equal(err, count * 18 - 1 <= FILENAME_BYTES_MAX ? 0 : -ENOENT);
		strcat(words, ",1m");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relative_times),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
