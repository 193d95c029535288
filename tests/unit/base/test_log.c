/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "base/log.h"

/* Sentences on stderr: one line each, whole, and never without end (SEMANTICS 11.3). */

enum { ROOM = 1 << 20, THREADS = 4, LINES = 500 };

/* For a text with this in it there is no space on the disk. */
#define TOO_MUCH "too much"

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	if (!memmem(data, len, TOO_MUCH, strlen(TOO_MUCH)))
		return __real_write(fd, data, len);
	errno = ENOSPC;
	return -1;
}

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

/* SEMANTICS 11.3: a sentence has a maximum, and still ends its line. */
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

/* What stderr can be that blocks if nobody reads it. Nonzero: it cannot be made. */
struct sink {
	const char *name;
	int (*open)(int ends[2]); /* the reader's end first */
};

static int open_socket(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

/* Nobody reads behind the master, which is like a terminal after Ctrl-S. */
static int open_terminal(int ends[2])
{
	struct termios raw;

	if (openpty(&ends[0], &ends[1], NULL, NULL, NULL) || tcgetattr(ends[1], &raw))
		return -1;
	cfmakeraw(&raw);
	return tcsetattr(ends[1], TCSANOW, &raw);
}

static const struct sink sinks[] = {
	{"pipe", pipe}, {"socket", open_socket}, {"terminal", open_terminal}};

#define MISSING "gladiafs: lines missing here, because they could not be written: "

enum { MANY = 5000, LINE_PAD = 1000 };

/* Reads all lines, until the writers are closed: numbers rise, and none is not counted.
 */
static void *read_all(void *ctx)
{
	FILE *from = fdopen(*(int *)ctx, "r");
	static char line[4096];
	static unsigned long long
		counts[2]; /* of lines that were read, that are missing */
	unsigned long long number;
	unsigned long long next = 0;

	counts[0] = counts[1] = 0;
	while (from && fgets(line, sizeof(line), from)) {
		if (sscanf(line, MISSING "%llu", &number) == 1) {
			counts[1] += number;
			next += number;
		} else if (sscanf(line, "gladiafs: #%llu ", &number) == 1) {
			assert_int_equal(number, next);
			counts[0]++;
			next++;
		} else {
			fail_msg("a broken line: %s", line);
		}
	}
	if (from)
		fclose(from);
	return counts;
}

static void stop_when_written(struct log *log)
{
	while (log->writer)
		log_stop(log);
}

static void log_many(struct log *log, int from, int to)
{
	for (int i = from; i < to; i++)
		log_error(log, "#%d %0*d", i, LINE_PAD, 0);
}

/*
 * SEMANTICS 11.2.4: * SEMANTICS 11.2: with nobody reading, whoever logs goes on; what
 * could not be written is counted where it is missing.
 */
static void test_spec_11_2_nobody_reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sinks); i++) {
		const unsigned long long *counts;
		pthread_t reader;
		void *read_counts;
		struct log log;
		int ends[2];

		assert_int_equal(sinks[i].open(ends), 0);
		assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
		close(ends[1]);
		log_init(&log, "test", false, false);
		assert_int_equal(log_start(&log), 0);
		log_many(&log, 0, MANY);
		/* The reader is back: what was kept and the count come, then what is new.
		 */
		assert_int_equal(pthread_create(&reader, NULL, read_all, &ends[0]), 0);
		stop_when_written(&log);
		assert_int_equal(log_start(&log), 0);
		log_many(&log, MANY, MANY + 3);
		stop_when_written(&log);
		assert_int_equal(dup2(ear.stderr_fd, STDERR_FILENO), STDERR_FILENO);
		assert_int_equal(pthread_join(reader, &read_counts), 0);
		counts = read_counts;
		print_message("%s: %llu read, %llu missing\n", sinks[i].name, counts[0],
			counts[1]);
		assert_int_equal(counts[0] + counts[1], MANY + 3);
		assert_true(counts[1] > 0);
	}
}

/* A writer that is blocked at the end is left behind, and so are lines from then on. */
static void test_spec_1_5_end(void **state)
{
	struct log log;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	log_init(&log, "test", false, false);
	assert_int_equal(log_start(&log), 0);
	log_many(&log, 0, MANY);
	log_stop(&log);
	assert_non_null(log.writer);
	log_many(&log, 0, MANY);
	/* Without a reader, writing fails, and the thread ends. */
	close(ends[0]);
	stop_when_written(&log);
	assert_int_equal(dup2(ear.stderr_fd, STDERR_FILENO), STDERR_FILENO);
}

/* Lines that the disk did not take are counted, too. */
static void test_full_disk(void **state)
{
	struct log log;

	(void)state;
	log_init(&log, "test", false, false);
	assert_int_equal(log_start(&log), 0);
	log_error(&log, "%s", "first");
	log_error(&log, "%s", TOO_MUCH);
	log_error(&log, "%s", "last");
	stop_when_written(&log);
	assert_string_equal(said(), "gladiafs: first\n" MISSING "1\n"
				    "gladiafs: last\n");
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
		LOG_TEST(test_spec_11_2_nobody_reads),
		LOG_TEST(test_spec_1_5_end),
		LOG_TEST(test_full_disk),
	};

	/* As in the program: hardening_prepare(). */
	signal(SIGPIPE, SIG_IGN);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
