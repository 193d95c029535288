/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "base/clock.h"
#include "base/errmsg.h"
#include "process/daemon.h"
#include "process/exit_code.h"
#include "process/signals.h"

/*
 * SEMANTICS 1.3: the parent returns with its child's exit code, whatever happens to
 * either.
 */

enum { LONG_MS = 10 * 1000 };

/* Shared memory in which the child records what it saw, for the test to check. */
struct trace {
	pid_t child;
	bool began;
	bool in_parents_group;
	bool own_session;
	bool in_root;
	bool inherited_closed;
	bool input_null;
	bool output_null;
	bool error_null_before;
	bool error_null_after;
	int signal;
	bool reported;
	int report;
};

static struct trace *trace;
static int inherited;

static bool is_null(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static int begin(void **state)
{
	(void)state;
	trace = mmap(NULL, sizeof(*trace), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	inherited = open("/", O_RDONLY | O_DIRECTORY);
	return trace == MAP_FAILED || inherited < 0 ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	close(inherited);
	return munmap(trace, sizeof(*trace));
}

/*
 * Starts a daemon that runs `child` and exits. Returns the exit code that the parent
 * received.
 */
static int start(void (*child)(struct daemon *daemon), struct buf *errmsg)
{
	struct daemon daemon = {0};
	int code = -1;
	int started = daemon_start(&daemon, &code, errmsg);

	if (started == 0) {
		trace->child = getpid();
		trace->began = true;
		child(&daemon);
		_exit(EXIT_CODE_OK);
	}
	return started == 1 ? code : -1;
}

/* Waits in the child for a signal. Returns the signal, or 0 after LONG_MS. */
static int wait_for_signal(void)
{
	struct pollfd fd = {.events = POLLIN};

	if (signals_open(&fd.fd) || poll(&fd, 1, LONG_MS) <= 0)
		return 0;
	return signals_read(fd.fd);
}

static void report(struct daemon *daemon, int code, const char *sentence, bool keep)
{
	trace->report = daemon_report(daemon, code, sentence, keep);
	trace->reported = true;
}

static void be_good(struct daemon *daemon)
{
	char directory[8];

	trace->in_parents_group = getpgrp() == getpgid(getppid());
	trace->in_root = getcwd(directory, sizeof(directory)) &&
			 strcmp(directory, "/") == 0;
	trace->inherited_closed = fcntl(inherited, F_GETFD) < 0;
	trace->input_null = is_null(STDIN_FILENO);
	trace->output_null = is_null(STDOUT_FILENO);
	trace->error_null_before = is_null(STDERR_FILENO);
	report(daemon, EXIT_CODE_OK, "", false);
	trace->own_session = getsid(0) == getpid();
	trace->error_null_after = is_null(STDERR_FILENO);
	/* A second report is ignored, as in the foreground. */
	if (daemon_report(daemon, EXIT_CODE_SYSTEM, "ignored", false))
		abort();
}

static void await(const bool *flag)
{
	for (int i = 0; !*(const volatile bool *)flag && i < LONG_MS; i++)
		usleep(1000);
	assert_true(*flag);
}

/* Waits for the end of a process that need not be our child. */
static void await_end(pid_t pid)
{
	for (int i = 0; kill(pid, 0) == 0 && i < LONG_MS; i++) {
		waitpid(pid, NULL, WNOHANG);
		usleep(1000);
	}
}

static void assert_verdict(
	void (*child)(struct daemon *daemon), int code, const char *sentence)
{
	struct buf errmsg;

	buf_init(&errmsg, ERRMSG_MAX);

	int got = start(child, &errmsg);

	if (got != code || !strstr(errmsg.len ? errmsg.data : "", sentence))
		fail_msg("%d: %s", got, errmsg.len ? errmsg.data : "");
	assert_null(strchr(errmsg.len ? errmsg.data : "", '\n'));
	buf_done(&errmsg);
}

/*
 * SEMANTICS 1.3: the exit code is 0 once the filesystem is mounted; the child is then a
 * proper daemon.
 */
static void test_good(void **state)
{
	(void)state;
	assert_verdict(be_good, EXIT_CODE_OK, "");
	assert_int_equal(waitpid(trace->child, NULL, 0), trace->child);
	assert_int_equal(trace->report, 0);
	/* an automount recognizes the mounting process by its group */
	assert_true(trace->in_parents_group);
	assert_true(trace->own_session);
	assert_true(trace->in_root);
	assert_true(trace->inherited_closed);
	assert_true(trace->input_null);
	assert_true(trace->output_null);
	assert_false(trace->error_null_before);
	assert_true(trace->error_null_after);
}

static void keep_stderr(struct daemon *daemon)
{
	report(daemon, EXIT_CODE_OK, "", true);
	trace->error_null_after = is_null(STDERR_FILENO);
}

/* SEMANTICS 1.4: log=stderr keeps stderr open. */
static void test_keeps_stderr(void **state)
{
	(void)state;
	assert_verdict(keep_stderr, EXIT_CODE_OK, "");
	assert_int_equal(waitpid(trace->child, NULL, 0), trace->child);
	assert_false(trace->error_null_after);
}

static void refuse_key(struct daemon *daemon)
{
	report(daemon, EXIT_CODE_MOUNT, "the key\nis refused", false);
}

static void talk_long(struct daemon *daemon)
{
	char sentence[3 * ERRMSG_MAX];

	memset(sentence, 's', sizeof(sentence));
	sentence[sizeof(sentence) - 1] = '\0';
	report(daemon, EXIT_CODE_SYSTEM, sentence, false);
}

/* SEMANTICS 1.3: the parent gets the exit code, and the error message in one line. */
static void test_bad(void **state)
{
	(void)state;
	assert_verdict(refuse_key, EXIT_CODE_MOUNT, "the key?is refused");
	assert_verdict(talk_long, EXIT_CODE_SYSTEM, "sssssss");
}

static void report_nothing(struct daemon *daemon)
{
	(void)daemon;
	_exit(7);
}

static void be_killed(struct daemon *daemon)
{
	(void)daemon;
	raise(SIGKILL);
}

/* SEMANTICS 1.3: if the child dies without a report, the parent says how. */
static void test_silent(void **state)
{
	(void)state;
	assert_verdict(report_nothing, EXIT_CODE_SYSTEM, "exited with code 7");
	assert_verdict(be_killed, EXIT_CODE_SYSTEM, "killed by a signal (Killed)");
}

static void obey(struct daemon *daemon)
{
	trace->signal = wait_for_signal();
	report(daemon, EXIT_CODE_MOUNT, "reported to end", false);
}

static void disobey(struct daemon *daemon)
{
	(void)daemon;
	/* The signals are blocked, so only SIGKILL ends the child. */
	usleep(LONG_MS * 1000);
}

static void cross(struct daemon *daemon)
{
	trace->signal = wait_for_signal();
	report(daemon, EXIT_CODE_OK, "", false);
}

/*
 * Runs start() in a child process and sends that process `signal`. Returns its wait
 * status.
 */
static int start_and_send(
	void (*child)(struct daemon *daemon), int signal, const char *sentence)
{
	int status;
	pid_t parent;

	*trace = (struct trace){0};
	parent = fork();
	assert_true(parent >= 0);
	if (!parent) {
		struct buf errmsg;

		buf_init(&errmsg, ERRMSG_MAX);

		int code = start(child, &errmsg);
		bool reported = errmsg.len && strstr(errmsg.data, sentence);

		if (!reported)
			fprintf(stderr, "%d: %s\n", code, errmsg.len ? errmsg.data : "");
		_exit(reported ? code : 99);
	}
	await(&trace->began);
	assert_int_equal(kill(parent, signal), 0);
	assert_int_equal(waitpid(parent, &status, 0), parent);
	return status;
}

/*
 * A signal to the waiting parent ends the child, too; when the parent returns, no process
 * is left.
 */
static void test_signal(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		char sentence[64];

		snprintf(sentence, sizeof(sentence), "interrupted (%s)",
			strsignal(signals[i]));

		int status = start_and_send(obey, signals[i], sentence);

		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), EXIT_CODE_MOUNT);
		assert_int_equal(trace->signal, SIGTERM);
		assert_int_equal(kill(trace->child, 0), -1);
	}
}

