/* SPDX-License-Identifier: MIT */

#include "cmocka.h"

#include "base/histogram.h"

/* SEMANTICS 9.1: latencies are reported as percentiles. */

static void nothing_took_no_time(void **state)
{
	const struct histogram none = {0};

	(void)state;
	assert_int_equal(histogram_percentile(&none, 50), 0);
	assert_int_equal(histogram_percentile(&none, 100), 0);
}

static void short_times_are_exact(void **state)
{
	struct histogram times = {0};

	(void)state;
	for (int64_t ms = 1; ms <= 10; ms++)
		histogram_add(&times, ms);
	assert_int_equal(times.count, 10);
	assert_int_equal(times.max_ms, 10);
	assert_int_equal(histogram_percentile(&times, 1), 1);
	assert_int_equal(histogram_percentile(&times, 50), 5);
	assert_int_equal(histogram_percentile(&times, 51), 6);
	assert_int_equal(histogram_percentile(&times, 99), 10);
	histogram_add(&times, -5);
	assert_int_equal(histogram_percentile(&times, 1), 0);
}

static void long_times_are_never_too_short(void **state)
{
	(void)state;
	for (int64_t ms = 1; ms < INT64_C(1) << 31; ms += ms / 7 + 1) {
		struct histogram times = {0};

		histogram_add(&times, ms);
		histogram_add(&times, INT64_MAX);

		int64_t half = histogram_percentile(&times, 50);

		assert_in_range(half, ms, ms + ms / 8);
		assert_int_equal(histogram_percentile(&times, 51), INT64_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_took_no_time),
		cmocka_unit_test(short_times_are_exact),
		cmocka_unit_test(long_times_are_never_too_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
