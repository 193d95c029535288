/* SPDX-License-Identifier: MIT */
#include "log_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"

enum {
	/* Bytes: enough for what -d logs before a busy machine runs the thread. */
	QUEUE_MAX = 1 << 20,
	/* How long a caller waits for its line to be written, if the thread keeps up. */
	PATIENCE_MS = 50,
};

struct log_writer {
	pthread_t thread;
	int fd;
	uint64_t missing; /* lines lost since the last line that was written */
	pthread_mutex_t lock;
	pthread_cond_t news; /* signalled when a line was added or `stopping` was set */
	/* Protected by the lock: */
	struct buf queue; /* each line is a priority byte, the text and a NUL byte */
	uint64_t dropped; /* lines that were dropped because the queue was full */
	bool stopping;
	bool busy;   /* the thread is writing lines that it took from the queue */
	bool behind; /* a wait timed out: calls return at once until the thread is idle */
	pthread_cond_t idle; /* signalled when the thread has written everything */
};

bool log_write(int fd, int priority, const char *line)
{
	char text[LOG_LINE_MAX + sizeof("gladiafs: \n")];
	size_t done = 0;

	if (fd < 0) {
		syslog(priority, "%s", line);
		return true;
	}

	/* Use one write if possible, so that lines of several processes do not mix. */
	size_t len = (size_t)snprintf(text, sizeof(text), "gladiafs: %s\n", line);

	while (done < len) {
		ssize_t written = write(fd, text + done, len - done);

		if (written < 0 && errno != EINTR)
			return false;
		done += written > 0 ? (size_t)written : 0;
	}
	return true;
}

static void log_writer_report_missing(struct log_writer *writer)
{
	char line[128];

	if (!writer->missing)
		return;
	(void)snprintf(line, sizeof(line),
		"lines missing here, because they could not be written: %" PRIu64,
		writer->missing);
	if (log_write(writer->fd, LOG_WARNING, line))
		writer->missing = 0;
}

static void log_writer_write_lines(struct log_writer *writer, const struct buf *lines)
{
	for (size_t at = 0; at < lines->len;) {
		const char *line = lines->data + at + 1;

		log_writer_report_missing(writer);
		if (!log_write(writer->fd, lines->data[at], line))
			writer->missing++;
		at += strlen(line) + 2;
	}
}

/*
 * Waits for lines and moves them from the queue to `lines`. Returns false if the queue is
 * empty and the thread should end.
 */
static bool log_writer_take_lines(
	struct log_writer *writer, struct buf *lines, uint64_t *ret_dropped)
{
	buf_reset(lines);
	pthread_mutex_lock(&writer->lock);
	writer->busy = false;
	if (!writer->queue.len && !writer->dropped) {
		writer->behind = false;
		pthread_cond_broadcast(&writer->idle);
	}
	while (!writer->queue.len && !writer->dropped && !writer->stopping)
		pthread_cond_wait(&writer->news, &writer->lock);

	struct buf taken = writer->queue;

	writer->queue = *lines;
	*lines = taken;
	*ret_dropped = writer->dropped;
	writer->dropped = 0;
	writer->busy = true;
	pthread_mutex_unlock(&writer->lock);
	return taken.len || *ret_dropped;
}

static void *log_writer_run(void *ctx)
{
	struct log_writer *writer = ctx;
	CLEANUP(buf_done) struct buf lines;
	uint64_t dropped;

	buf_init(&lines, QUEUE_MAX);
	/*
	 * The thread gets its own descriptor table. If it is blocked on a disk when the
	 * process is killed, it would otherwise keep /dev/fuse open, and every access to
	 * the mount would hang.
	 */
	if (unshare(CLONE_FILES) == 0) {
		if (writer->fd > 0)
			close_range(0, (unsigned)writer->fd - 1, 0);
		close_range((unsigned)(writer->fd + 1), ~0U, 0);
	}
	while (log_writer_take_lines(writer, &lines, &dropped)) {
		log_writer_write_lines(writer, &lines);
		writer->missing += dropped;
		log_writer_report_missing(writer);
	}
	/* The C library's syslog socket belongs to this thread's descriptor table. */
	closelog();
	return NULL;
}

static int log_writer_start_thread(struct log_writer *writer)
{
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);

	int err = pthread_create(&writer->thread, NULL, log_writer_run, writer);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static void log_writer_release(struct log_writer *writer)
{
	if (writer->fd >= 0)
		close(writer->fd);
	buf_done(&writer->queue);
	pthread_cond_destroy(&writer->idle);
	pthread_cond_destroy(&writer->news);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

int log_writer_new(int fd, struct log_writer **ret_writer)
{
	struct log_writer *writer = calloc(1, sizeof(*writer));

	if (!writer) {
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	writer->fd = fd;
	buf_init(&writer->queue, QUEUE_MAX);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->news, NULL);
	pthread_cond_init(&writer->idle, NULL);

	int err = log_writer_start_thread(writer);

	if (err) {
		log_writer_release(writer);
		return err;
	}
	*ret_writer = writer;
	return 0;
}

/* Returns the time on CLOCK_MONOTONIC in `ms` milliseconds from now. */
static struct timespec log_writer_time_in(long ms)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_nsec += ms * 1000000L;
	time.tv_sec += time.tv_nsec / 1000000000L;
	time.tv_nsec %= 1000000000L;
	return time;
}

/*
 * Waits until everything is written, unless the thread is behind; the caller holds the
 * lock. So a line is in the log before a program sees the error that it describes, and
 * before a crash can lose it.
 */
static void log_writer_wait_for_idle(struct log_writer *writer)
{
	const struct timespec end = log_writer_time_in(PATIENCE_MS);

	while (!writer->behind && (writer->queue.len || writer->busy))
		if (pthread_cond_clockwait(
			    &writer->idle, &writer->lock, CLOCK_MONOTONIC, &end))
			writer->behind = true;
}

void log_writer_add(struct log_writer *writer, int priority, const char *line)
{
	size_t len = strlen(line) + 1;

	pthread_mutex_lock(&writer->lock);
	/*
	 * Once a line was dropped, drop the following ones as well: a line that still
	 * fits would appear in front of the report about the dropped one.
	 */
	if (writer->dropped || buf_reserve(&writer->queue, 1 + len)) {
		writer->dropped++;
	} else {
		(void)buf_append(&writer->queue, &(char){(char)priority}, 1);
		(void)buf_append(&writer->queue, line, len);
	}
	pthread_cond_signal(&writer->news);
	log_writer_wait_for_idle(writer);
	pthread_mutex_unlock(&writer->lock);
}

bool log_writer_free(struct log_writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->stopping = true;
	pthread_cond_signal(&writer->news);
	pthread_mutex_unlock(&writer->lock);

	const struct timespec end = log_writer_time_in(LOG_STOP_MS);

	if (pthread_clockjoin_np(writer->thread, NULL, CLOCK_MONOTONIC, &end))
		return false;
	log_writer_release(writer);
	return true;
}
