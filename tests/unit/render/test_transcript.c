/* SPDX-License-Identifier: MIT */
#include "render/transcript.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"

static double read_seconds(const char *number)
{
	return transcript_read_seconds(
		(struct json_slice){number, number + strlen(number)});
}

/* Every time is the number that strtod() reads, of whatever form it is. */
static void test_like_strtod(void **state)
{
	enum { NUMBERS = 200000 };
	static const char *const numbers[] = {"0", "0.0", "7", "0.1", "4.715", "59.9999",
		"1.4904600000000001", "123456789012345", "1234567890123456",
		"0.00000000000001", "999999999999.99", "9007199254740993", "1e3",
		"1.5E-2", "-0.2", "-7", "1e400", "-1e400"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_true(read_seconds(numbers[i]) == strtod(numbers[i], NULL));
	for (uint64_t i = 0; i < NUMBERS; i++) {
		uint64_t digits = i * UINT64_C(0x9e3779b97f4a7c15) >> i % 64;
		char number[32];
		int whole = (int)(i / 64 % 8);

		/* The lowest bits become digits before the point, and the others after
		 * it. */
		snprintf(number, sizeof(number), "%" PRIu64 ".%" PRIu64,
			digits % (UINT64_C(1) << 4 * whole), digits >> 4 * whole);
		if (read_seconds(number) != strtod(number, NULL))
			fail_msg("%s is read as %.17g", number, read_seconds(number));
	}
}

/* A value that is not a number, or is too long to be one, is not read. */
static void test_not_numbers(void **state)
{
	static const char *const values[] = {"\"7\"", "true", "null", "[1]", "{}", ".5",
		"00000000000000000000000000000000000000000000000000000000000000000"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		assert_true(isnan(read_seconds(values[i])));
	assert_true(isnan(transcript_read_seconds((struct json_slice){0})));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like_strtod),
		cmocka_unit_test(test_not_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
