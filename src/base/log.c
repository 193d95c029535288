/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/recent_log.h"
#include "log_writer.h"

void log_init(struct log *log, const char *ident, bool to_syslog, bool debug)
{
	*log = (struct log){.to_syslog = to_syslog, .debug = debug};
	if (to_syslog)
		openlog(ident, LOG_PID, LOG_DAEMON);
}

int log_start(struct log *log)
{
	int fd = -1;

	if (!log->to_syslog) {
		fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (fd < 0)
			return -errno;
	}
	return log_writer_new(fd, &log->writer);
}

void log_stop(struct log *log)
{
	if (log->writer && log_writer_free(log->writer))
		log->writer = NULL;
}

/* Prints the time of day with milliseconds and a space. Returns its length. */
static int log_print_time(char *text, size_t size)
{
	struct timespec now;
	struct tm local;

	clock_gettime(CLOCK_REALTIME, &now);
	if (!localtime_r(&now.tv_sec, &local))
		return 0;
	return snprintf(text, size, "%02d:%02d:%02d.%03d ", local.tm_hour, local.tm_min,
		local.tm_sec, (int)(now.tv_nsec / 1000000));
}

void log_message(const struct log *log, int priority, const char *format, va_list args)
{
	char line[LOG_LINE_MAX];
	int start = 0;

	if (priority == LOG_DEBUG && !log->debug)
		return;

	if (log->debug && !log->to_syslog)
		start = log_print_time(line, sizeof(line));

	int len = vsnprintf(line + start, sizeof(line) - (size_t)start, format, args);

	if (len < 0)
		return;
	len += start;
	if (len > start && len < LOG_LINE_MAX && line[len - 1] == '\n')
		line[len - 1] = '\0';
	if (log->recent && priority <= LOG_WARNING)
		recent_log_add(log->recent, line + start);
	if (log->writer)
		log_writer_add(log->writer, priority, line);
	else
		/* If writing fails, there is nowhere to report it. */
		(void)log_write(log->to_syslog ? -1 : STDERR_FILENO, priority, line);
}

void log_error(const struct log *log, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_message(log, LOG_ERR, format, args);
	va_end(args);
}

void log_warning(const struct log *log, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_message(log, LOG_WARNING, format, args);
	va_end(args);
}

void log_notice(const struct log *log, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_message(log, LOG_NOTICE, format, args);
	va_end(args);
}

bool log_is_verbose(const struct log *log)
{
	return log->verbose || log->debug;
}

void log_verbose(const struct log *log, const char *format, ...)
{
	va_list args;

	if (!log_is_verbose(log))
		return;
	va_start(args, format);
	log_message(log, LOG_INFO, format, args);
	va_end(args);
}

void log_debug(const struct log *log, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_message(log, LOG_DEBUG, format, args);
	va_end(args);
}