/*
 * If the child reports success while the signal is on its way, the child ends and the
 * parent fails.
 */
static void test_signal_crossed(void **state)
{
	int status = start_and_send(cross, SIGTERM, "nothing is mounted");

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_CODE_MOUNT);
}

/* SEMANTICS 1.5: SIGTERM and SIGINT end it within a second, whatever is in flight. */
static void test_signal_ignored(void **state)
{
	int64_t began = clock_mono_ms(&clock_system);
	int status = start_and_send(disobey, SIGINT, "interrupted (Interrupt)");
	int64_t took = clock_mono_ms(&clock_system) - began;

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_CODE_MOUNT);
	assert_int_equal(kill(trace->child, 0), -1);
	assert_true(took < LONG_MS / 2);
}

/* If the waiting parent is killed, the child gets SIGTERM and its report fails. */
static void test_parent_killed(void **state)
{
	int status = start_and_send(cross, SIGKILL, "");

	(void)state;
	assert_true(WIFSIGNALED(status));
	await(&trace->reported);
	await_end(trace->child);
	assert_int_equal(trace->signal, SIGTERM);
	assert_int_equal(trace->report, -EPIPE);
}

static void test_foreground(void **state)
{
	struct daemon no_parent = {0};

	(void)state;
	assert_int_equal(daemon_report(&no_parent, EXIT_CODE_OK, "", false), 0);
	assert_int_equal(daemon_report(&no_parent, EXIT_CODE_MOUNT, "why", false), 0);
	assert_false(is_null(STDERR_FILENO));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good, begin, end),
		cmocka_unit_test_setup_teardown(test_keeps_stderr, begin, end),
		cmocka_unit_test_setup_teardown(test_bad, begin, end),
		cmocka_unit_test_setup_teardown(test_silent, begin, end),
		cmocka_unit_test_setup_teardown(test_signal, begin, end),
		cmocka_unit_test_setup_teardown(test_signal_crossed, begin, end),
		cmocka_unit_test_setup_teardown(test_signal_ignored, begin, end),
		cmocka_unit_test_setup_teardown(test_parent_killed, begin, end),
		cmocka_unit_test_setup_teardown(test_foreground, begin, end),
	};

	/* Ignored in the program as well: see hardening_prepare(). */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
