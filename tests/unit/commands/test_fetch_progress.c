/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "commands/fetch_progress.h"

/* SEMANTICS 1.7: the text of the progress display. */

enum { ROOM = 256 };

static void assert_printed(
	const struct fetch_counts *counts, double rate, const char *expected)
{
	struct buf text;

	buf_init(&text, ROOM);
	assert_int_equal(fetch_progress_print(counts, rate, &text), 0);
	assert_string_equal(text.data, expected);
	buf_done(&text);
}

static void known_figures_are_shown(void **state)
{
	struct fetch_counts counts = {.found = 20};

	(void)state;
	assert_printed(&counts, 0, "0 jobs, 0 bytes, 0/s");
	counts.done = 10;
	counts.bytes = 1234;
	assert_printed(&counts, 2, "10 jobs, 1.2 kB, 2/s");
	assert_printed(&counts, -1, "10 jobs, 1.2 kB");
	/* The remaining time is shown once the number of jobs is known. */
	counts.listed = true;
	assert_printed(&counts, 2, "10 of 20 jobs, 1.2 kB, 2/s, 0:05 left");
	counts.failed = 5;
	counts.bytes = 999960000;
	assert_printed(&counts, 1, "10 of 20 jobs, 1.0 GB, 5 failed, 1/s, 0:05 left");
	counts.bytes = UINT64_MAX;
	assert_printed(&counts, 0, "10 of 20 jobs, 18446744.1 TB, 5 failed, 0/s");
}

/* SEMANTICS 1.7.8: while the total is not known, how far back in time it is. */
static void how_far_back_is_shown(void **state)
{
	/* 2026-04-17T10:00:00Z */
	struct fetch_counts counts = {.found = 3000,
		.done = 2288,
		.bytes = 91 * 1000 * 1000,
		.oldest_ms = INT64_C(1776420000000)};

	(void)state;
	assert_printed(&counts, 330, "2288 jobs, back to 2026-04-17, 91.0 MB, 330/s");
	counts.days = 12;
	counts.days_done = 3;
	assert_printed(&counts, 330,
		"3 of 12 days, 2288 jobs, back to 2026-04-17, 91.0 MB, 330/s");
	counts.listed = true;
	assert_printed(&counts, -1, "2288 of 3000 jobs, 91.0 MB");
}

static void times_are_shown(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} times[] = {{0, "0:00"}, {1, "0:01"}, {59000, "0:59"}, {60000, "1:00"},
		{3599000, "59:59"}, {3600000, "1:00:00"}, {360000000, "100:00:00"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct buf text;

		buf_init(&text, ROOM);
		assert_int_equal(fetch_time_print(times[i].ms, &text), 0);
		assert_string_equal(text.data, times[i].text);
		buf_done(&text);
	}
}

/*
 * SEMANTICS 1.7.4: without a terminal, one line a minute is printed; failures are printed
 * at once.
 */
static void a_line_a_minute(void **state)
{
	const struct fetch_counts counts = {.found = 200, .done = 120};
	struct fetch_progress progress;
	char output[ROOM] = "";
	FILE *file = tmpfile();
	int to_stderr = dup(STDERR_FILENO);

	(void)state;
	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	fetch_progress_begin(&progress, 5000);
	fetch_progress_report(&progress, &counts, 5000 + 59999);
	fetch_progress_message(&progress, "%s failed\n", "one");
	fetch_progress_report(&progress, &counts, 5000 + 60000);
	fetch_progress_report(&progress, &counts, 5000 + 119999);
	fetch_progress_end(&progress);
	dup2(to_stderr, STDERR_FILENO);
	close(to_stderr);
	assert_true(pread(fileno(file), output, sizeof(output) - 1, 0) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_string_equal(output, "one failed\ngladiafs: 120 jobs, 0 bytes, 2/s\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_figures_are_shown),
		cmocka_unit_test(how_far_back_is_shown),
		cmocka_unit_test(times_are_shown),
		cmocka_unit_test(a_line_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
