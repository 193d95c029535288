/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#include "base/sentences.h"

enum { LOG_LINE_MAX = 2048 };

void log_init(struct log *log, const char *ident, bool to_syslog, bool debug)
{
	*log = (struct log){.to_syslog = to_syslog, .debug = debug};
	if (to_syslog)
		openlog(ident, LOG_PID, LOG_DAEMON);
}

__attribute__((format(printf, 3, 0))) static void log_line(
	const struct log *log, int priority, const char *format, va_list args)
{
	char line[LOG_LINE_MAX];
	int len = vsnprintf(line, sizeof(line) - 1, format, args);

	if (len < 0)
		return;
	if (log->kept && priority <= LOG_WARNING)
		sentences_add(log->kept, line);
	if (log->to_syslog) {
		syslog(priority, "%s", line);
		return;
	}
	/* One write, so that lines of several threads or processes do not mix. */
	if (len > LOG_LINE_MAX - 2)
		len = LOG_LINE_MAX - 2;

	char prefixed[LOG_LINE_MAX + 16];
	int total = snprintf(prefixed, sizeof(prefixed), "gladiafs: %.*s\n", len, line);
	ssize_t written = write(STDERR_FILENO, prefixed, (size_t)total);

	(void)written; /* there is nowhere left to complain to */
}

void log_error(const struct log *log, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(log, LOG_ERR, format, args);
	va_end(args);
}

void log_warning(const struct log *log, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(log, LOG_WARNING, format, args);
	va_end(args);
}

void log_notice(const struct log *log, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(log, LOG_NOTICE, format, args);
	va_end(args);
}

void log_debug(const struct log *log, const char *format, ...)
{
	va_list args;

	if (!log->debug)
		return;
	va_start(args, format);
	log_line(log, LOG_DEBUG, format, args);
	va_end(args);
}
