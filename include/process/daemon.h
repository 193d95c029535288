/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/*
 * Runs the program in the background, but lets the user see if it fails to start
 * (SEMANTICS 1.3). The parent process waits until the child reports a result: an exit
 * code and an error message. A zeroed struct means that the program stays in the
 * foreground.
 */
struct daemon {
	bool waited_for; /* the parent is waiting for the result */
	int pipe;        /* the result is written to this descriptor */
};

/*
 * Forks a child for the background. Call it before starting threads, opening a database
 * or using libcurl. Blocks the signals of process/signals.h in both processes.
 *
 * In the child it returns 0. The working directory is "/", stdin and stdout are
 * /dev/null, stderr is inherited, and all other descriptors are closed. Until it reports
 * a result, the child belongs to the parent's process group and receives SIGTERM if the
 * parent ends. When it reports EXIT_CODE_OK, it starts its own session.
 *
 * In the parent it returns 1 after the child has reported its result, with the exit code
 * in `ret_code` and the error message in `errmsg`. If the child ends without a result,
 * the exit code is EXIT_CODE_SYSTEM. If the parent receives a signal, it sends SIGTERM to
 * the child and kills it if there is no result within a second.
 *
 * Returns a negative errno and an error message if the child cannot be started.
 */
int daemon_start(struct daemon *ret_daemon, int *ret_code, struct buf *errmsg);

/*
 * Reports the result of the child to the parent. Call it once. With EXIT_CODE_OK it also
 * redirects stderr to /dev/null, unless `keep_stderr` is set. In the foreground it does
 * nothing. Returns 0, or -EPIPE if the parent has ended; the child should then exit.
 */
int daemon_report(struct daemon *daemon, int code, const char *message, bool keep_stderr);
