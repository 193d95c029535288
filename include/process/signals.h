/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Opens a descriptor that becomes readable when SIGHUP or a signal that ends the program
 * arrives: SIGINT, SIGQUIT, SIGTERM or SIGXCPU (SEMANTICS 1.5). Blocks these signals;
 * they stay blocked after the descriptor is closed. Call it before starting threads, so
 * that the signals are blocked in all of them.
 *
 * If the hard limit of CPU time (ulimit -t) is two seconds or more, SIGXCPU arrives at
 * least one second of CPU time before the kernel kills the process.
 *
 * Returns 0 or a negative errno. The caller closes `ret_fd` with close().
 */
int signals_open(int *ret_fd);

/* Returns the number of the next pending signal, or 0 if there is none. Never blocks. */
int signals_read(int fd);
