/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Sentences for the person who runs the program: to stderr or to syslog(3). A sentence
 * says what was tried, why it failed and what to do; it never holds the API key.
 *
 * May be used from any thread. A call waits for the reader of the log, except between
 * log_start() and log_stop(): then a log that is stuck costs 50 ms, once.
 */
struct sentences;
struct log_writer;

struct log {
	bool to_syslog;
	bool debug;
	struct sentences *kept;    /* errors and warnings go there, too; or NULL */
	struct log_writer *writer; /* NULL: the caller writes */
};

/* `ident` (kept by reference) names the program in the system's log. */
void log_init(struct log *log, const char *ident, bool to_syslog, bool debug);

/*
 * Lets a thread do the writing from now on, so that no caller waits if nobody reads the
 * log. Lines that it cannot write in time (SPEC 11.2) are dropped and counted; their
 * number is logged when lines can be written again. Writes to what is stderr now.
 * Returns 0, -ENOMEM, or another error if there can be no thread.
 */
int log_start(struct log *log);

/*
 * Gives the thread LOG_STOP_MS to write what is left and ends it; callers then write
 * themselves. If it is still blocked, it is left behind, and lines are dropped for good.
 * Does nothing without log_start().
 */
void log_stop(struct log *log);

enum { LOG_STOP_MS = 250 };

void log_error(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void log_warning(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What was done on request and is no fault: it is not kept for .gladiafs/errors. */
void log_notice(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Only where debugging was asked for (-d). */
void log_debug(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Logs a library's message with a priority of syslog(3), without the newline at its end.
 * LOG_DEBUG is logged only with -d.
 */
void log_message(const struct log *log, int priority, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));
