/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

/* Sentences on stderr: one line each, whole, and never without end (SPEC 11.3). */

enum { ROOM = 1 << 20, THREADS = 4, LINES = 500 };

/* Where stderr goes in the meantime. */
struct ear {
	FILE *file;
	int stderr_fd;
	char said[ROOM];
};

static struct ear ear;

static int listen_to_stderr(void **state)
{
	(void)state;
	ear.file = tmpfile();
	ear.stderr_fd = dup(STDERR_FILENO);
	return !ear.file || ear.stderr_fd < 0 ||
	       dup2(fileno(ear.file), STDERR_FILENO) < 0;
}

static int stop_listening(void **state)
{
	(void)state;
	dup2(ear.stderr_fd, STDERR_FILENO);
	close(ear.stderr_fd);
	return fclose(ear.file);
}

static const char *said(void)
{
	ssize_t len = pread(fileno(ear.file), ear.said, sizeof(ear.said) - 1, 0);

	assert_true(len >= 0);
	ear.said[len] = '\0';
	return ear.said;
}

static void test_lines(void **state)
{
	struct log log;

	(void)state;
	log_init(&log, "test", false, false);
	log_error(&log, "no %s: %d", "luck", 3);
	log_warning(&log, "%s", "careful");
	log_debug(&log, "%s", "not asked for");
	assert_string_equal(said(), "gladiafs: no luck: 3\ngladiafs: careful\n");
}

static void test_debug(void **state)
{
	struct log log;

	(void)state;
	log_init(&log, "test", false, true);
	log_debug(&log, "%s", "asked for");
	assert_string_equal(said(), "gladiafs: asked for\n");
}

/* SPEC 11.3: a sentence has a maximum, and still ends its line. */
static void test_long(void **state)
{
	static char text[10000];
	struct log log;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	log_init(&log, "test", false, false);
	log_error(&log, "%s", text);
	log_error(&log, "%s", "next");

	size_t xs = strspn(said() + strlen("gladiafs: "), "x");

	assert_in_range(xs, 1000, 2048);
	assert_string_equal(said() + strlen("gladiafs: ") + xs, "\ngladiafs: next\n");
}

static void *say_much(void *log)
{
	for (int i = 0; i < LINES; i++)
		log_error(log, "%s", "0123456789");
	return NULL;
}

/* One write each: lines of several threads do not mix. */
static void test_threads(void **state)
{
	const char *line = "gladiafs: 0123456789\n";
	pthread_t threads[THREADS];
	struct log log;

	(void)state;
	log_init(&log, "test", false, false);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, say_much, &log), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);

	const char *at = said();

	for (int i = 0; i < THREADS * LINES; i++, at += strlen(line))
		assert_memory_equal(at, line, strlen(line));
	assert_string_equal(at, "");
}

/* To syslog(3): nothing on stderr, and where nobody listens nothing breaks. */
static void test_syslog(void **state)
{
	struct log log;

	(void)state;
	log_init(&log, "gladiafs-test", true, true);
	log_debug(&log, "%s", "a unit test's sentence");
	assert_string_equal(said(), "");
}

/* With stderr closed, or its reader gone, the program goes on. */
static void test_no_stderr(void **state)
{
	struct log log;

	(void)state;
	log_init(&log, "test", false, false);
	close(STDERR_FILENO);
	log_error(&log, "%s", "into the void");
	assert_int_equal(dup2(fileno(ear.file), STDERR_FILENO), STDERR_FILENO);
	assert_string_equal(said(), "");
}

#define LOG_TEST(test) \
	cmocka_unit_test_setup_teardown(test, listen_to_stderr, stop_listening)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_lines),
		LOG_TEST(test_debug),
		LOG_TEST(test_long),
		LOG_TEST(test_threads),
		LOG_TEST(test_syslog),
		LOG_TEST(test_no_stderr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
