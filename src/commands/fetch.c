/* SPDX-License-Identifier: MIT */
/*
 * gladiafs --fetch: one thread finds the jobs, FETCH_WORKERS threads fetch them, and the
 * main thread waits for signals and reports progress.
 */
#include "commands/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/errmsg.h"
#include "fetch_internal.h"
#include "process/exit_code.h"
#include "json/cursor.h"

enum {
	TICK_MS = 50,
	STATS_MAX = 64 << 10,
	/* A text's time of last use can be this much too early. */
	USED_STEP_MS = 300 * 1000,
	/* After so many failures in a row the API itself must be failing: stop instead
	 * of waiting `timeout` for every job. */
	FAILURES_MAX = 32,
};

/* Queues a message about a failure, unless there have been too many. */
static void fetch_say(struct fetch *fetch, const char *place, const char *path, int error)
{
	if (fetch->sentences == FETCH_SENTENCES_MAX)
		(void)buf_append_str(&fetch->said,
			"gladiafs: further failures are counted, but not listed\n");
	if (fetch->sentences++ < FETCH_SENTENCES_MAX)
		(void)buf_printf(&fetch->said, "gladiafs: cannot fetch %s%s%s: %s\n",
			place, *path ? "/" : "", path, strerror(-error));
}

void fetch_failed(struct fetch *fetch, const struct refresh_target *root,
	const char *path, bool is_dir, int error)
{
	const char *place = fetch->paths[root - fetch->roots];

	pthread_mutex_lock(&fetch->lock);
	if (is_dir)
		fetch->counts.dirs_failed++;
	else
		fetch->counts.failed++;
	/* If the argument is a file, its name is part of `place`. */
	fetch_say(fetch, place, root->name ? "" : path, error);
	if (!is_dir && ++fetch->in_a_row >= FAILURES_MAX) {
		fetch->given_up = true;
		pthread_cond_broadcast(&fetch->news);
		pthread_cond_broadcast(&fetch->room);
	}
	pthread_mutex_unlock(&fetch->lock);
}

/* Takes a file from the queue, waiting for one. Returns NULL if there are no more. */
static struct fetch_file *fetch_take_file(struct fetch *fetch)
{
	struct fetch_file *file = NULL;

	pthread_mutex_lock(&fetch->lock);
	while (list_empty(&fetch->queue) && !fetch->counts.listed && !fetch->given_up)
		pthread_cond_wait(&fetch->news, &fetch->lock);
	if (!list_empty(&fetch->queue) && !fetch->given_up) {
		file = list_entry(fetch->queue.next, struct fetch_file, link);
		list_remove(&file->link);
		fetch->queue_len--;
		pthread_cond_signal(&fetch->room);
	}
	pthread_mutex_unlock(&fetch->lock);
	return file;
}

/*
 * Reads one byte of a file, which makes the mount fetch the whole text into its cache.
 * Returns 0 and the size of the file, or a negative errno.
 */
static int fetch_read_file(const struct fetch_file *file, uint64_t *ret_size)
{
	CLEANUP_CLOSE int fd = openat(
		file->root->fd, file->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	char byte;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	/* Do not read ahead, and do not take the byte from the kernel's page cache. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	(void)posix_fadvise(fd, 0, sysconf(_SC_PAGESIZE), POSIX_FADV_DONTNEED);
	if (pread(fd, &byte, 1, 0) < 0)
		return -errno;
	*ret_size = (uint64_t)status.st_size;
	return 0;
}

/* Fetches one file and counts it. */
static void fetch_file(struct fetch *fetch, const struct fetch_file *file)
{
	uint64_t size = 0;
	int err = fetch_read_file(file, &size);

	/* The job changed after we opened its file: open the new version. */
	if (err == -ESTALE)
		err = fetch_read_file(file, &size);
	if (err && err != -ENOENT) {
		fetch_failed(fetch, file->root, file->path, false, err);
		return;
	}
	pthread_mutex_lock(&fetch->lock);
	fetch->counts.done++;
	fetch->counts.bytes += size;
	fetch->in_a_row = 0;
	pthread_mutex_unlock(&fetch->lock);
}

/* Thread function of a worker; `ctx` is a struct fetch. */
static void *fetch_work(void *ctx)
{
	struct fetch *fetch = ctx;
	struct fetch_file *file;

	while ((file = fetch_take_file(fetch))) {
		fetch_file(fetch, file);
		free(file);
	}
	pthread_mutex_lock(&fetch->lock);
	fetch->working--;
	pthread_mutex_unlock(&fetch->lock);
	return NULL;
}

/*
 * Starts a detached thread, which ends by itself or with the process. The caller holds
 * the lock. Returns 0 or a negative errno.
 */
static int fetch_start(struct fetch *fetch, void *(*run)(void *ctx))
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, run, fetch);

	if (err)
		return -err;
	fetch->working++;
	return -pthread_detach(thread);
}

