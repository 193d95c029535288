/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmocka.h"

#include "base/cleanup.h"
#include "base/clock.h"

static void test_wall(void **state)
{
	int64_t now_ms = clock_wall_ms(&clock_system);

	(void)state;
	assert_true(llabs(now_ms / 1000 - (int64_t)time(NULL)) <= 1);
}

static void test_mono(void **state)
{
	const struct timespec nap = {.tv_nsec = 20000000};
	int64_t before_ms = clock_mono_ms(&clock_system);

	(void)state;
	assert_int_equal(nanosleep(&nap, NULL), 0);

	int64_t slept_ms = clock_mono_ms(&clock_system) - before_ms;

	assert_in_range(slept_ms, 19, 10000);
}

static int64_t fixed_ms(void *ctx)
{
	return *(const int64_t *)ctx;
}

static int64_t later_ms(void *ctx)
{
	return *(const int64_t *)ctx + 1;
}

/*
 * The monotonic and the wall clock are not confused, and a test can supply its own clock.
 */
static void test_own(void **state)
{
	int64_t now_ms = 5;
	struct clock clock = {.mono_ms = fixed_ms, .wall_ms = later_ms, .ctx = &now_ms};

	(void)state;
	assert_int_equal(clock_mono_ms(&clock), 5);
	assert_int_equal(clock_wall_ms(&clock), 6);
	now_ms = 10;
	assert_int_equal(clock_mono_ms(&clock), 10);
}

static void count_down(int **counter)
{
	--**counter;
}

static char *give_away(void)
{
	CLEANUP_FREE char *text = strdup("given away");

	return cleanup_take(&text);
}

static void test_cleanup(void **state)
{
	int count = 3;
	int closed;

	(void)state;
	for (int i = 0; i < 3; i++) {
		CLEANUP(count_down) int *counter = &count;

		if (i == 1)
			continue;
		assert_int_equal(*counter, 3 - i);
	}
	assert_int_equal(count, 0);
	{
		CLEANUP_CLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		CLEANUP_CLOSE int none = -1;
		CLEANUP_FILE FILE *no_file = NULL;

		assert_true(fd >= 0 && none < 0 && !no_file);
		closed = fd;
	}
	assert_int_equal(fcntl(closed, F_GETFD), -1);

	CLEANUP_FREE char *text = give_away();

	assert_non_null(text);
	assert_string_equal(text, "given away");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wall),
		cmocka_unit_test(test_mono),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_cleanup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
