/* SPDX-License-Identifier: MIT */

#include "cmocka.h"

#include "base/array.h"
#include "http/retry.h"

/* 2026-04-01 12:00:00.250 UTC */
static const int64_t NOW = 1775044800250;

/*
 * SEMANTICS 11.1: the delay is random, between zero and a bound that doubles up to a cap.
 */
static void jitter_stays_within_bounds(void **state)
{
	static const int64_t bounds[] = {600, 1200, 2400, 4800, 9600, 10000, 10000};
	struct retry_gate gate = {.seed = 7};

	(void)state;
	for (int failures = 1; failures <= 7; failures++) {
		int64_t bound = bounds[failures - 1];
		int64_t least = bound;
		int64_t most = 0;

		for (int i = 0; i < 2000; i++) {
			int64_t delay = retry_delay_ms(&gate, failures, -1, false, 0);

			least = delay < least ? delay : least;
			most = delay > most ? delay : most;
		}
		assert_in_range(least, 0, bound / 20);
		assert_in_range(most, bound - bound / 20, bound);
	}
	assert_in_range(retry_delay_ms(&gate, 1000000, -1, false, 0), 0, RETRY_CAP_MS);
}

static void seeds_differ_between_processes(void **state)
{
	struct retry_gate one = {.seed = 1};
	struct retry_gate two = {.seed = 2};
	int same = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		same += retry_delay_ms(&one, 5, -1, false, 0) ==
			retry_delay_ms(&two, 5, -1, false, 0);
	assert_in_range(same, 0, 5);
}

/* SEMANTICS 11.1: Retry-After is honoured to the millisecond, including zero. */
static void retry_after_replaces_the_jitter(void **state)
{
	struct retry_gate gate = {.seed = 7};

	(void)state;
	assert_int_equal(retry_delay_ms(&gate, 9, 1234, false, 50), 1234);
	assert_int_equal(retry_delay_ms(&gate, 9, 0, false, 50), 0);
}

/*
 * SEMANTICS 11.1: all requests wait together, for the longest delay that was requested.
 */
static void gate_closes_for_all(void **state)
{
	struct retry_gate gate = {.seed = 7};

	(void)state;
	retry_delay_ms(&gate, 1, 5000, false, 1000);
	assert_int_equal(retry_gate_ms(&gate, 1000), 0);

	retry_delay_ms(&gate, 1, 5000, true, 1000);
	assert_int_equal(retry_gate_ms(&gate, 1000), 5000);
	assert_int_equal(retry_gate_ms(&gate, 5999), 1);
	assert_int_equal(retry_gate_ms(&gate, 6000), 0);
	assert_int_equal(retry_gate_ms(&gate, 9000), 0);

	retry_delay_ms(&gate, 1, 100, true, 1000);
	assert_int_equal(retry_gate_ms(&gate, 1000), 5000);

	int64_t delay = retry_delay_ms(&gate, 3, -1, true, 20000);

	assert_int_equal(retry_gate_ms(&gate, 20000), delay);
}

/* SEMANTICS 11.1: values of Retry-After, valid by RFC 9110, 10.2.3 and invalid. */
static void retry_after_values(void **state)
{
	static const struct {
		const char *value;
		int64_t ms;
	} cases[] = {
		{"0", 0},
		{"1", 1000},
		{"120", 120000},
		{" \t7 \t", 7000},
		{"0000000000000000000000003", 3000},
		{"3600", RETRY_AFTER_MAX_MS},
		{"3601", -1},
		{"99999999999999999999999999999999", -1},
		{"Wed, 01 Apr 2026 12:00:30 GMT", 29750},
		{"Wednesday, 01-Apr-26 12:00:30 GMT", 29750},
		{"Wed Apr  1 12:00:30 2026", 29750},
		{"Wed, 01 Apr 2026 12:00:00 GMT", 0},
		{"Sun, 06 Nov 1994 08:49:37 GMT", 0},
		{"Wed, 01 Apr 2026 13:00:00 GMT", RETRY_AFTER_MAX_MS - 250},
		{"Wed, 01 Apr 2026 13:00:01 GMT", -1},
		{"Fri, 31 Dec 9999 23:59:59 GMT", -1},
		{"", -1},
		{" ", -1},
		{"-1", -1},
		{"+1", -1},
		{"1.5", -1},
		{"5 minutes", -1},
		{"2026-04-01 12:00:30", -1},
		{"soon", -1},
		{"Wed, 32 Apr 2026 12:00:30 GMT", -1},
		{"\xff\xfe", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t ms = retry_after_parse(cases[i].value, NOW);

		if (ms != cases[i].ms)
			fail_msg("\"%s\" gives %lld", cases[i].value, (long long)ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jitter_stays_within_bounds),
		cmocka_unit_test(seeds_differ_between_processes),
		cmocka_unit_test(retry_after_replaces_the_jitter),
		cmocka_unit_test(gate_closes_for_all),
		cmocka_unit_test(retry_after_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
