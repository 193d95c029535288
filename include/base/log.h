/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Log messages for the user, written to stderr or to syslog(3). A message says what
 * failed, why, and what to do about it. It never contains the API key.
 *
 * Any thread may log. Between log_start() and log_stop() a call blocks for at most 50 ms,
 * and only once if the log is stuck; at other times it blocks if the reader of the log
 * does not keep up.
 */
struct recent_log;
struct log_writer;

struct log {
	bool to_syslog;
	bool debug;   /* -d: log_debug() logs, and stderr shows the time of each line */
	bool verbose; /* -v: log_verbose() logs */
	struct recent_log *recent; /* also receives errors and warnings; may be NULL */
	struct log_writer *writer; /* the thread that writes; NULL: the caller writes */
};

/*
 * Initializes a log. `ident` is the program's name in the system log; the string must
 * stay valid as long as the log is used.
 */
void log_init(struct log *log, const char *ident, bool to_syslog, bool debug);

/*
 * Starts a thread that does the writing, so that no caller is blocked by a log that is
 * not read. Lines that cannot be written in time (SEMANTICS 11.2) are dropped and
 * counted; their number is logged as soon as lines can be written again. The thread
 * writes to a duplicate of the current stderr. Returns 0, -ENOMEM, or another negative
 * errno if the thread cannot be started.
 */
int log_start(struct log *log);

/*
 * Stops the thread, after waiting up to LOG_STOP_MS for it to write the remaining lines;
 * from then on callers write themselves. If the thread is still blocked, it is left
 * running and further lines may be lost. Does nothing if log_start() was not called or
 * failed.
 */
void log_stop(struct log *log);

enum { LOG_STOP_MS = 250 };

void log_error(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void log_warning(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Logs an action that the user requested. It does not appear in .gladiafs/errors. */
void log_notice(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* True if log_verbose() logs: -v or -d was given. */
bool log_is_verbose(const struct log *log);

/* Logs a request to the API, only if log_is_verbose(). */
void log_verbose(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Logs only if debugging was enabled with -d. */
void log_debug(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Logs a message of a library with a priority of syslog(3). A trailing newline is
 * removed. LOG_DEBUG messages are logged only if debugging was enabled with -d.
 */
void log_message(const struct log *log, int priority, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));
