/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/*
 * Going into the background, such that whoever started the program hears whether it
 * works (SPEC 1.3). The parent stays until the child has given its verdict: an exit code
 * and a sentence. Zeroed, it stands for a program that stays in the foreground.
 */
struct daemon {
	bool waited_for; /* a parent waits for the verdict */
	int pipe;
};

/*
 * Forks; to be called before there are threads, open databases or libcurl. Blocks the
 * signals of signals.h in both.
 *
 * In the child 0: "/" as its directory, no descriptors but 0 to 2, of which only stderr
 * is still the parent's. Until the verdict it is in the parent's process group, and the
 * parent's end is its end: it then gets SIGTERM. From a good verdict on it has a session
 * of its own.
 *
 * In the parent 1, after the child's verdict: its code in `ret_code`, its sentence in
 * `why`. A child that ends without one is EXIT_CODE_SYSTEM. A signal is passed on to the
 * child as SIGTERM; if that does not give its verdict within a second it is killed.
 *
 * -errno and a sentence where there can be no child.
 */
int daemon_start(struct daemon *ret_daemon, int *ret_code, struct buf *why);

/*
 * The child's verdict, once. After a good one (EXIT_CODE_OK) stderr is closed as well,
 * unless `keep_stderr`. In the foreground it does nothing. 0; or -EPIPE where nobody
 * waits any more: then end.
 */
int daemon_report(
	struct daemon *daemon, int code, const char *sentence, bool keep_stderr);
