/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmocka.h"

#include "process/stderr_capture.h"

/*
 * SEMANTICS 1.3: the reason of a failure is one line, even if a library or a child
 * printed it.
 */

enum { LINE_MAX_TEST = 32 };

/* During a test stderr is a file, so that the test can read it. */
static int true_stderr;
static int file;

static int begin(void **state)
{
	(void)state;
	true_stderr = dup(STDERR_FILENO);
	file = memfd_create("stderr", MFD_CLOEXEC);
	return true_stderr >= 0 && dup2(file, STDERR_FILENO) >= 0 ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	dup2(true_stderr, STDERR_FILENO);
	close(true_stderr);
	return close(file);
}

static void assert_printed(const char *wanted)
{
	char text[8192] = "";

	assert_true(pread(file, text, sizeof(text) - 1, 0) >= 0);
	assert_string_equal(text, wanted);
}

static void assert_line(const char *printed, const char *line)
{
	struct stderr_capture capture;
	struct buf got;

	buf_init(&got, LINE_MAX_TEST);
	stderr_capture_begin(&capture);
	fputs(printed, stderr);
	stderr_capture_end(&capture, &got);
	assert_string_equal(got.len ? got.data : "", line);
	assert_printed("");
	buf_done(&got);
}

static void test_first_line(void **state)
{
	(void)state;
	assert_line("", "");
	assert_line("\n", "");
	assert_line("fusermount3: no\n", "fusermount3: no");
	assert_line("one\ntwo\nthree\n", "one");
	assert_line("no end", "no end");
	assert_line("a line that is longer than the buffer is\n",
		"a line that is longer than the b");
}

/* Output of child processes is captured, too. */
static void test_children(void **state)
{
	struct stderr_capture capture;
	struct buf line;

	(void)state;
	buf_init(&line, LINE_MAX_TEST);
	stderr_capture_begin(&capture);
	assert_int_equal(system("echo from a child >&2"), 0);
	stderr_capture_end(&capture, &line);
	assert_non_null(line.data);
	assert_string_equal(line.data, "from a child");
	buf_done(&line);
}

/* If nothing failed, the captured output is printed. */
static void test_replay(void **state)
{
	struct stderr_capture capture;
	char long_text[5000];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	stderr_capture_begin(&capture);
	fputs(long_text, stderr);
	assert_printed("");
	stderr_capture_end(&capture, NULL);
	assert_printed(long_text);
	/* Afterwards stderr works as before. */
	fputs(" after", stderr);

	char text[8] = "";

	assert_int_equal(pread(file, text, sizeof(text), sizeof(long_text) - 1), 6);
	assert_string_equal(text, " after");
}

static void test_twice(void **state)
{
	struct stderr_capture capture;

	(void)state;
	/* more often than descriptors are available, to find a leak */
	for (int i = 0; i < 2000; i++) {
		stderr_capture_begin(&capture);
		assert_true(capture.saved >= 0);
		stderr_capture_end(&capture, NULL);
	}
	/* Ending a capture again does nothing. */
	stderr_capture_end(&capture, NULL);
	assert_printed("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_line, begin, end),
		cmocka_unit_test_setup_teardown(test_children, begin, end),
		cmocka_unit_test_setup_teardown(test_replay, begin, end),
		cmocka_unit_test_setup_teardown(test_twice, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
