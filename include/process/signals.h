/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * SIGHUP, and the signals that end the program (SIGINT, SIGQUIT, SIGTERM, SIGXCPU), as
 * something to be polled (SPEC 1.5). To be opened before there are threads, so that all
 * of them leave these signals alone; they stay blocked.
 *
 * 0 or -errno; `ret_fd` is owned by the caller, who gives it to close().
 */
int signals_open(int *ret_fd);

/* The next signal that has come, or 0 where there is none. Never waits. */
int signals_read(int fd);
