/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * The thread that writes the log while a mount is served.
 *
 * We need a thread because nothing else avoids blocking for every kind of log. poll(2)
 * does not report how much a terminal or a socket accepts, and another process may fill a
 * shared pipe before our write(2). O_NONBLOCK on stderr would also affect the shell.
 * syslog(3) and a file on a stalled disk always block. A blocked thread does no harm.
 */
struct log_writer;

enum { LOG_LINE_MAX = 2048 }; /* bytes of a line, including the NUL byte */

/*
 * Starts a writer to `fd`, or to syslog(3) if `fd` is -1. The writer owns `fd` and closes
 * it, even if this fails. Returns 0, -ENOMEM, or another negative errno if the thread
 * cannot be started.
 */
int log_writer_new(int fd, struct log_writer **ret_writer);

/*
 * Queues a copy of the line and waits until it is written, for at most 50 ms. After such
 * a timeout, calls return at once until the thread has caught up. If the queue is full,
 * the line is dropped and counted.
 */
void log_writer_add(struct log_writer *writer, int priority, const char *line);

/*
 * Waits up to LOG_STOP_MS for the queue to be written, then frees the writer and returns
 * true. Returns false if the thread is still blocked; the writer then stays usable.
 */
bool log_writer_free(struct log_writer *writer);

/*
 * Writes a line of less than LOG_LINE_MAX bytes to `fd`, or to syslog(3) if `fd` is -1.
 * May block. Returns false if writing fails.
 */
bool log_write(int fd, int priority, const char *line);
