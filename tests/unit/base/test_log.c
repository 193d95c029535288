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

/* Messages on stderr: each is one complete line of limited length (SEMANTICS 11.3). */

enum { ROOM = 1 << 20, THREADS = 4, LINES = 500 };

/* Writing a text that contains this fails with ENOSPC. */
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

/* Redirects stderr to a file, so that a test can read what was logged. */
struct captured {
	FILE *file;
	int stderr_fd;
	char captured_text[ROOM];
};

static struct captured captured;

static int listen_to_stderr(void **state)
{
	(void)state;
	captured.file = tmpfile();
	captured.stderr_fd = dup(STDERR_FILENO);
	return !captured.file || captured.stderr_fd < 0 ||
	       dup2(fileno(captured.file), STDERR_FILENO) < 0;
}

static int stop_listening(void **state)
{
	(void)state;
	dup2(captured.stderr_fd, STDERR_FILENO);
	close(captured.stderr_fd);
	return fclose(captured.file);
}

static const char *captured_text(void)
{
	ssize_t len = pread(fileno(captured.file), captured.captured_text,
		sizeof(captured.captured_text) - 1, 0);

	assert_true(len >= 0);
	captured.captured_text[len] = '\0';
	return captured.captured_text;
}

static void test_lines(void **state)
{
	struct log log;

	(void)state;
	log_init(&log, "test", false, false);
	log_error(&log, "no %s: %d", "luck", 3);
	log_warning(&log, "%s", "careful");
	log_debug(&log, "%s", "not asked for");
	assert_string_equal(captured_text(), "gladiafs: no luck: 3\ngladiafs: careful\n");
}

static void test_debug(void **state)
{
	struct log log;

	(void)state;
	log_init(&log, "test", false, true);
	log_debug(&log, "%s", "asked for");

	/* With -d each line has the time of day. */
	const char *text = captured_text();

	assert_int_equal(strlen(text), strlen("gladiafs: 11:22:33.444 asked for\n"));
	assert_memory_equal(text, "gladiafs: ", strlen("gladiafs: "));
	assert_string_equal(text + strlen("gladiafs: 11:22:33.444 "), "asked for\n");
}

/* SEMANTICS 1.1.10: -v shows requests, but not what only -d shows. */
static void test_verbose(void **state)
{
	struct log log;

	(void)state;
	log_init(&log, "test", false, false);
	log_verbose(&log, "%s", "not asked for");
	log.verbose = true;
	log_debug(&log, "%s", "not asked for");
	log_verbose(&log, "%s", "asked for");
	assert_string_equal(captured_text(), "gladiafs: asked for\n");
}

/* SEMANTICS 11.3: a message that is too long is cut, and its line still ends. */
static void test_long(void **state)
{
	static char text[10000];
	struct log log;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	log_init(&log, "test", false, false);
	log_error(&log, "%s", text);
	log_error(&log, "%s", "next");

	size_t xs = strspn(captured_text() + strlen("gladiafs: "), "x");

	assert_in_range(xs, 1000, 2048);
	assert_string_equal(
		captured_text() + strlen("gladiafs: ") + xs, "\ngladiafs: next\n");
}

static void *log_much(void *log)
{
	for (int i = 0; i < LINES; i++)
		log_error(log, "%s", "0123456789");
	return NULL;
}

/* Each line is written with one write(), so that lines of several threads do not mix. */
static void test_threads(void **state)
{
	const char *line = "gladiafs: 0123456789\n";
	pthread_t threads[THREADS];
	struct log log;

	(void)state;
	log_init(&log, "test", false, false);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_much, &log), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);

	const char *at = captured_text();

	for (int i = 0; i < THREADS * LINES; i++, at += strlen(line))
		assert_memory_equal(at, line, strlen(line));
	assert_string_equal(at, "");
}

/*
 * With syslog(3) nothing is written to stderr, and a missing syslog daemon is no failure.
 */
static void test_syslog(void **state)
{
	struct log log;

	(void)state;
	log_init(&log, "gladiafs-test", true, true);
	log_debug(&log, "%s", "a unit test's sentence");
	assert_string_equal(captured_text(), "");
}

/* If stderr is closed, logging does nothing and the program continues. */
static void test_no_stderr(void **state)
{
	struct log log;

	(void)state;
	log_init(&log, "test", false, false);
	close(STDERR_FILENO);
	log_error(&log, "%s", "into the void");
	assert_int_equal(dup2(fileno(captured.file), STDERR_FILENO), STDERR_FILENO);
	assert_string_equal(captured_text(), "");
}

/* A kind of file that stderr can be and that blocks if no process reads it. */
struct sink {
	const char *name;
	/* fills in the reader's end, then the writer's; nonzero: failed */
	int (*open)(int ends[2]);
};

static int open_socket(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

/* Opens a terminal that blocks if its master is not read, as after Ctrl-S. */
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

/*
 * Reads all lines until the writers close their end. Checks that the numbers of the lines
 * rise without a gap, apart from lines that were reported missing.
 */
static void *read_all(void *ctx)
{
	const int fd = *(int *)ctx;
	FILE *from = fdopen(fd, "r");
	static char line[4096];
	/* number of lines that were read, and of lines reported missing */
	static unsigned long long counts[2];
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
	/* Without memory, the writers must get an error, and not wait for a reader. */
	if (from)
		fclose(from);
	else
		close(fd);
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
 * SEMANTICS 11.2.5: if stderr is not read, logging does not block. The log has the number
 * of missing lines in their place.
 */
static void test_spec_11_2_stderr_is_not_read(void **state)
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
		/*
		 * The reader continues: it gets the queued lines, the count, and then new
		 * lines.
		 */
		assert_int_equal(pthread_create(&reader, NULL, read_all, &ends[0]), 0);
		stop_when_written(&log);
		assert_int_equal(log_start(&log), 0);
		log_many(&log, MANY, MANY + 3);
		stop_when_written(&log);
		assert_int_equal(dup2(captured.stderr_fd, STDERR_FILENO), STDERR_FILENO);
		assert_int_equal(pthread_join(reader, &read_counts), 0);
		counts = read_counts;
		print_message("%s: %llu read, %llu missing\n", sinks[i].name, counts[0],
			counts[1]);
		assert_int_equal(counts[0] + counts[1], MANY + 3);
		assert_true(counts[1] > 0);
	}
}

/* Stopping the log does not wait for a blocked writer; later lines are dropped. */
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
	/* Without a reader, write() fails and the writer's thread ends. */
	close(ends[0]);
	stop_when_written(&log);
	assert_int_equal(dup2(captured.stderr_fd, STDERR_FILENO), STDERR_FILENO);
}

/* Lines that could not be written to a full disk are counted as missing, too. */
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
	assert_string_equal(captured_text(), "gladiafs: first\n" MISSING "1\n"
					     "gladiafs: last\n");
}

#define LOG_TEST(test) \
	cmocka_unit_test_setup_teardown(test, listen_to_stderr, stop_listening)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_lines),
		LOG_TEST(test_debug),
		LOG_TEST(test_verbose),
		LOG_TEST(test_long),
		LOG_TEST(test_threads),
		LOG_TEST(test_syslog),
		LOG_TEST(test_no_stderr),
		LOG_TEST(test_spec_11_2_stderr_is_not_read),
		LOG_TEST(test_spec_1_5_end),
		LOG_TEST(test_full_disk),
	};

	/* Ignored in the program as well: see hardening_prepare(). */
	signal(SIGPIPE, SIG_IGN);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
