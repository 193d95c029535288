/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * The thread that writes the log while a mount is served. It is a thread, because no
 * other way covers all that the log can be: poll(2) does not say how much a terminal or a
 * socket takes, and another process may fill a shared pipe before our write(2);
 * O_NONBLOCK on stderr would change it for the shell, too; syslog(3) and a file on a disk
 * that stalls always block. A blocked thread is harmless.
 */
struct log_writer;

enum { LOG_LINE_MAX = 2048 }; /* bytes of a line, its NUL included */

/* Writes to syslog(3) if `fd` is -1; else to `fd`, which it closes at the end. */
int log_writer_new(int fd, struct log_writer **ret_writer);

/*
 * Takes a copy of the line. A line for which there is no room is dropped and counted.
 * Waits until it is written, unless the log is stuck: that costs 50 ms once.
 */
void log_writer_add(struct log_writer *writer, int priority, const char *line);

/*
 * Waits up to LOG_STOP_MS until all is written, then frees the writer. Returns false if
 * its thread is still blocked: then it stays, and may still be used.
 */
bool log_writer_free(struct log_writer *writer);

/* Writes a line of less than LOG_LINE_MAX bytes at once. Returns false if it cannot. */
bool log_write(int fd, int priority, const char *line);