/*
 * Starts all threads. `signals` are blocked in every thread, because the main thread
 * receives them with sigtimedwait(2).
 */
static int fetch_start_all(struct fetch *fetch, const sigset_t *signals)
{
	int err;

	pthread_sigmask(SIG_BLOCK, signals, NULL);
	pthread_mutex_lock(&fetch->lock);
	err = fetch_start(fetch, fetch_list);
	for (int i = 0; !err && i < FETCH_WORKERS; i++)
		err = fetch_start(fetch, fetch_work);
	pthread_mutex_unlock(&fetch->lock);
	return err;
}

/* Prints a summary, then lets the signal kill the process by its default action. */
static void fetch_end_by(int signal, const struct fetch_counts *counts)
{
	sigset_t set;

	(void)fprintf(stderr,
		"gladiafs: stopped after %" PRIu64 " of %" PRIu64
		"%s jobs; they stay in the cache; run the same command again to "
		"continue\n",
		counts->done, counts->found, counts->listed ? "" : "+");
	sigemptyset(&set);
	sigaddset(&set, signal);
	(void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
	(void)raise(signal);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Reports progress and handles signals until all threads have ended. */
static void fetch_watch(struct fetch *fetch, const sigset_t *signals)
{
	const struct timespec tick = {.tv_nsec = TICK_MS * 1000L * 1000};
	struct fetch_progress progress;
	bool ended = false;

	fetch_progress_begin(&progress, clock_mono_ms(&clock_system));
	while (!ended) {
		CLEANUP(buf_done) struct buf said;
		struct fetch_counts counts;
		int signal = sigtimedwait(signals, NULL, &tick);

		pthread_mutex_lock(&fetch->lock);
		ended = !fetch->working;
		counts = fetch->counts;
		said = fetch->said;
		buf_init(&fetch->said, FETCH_SAID_MAX);
		pthread_mutex_unlock(&fetch->lock);
		fetch_progress_tell(&progress, said.data ? said.data : "", &counts,
			clock_mono_ms(&clock_system));
		if (signal > 0) {
			fetch_progress_end(&progress);
			fetch_end_by(signal, &counts);
		}
	}
	fetch_progress_end(&progress);
}

/*
 * Checks in the mount's .gladiafs/stats whether what was fetched is in its cache. Returns
 * EXIT_CODE_OK, or EXIT_CODE_SYSTEM and an error message.
 */
static int fetch_check_cached(
	const struct fetch *fetch, const char *mount, struct buf *errmsg)
{
	static const char *const names[] = {"dropped_ms", "unsaved"};
	struct json_slice values[ARRAY_SIZE(names)];
	CLEANUP_FREE char *path = NULL;
	char text[STATS_MAX + 1] = "";
	CLEANUP_CLOSE int fd = asprintf(&path, "%s/.gladiafs/stats", mount) < 0
				       ? -1
				       : open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, STATS_MAX);
	const struct json_slice stats = {text, text + (len > 0 ? len : 0)};

	json_members(json_member(stats, "cache"), names, ARRAY_SIZE(names), values);
	if (!values[0].at)
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
			"cannot find out from %s/.gladiafs/stats whether all texts are "
			"cached; mount again if the mount is of an older version",
			mount);
	if (json_is(values[1], "true"))
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
			"not all texts are cached, because the disk of the cache of %s "
			"is full; free some space and run the same command again",
			mount);
	if (strtoll(values[0].at, NULL, 10) >= fetch->began_wall_ms - USED_STEP_MS)
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
			"not all texts may be cached, because the cache of %s is too "
			"small and texts were removed; use a larger cache_size= or free "
			"space on its disk, and run the same command again",
			mount);
	return EXIT_CODE_OK;
}

