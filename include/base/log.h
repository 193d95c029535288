/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Sentences for the person who runs the program: to stderr or to syslog(3). A sentence
 * says what was tried, why it failed and what to do; it never holds the API key.
 *
 * May be used from any thread. Never blocks on more than one write.
 */
struct sentences;

struct log {
	bool to_syslog;
	bool debug;
	struct sentences *kept; /* errors and warnings go there, too; or NULL */
};

/* `ident` (kept by reference) names the program in the system's log. */
void log_init(struct log *log, const char *ident, bool to_syslog, bool debug);

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
