/* SPDX-License-Identifier: MIT */
#include "process/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errmsg.h"
#include "process/exit_code.h"
#include "process/hardening.h"
#include "process/signals.h"

/* How long a child may take to end after SIGTERM before it is killed. */
enum { KILL_AFTER_MS = 1000 };

/* The result of the child, sent through the pipe in one write. */
struct daemon_result {
	int32_t code;
	char message[ERRMSG_MAX];
};

_Static_assert(sizeof(struct daemon_result) <= PIPE_BUF, "else it could come in pieces");

/* The state of a parent that waits for its child. */
struct watch {
	pid_t child;
	int pipe;         /* the child's result is read from this descriptor */
	int signals;      /* from signals_open() */
	int signal;       /* the first signal that we received, or 0 */
	int64_t until_ms; /* if there was a signal: when to kill the child */
};

/*
 * Waits until the child reports a result or ends. Returns 0, -ETIMEDOUT if it did neither
 * within KILL_AFTER_MS after a signal, or another negative errno.
 */
static int daemon_wait_for_result(struct watch *watch)
{
	for (;;) {
		struct pollfd fds[] = {
			{.fd = watch->pipe, .events = POLLIN},
			{.fd = watch->signals, .events = POLLIN},
		};
		int64_t left_ms = -1;

		if (watch->signal) {
			left_ms = watch->until_ms - clock_mono_ms(&clock_system);
			if (left_ms <= 0)
				return -ETIMEDOUT;
		}
		if (poll(fds, 2, (int)left_ms) < 0 && errno != EINTR)
			return -errno;
		if (fds[0].revents)
			return 0;

		int signal = signals_read(watch->signals);

		if (!signal || watch->signal)
			continue;
		watch->signal = signal;
		watch->until_ms = clock_mono_ms(&clock_system) + KILL_AFTER_MS;
		kill(watch->child, SIGTERM);
	}
}

/*
 * Waits for the end of a child that reported no result or was sent a signal. Stores the
 * error message and returns the exit code of the parent.
 */
static int daemon_describe_end(const struct watch *watch, struct buf *errmsg)
{
	int status;

	while (waitpid(watch->child, &status, 0) < 0)
		if (errno != EINTR)
			return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
				"the background process exited without an error message");
	if (watch->signal)
		return errmsg_set(errmsg, EXIT_CODE_MOUNT,
			"nothing is mounted: interrupted (%s)", strsignal(watch->signal));
	if (WIFSIGNALED(status))
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
			"the background process was killed by a signal (%s) before it "
			"had mounted; use -f to stay in the foreground and see more",
			strsignal(WTERMSIG(status)));
	return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
		"the background process exited with code %d before it had mounted; use "
		"-f to stay in the foreground and see more",
		WEXITSTATUS(status));
}

/* Waits for the child's result. Stores its error message and returns the exit code. */
static int daemon_receive_result(struct watch *watch, struct buf *errmsg)
{
	struct daemon_result result = {0};
	ssize_t got = -1;

	if (!daemon_wait_for_result(watch))
		got = read(watch->pipe, &result, sizeof(result));
	if (got < 0)
		kill(watch->child, SIGKILL);
	/* After we sent SIGTERM the child ends, even if it has just reported success. */
	if (got != (ssize_t)sizeof(result) || watch->signal)
		return daemon_describe_end(watch, errmsg);
	result.message[ERRMSG_MAX - 1] = '\0';
	if (*result.message)
		errmsg_set(errmsg, 0, "%s", result.message);
	return result.code;
}

static int daemon_become(struct daemon *daemon, pid_t parent)
{
	int null;

	hardening_close_inherited(daemon->pipe);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -errno;
	close(null);
	if (chdir("/") < 0)
		return -errno;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	return getppid() == parent ? 0 : -EPIPE; /* the parent ended before prctl() */
}

/*
 * Turns the child into a daemon. If that fails, reports the failure to the parent and
 * exits.
 */
static void daemon_begin_child(
	int pipe, pid_t parent, struct daemon *ret_daemon, struct buf *errmsg)
{
	struct daemon daemon = {.waited_for = true, .pipe = pipe};
	int err = daemon_become(&daemon, parent);

	if (err) {
		errmsg_set(
			errmsg, 0, "cannot go into the background: %s", strerror(-err));
		daemon_report(&daemon, EXIT_CODE_SYSTEM, errmsg->data ? errmsg->data : "",
			false);
		_exit(EXIT_CODE_SYSTEM);
	}
	*ret_daemon = daemon;
}

static int daemon_cannot_start(int err, struct buf *errmsg)
{
	return errmsg_set(
		errmsg, err, "cannot go into the background: %s", strerror(-err));
}

/*
 * Forks with a pipe between parent and child. Both ends are open in both processes.
 * Returns 0 in both, or a negative errno.
 */
static int daemon_fork_with_pipe(int ends[2], pid_t *ret_child)
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*ret_child = fork();
	if (*ret_child >= 0)
		return 0;

	int err = -errno;

	close(ends[0]);
	close(ends[1]);
	return err;
}

int daemon_start(struct daemon *ret_daemon, int *ret_code, struct buf *errmsg)
{
	struct watch watch = {0};
	pid_t parent = getpid();
	int ends[2];
	int err = signals_open(&watch.signals);

	if (err)
		return daemon_cannot_start(err, errmsg);
	err = daemon_fork_with_pipe(ends, &watch.child);
	if (err) {
		close(watch.signals);
		return daemon_cannot_start(err, errmsg);
	}
	if (!watch.child) {
		/* This also closes ends[0] and the signal descriptor. */
		daemon_begin_child(ends[1], parent, ret_daemon, errmsg);
		return 0;
	}
	close(ends[1]);
	watch.pipe = ends[0];
	*ret_code = daemon_receive_result(&watch, errmsg);
	close(watch.pipe);
	close(watch.signals);
	return 1;
}

int daemon_report(struct daemon *daemon, int code, const char *message, bool keep_stderr)
{
	struct daemon_result result = {.code = code};

	if (!daemon->waited_for)
		return 0;
	strncat(result.message, message, ERRMSG_MAX - 1);
	/* From here on we survive the parent. If it has ended already, write() fails. */
	prctl(PR_SET_PDEATHSIG, 0);
	/*
	 * We must not leave the parent's process group before the mount is complete. If
	 * autofs started the parent, processes of that group may access the automount
	 * directory; all others are blocked until the mount is there.
	 */
	if (code == EXIT_CODE_OK)
		setsid();
	/*
	 * This must happen before the parent exits: a program that reads the parent's
	 * stderr until end of file would otherwise wait for the daemon.
	 */
	if (code == EXIT_CODE_OK && !keep_stderr)
		dup2(STDIN_FILENO, STDERR_FILENO);

	ssize_t written = write(daemon->pipe, &result, sizeof(result));

	close(daemon->pipe);
	*daemon = (struct daemon){0};
	return written == (ssize_t)sizeof(result) ? 0 : -EPIPE;
}