/*
 * Prints the summary to stdout. Returns EXIT_CODE_OK, or EXIT_CODE_SYSTEM and an error
 * message if anything failed.
 */
static int fetch_conclude(struct fetch *fetch, int64_t began_ms, struct buf *errmsg)
{
	const struct fetch_counts *counts = &fetch->counts;
	CLEANUP(buf_done) struct buf text;
	const char *mount = fetch->roots[0].mount;

	buf_init(&text, ERRMSG_MAX);
	if (!fetch_progress_print(counts, -1, &text) && !buf_append_str(&text, ", in ") &&
		!fetch_time_print(clock_mono_ms(&clock_system) - began_ms, &text))
		printf("%s\n", text.data);
	if (fetch->given_up)
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
			"gave up after %d failures in a row: %s/.gladiafs/errors has the "
			"reasons; run the same command again to continue",
			FAILURES_MAX, mount);
	if (counts->failed || counts->dirs_failed)
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
			"%" PRIu64 " jobs and %" PRIu64
			" directories could not be fetched: %s/.gladiafs/errors has the "
			"reasons; run the same command again to retry",
			counts->failed, counts->dirs_failed, mount);
	for (size_t i = 0; i < fetch->roots_len; i++) {
		int code = fetch_check_cached(fetch, fetch->roots[i].mount, errmsg);

		if (code)
			return code;
	}
	return EXIT_CODE_OK;
}

/* Opens all paths. Returns 0, or a negative errno and an error message in `why`. */
static int fetch_open_roots(struct fetch *fetch, struct buf *errmsg)
{
	size_t len = 0;
	int err = 0;

	while (fetch->paths[len])
		len++;
	fetch->roots = calloc(len + 1, sizeof(*fetch->roots));
	if (!fetch->roots)
		return errmsg_set(errmsg, -ENOMEM, "out of memory");
	for (; !err && fetch->roots_len < len; fetch->roots_len += !err)
		err = refresh_target_open(fetch->paths[fetch->roots_len],
			&fetch->roots[fetch->roots_len], errmsg);
	return err;
}

static void fetch_done(struct fetch *fetch)
{
	list_for_each_safe (link, &fetch->queue)
		free(list_entry(link, struct fetch_file, link));
	for (size_t i = 0; i < fetch->roots_len; i++)
		refresh_target_done(&fetch->roots[i]);
	free(fetch->roots);
	buf_done(&fetch->said);
}

/*
 * Collects the signals that end the process. A signal that is ignored, as nohup(1) does
 * with SIGHUP, is left out: sigtimedwait(2) would receive a blocked signal all the same.
 */
static void fetch_list_signals(sigset_t *ret_signals)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};

	sigemptyset(ret_signals);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct sigaction now;

		if (!sigaction(ends[i], NULL, &now) && now.sa_handler != SIG_IGN)
			sigaddset(ret_signals, ends[i]);
	}
}

int fetch_run(char *const *paths, struct buf *errmsg)
{
	CLEANUP(fetch_done)
	struct fetch fetch = {
		.began_wall_ms = clock_wall_ms(&clock_system),
		.paths = paths,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.news = PTHREAD_COND_INITIALIZER,
		.room = PTHREAD_COND_INITIALIZER,
	};
	int64_t began_ms = clock_mono_ms(&clock_system);
	sigset_t signals;

	list_init(&fetch.queue);
	buf_init(&fetch.said, FETCH_SAID_MAX);
	fetch_list_signals(&signals);
	if (fetch_open_roots(&fetch, errmsg))
		return EXIT_CODE_USAGE;

	int err = fetch_start_all(&fetch, &signals);

	if (err) {
		/* Exit at once, because returning would free `fetch`, which the threads
		 * that were started still use. */
		(void)fprintf(
			stderr, "gladiafs: cannot start a thread: %s\n", strerror(-err));
		_exit(EXIT_CODE_SYSTEM);
	}
	fetch_watch(&fetch, &signals);
	return fetch_conclude(&fetch, began_ms, errmsg);
}
