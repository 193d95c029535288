/* SPDX-License-Identifier: MIT */
/*
 * gladiafs --fetch: one thread lists all jobs. Others fetch the next job of the list
 * until there are no more; the first one joins them when it has listed everything.
 * Meanwhile the main thread waits for signals and reports progress.
 */
#include "commands/fetch.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
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
#include "catalog/jobs.h"
#include "commands/refresh.h"
#include "fetch_cached.h"
#include "fetch_progress.h"
#include "gladia/timestamp.h"
#include "process/exit_code.h"

enum {
	WORKERS = 8, /* as many as connections= has by default */
	TICK_MS = 50,
	DEPTH_MAX = 8, /* below a given directory; the tree of a mount is less deep */
	/* After so many failures in a row the API itself must be failing: stop instead
	 * of waiting `timeout` for every job. */
	FAILURES_MAX = 32,
	FAILURES_SHOWN = 10, /* more failures are only counted */
};

/* The directory that we read if given a root, which contains each job several times. */
static const char whole[] = "all";

/* A job's file that is to be fetched. */
struct fetch_file {
	const struct refresh_target *root;
	char path[]; /* relative to the directory of `root` */
};

/* The attributes of a fetched file that are counted. */
struct fetched {
	uint64_t size;
	int64_t mtime_ms;
};

struct fetch {
	char *const *paths;           /* the arguments, ending with NULL */
	struct refresh_target *roots; /* the same paths, opened */
	size_t roots_len;
	int64_t began_wall_ms; /* wall time of the start */
	struct fetch_progress progress;

	struct fetch_counts counts;
	atomic_uint failures; /* number of failures so far */
	atomic_uint in_a_row; /* failed jobs since the last success */
	atomic_bool given_up; /* too many failures in a row: all threads stop */
	atomic_bool ended;    /* all threads but the main thread have ended */

	pthread_mutex_t lock;      /* protects the rest, and changes of `counts.listed` */
	pthread_cond_t news;       /* signalled when a file is added or no more will be */
	struct fetch_file **files; /* `counts.found` of them */
	size_t files_cap;
	size_t next; /* index of the next file to fetch */
};

/* Counts a file or directory that could not be fetched, and prints a message about it. */
static void fetch_failed(struct fetch *fetch, const struct refresh_target *root,
	const char *path, bool is_dir, int error)
{
	unsigned before = fetch->failures++;

	if (root->name)
		path = ""; /* the argument is the file itself */
	if (before < FAILURES_SHOWN)
		fetch_progress_message(&fetch->progress,
			"gladiafs: cannot fetch %s%s%s: %s\n",
			fetch->paths[root - fetch->roots], *path ? "/" : "", path,
			strerror(-error));
	else if (before == FAILURES_SHOWN)
		fetch_progress_message(&fetch->progress,
			"gladiafs: further failures are counted, but not listed\n");
	if (is_dir) {
		fetch->counts.dirs_failed++;
		return;
	}
	fetch->counts.failed++;
	if (++fetch->in_a_row >= FAILURES_MAX)
		fetch->given_up = true;
}

DEFINE_CLEANUP(fetch_cleanup_dir, DIR *, closedir)

/*
 * True if the entry is the first file of a job: a directory lists the files of a job one
 * after the other, and each of them has the same text to fetch. `job` is the number of
 * the job before, 0 at first. Inode numbers are described in catalog/jobs.h.
 */
static bool fetch_is_job(const struct dirent *entry, uint64_t *job)
{
	uint64_t before = *job;

	if (entry->d_type != DT_REG || !(entry->d_ino >> 62 & 1))
		return false;
	*job = entry->d_ino & ~(uint64_t)JOB_FILES_MASK;
	return *job != before;
}

/* Appends a file to the list. Returns 0 or -ENOMEM. */
static int fetch_add_file(
	struct fetch *fetch, const struct refresh_target *root, const char *path)
{
	size_t size = strlen(path) + 1;
	struct fetch_file *file = malloc(sizeof(*file) + size);

	if (!file)
		return -ENOMEM;
	file->root = root;
	memcpy(file->path, path, size);
	pthread_mutex_lock(&fetch->lock);

	int err = ARRAY_RESERVE(fetch->files, fetch->files_cap, fetch->counts.found + 1);

	if (err)
		free(file);
	else
		fetch->files[fetch->counts.found++] = file;
	pthread_cond_signal(&fetch->news);
	pthread_mutex_unlock(&fetch->lock);
	return err;
}

/* Opens the directory `path` below `root`. Returns 0 or a negative errno. */
static int fetch_open_dir(
	const struct refresh_target *root, const char *path, DIR **ret_dir)
{
	int fd = openat(root->fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_dir = fdopendir(fd);
	if (*ret_dir)
		return 0;
	close(fd);
	return -ENOMEM;
}

/*
 * Reads the next entry whose name does not begin with a dot. Sets *ret_entry to NULL at
 * the end of the directory. Returns 0, or the error of readdir(3) as a negative errno.
 */
static int fetch_next_entry(DIR *dir, struct dirent **ret_entry)
{
	assert(dir);
	do {
		errno = 0;
		*ret_entry = readdir(dir);
		if (!*ret_entry)
			return -errno;
	} while ((*ret_entry)->d_name[0] == '.');
	return 0;
}

/* The directories in a directory, as paths relative to the root. */
struct fetch_subdirs {
	char **paths;
	size_t len;
	size_t cap;
};

static void fetch_subdirs_done(struct fetch_subdirs *subdirs)
{
	for (size_t i = 0; i < subdirs->len; i++)
		free(subdirs->paths[i]);
	free(subdirs->paths);
}

/* True if the last part of the path is a day, as below date/. */
static bool fetch_is_day(const char *path)
{
	const char *slash = strrchr(path, '/');
	int64_t first, end;

	return !date_parse(slash ? slash + 1 : path, &first, &end) && end - first == 1;
}

/* Reads a directory: adds its job files, and collects its directories. */
static int fetch_read_dir(struct fetch *fetch, const struct refresh_target *root,
	const char *path, struct fetch_subdirs *subdirs)
{
	CLEANUP(fetch_cleanup_dir) DIR *dir = NULL;
	struct dirent *entry = NULL;
	uint64_t job = 0;
	int err = fetch_open_dir(root, path, &dir);

	while (!err && !fetch->given_up && !(err = fetch_next_entry(dir, &entry)) &&
		entry) {
		CLEANUP_FREE char *below = NULL;

		if (asprintf(&below, "%s%s%s", path, *path ? "/" : "", entry->d_name) < 0)
			return -ENOMEM;
		if (entry->d_type != DT_DIR) {
			if (fetch_is_job(entry, &job))
				err = fetch_add_file(fetch, root, below);
			continue;
		}
		err = ARRAY_RESERVE(subdirs->paths, subdirs->cap, subdirs->len + 1);
		if (err)
			return err;
		fetch->counts.days += fetch_is_day(below);
		subdirs->paths[subdirs->len++] = cleanup_take(&below);
	}
	return err;
}

/* Lists the job files of a directory and of those in it, up to `depth` levels deep. */
static void fetch_list_dir(struct fetch *fetch, const struct refresh_target *root,
	const char *path, int depth)
{
	CLEANUP(fetch_subdirs_done) struct fetch_subdirs subdirs = {0};
	int err = fetch_read_dir(fetch, root, path, &subdirs);

	for (size_t i = 0; i < subdirs.len && depth && !fetch->given_up; i++) {
		fetch_list_dir(fetch, root, subdirs.paths[i], depth - 1);
		fetch->counts.days_done += fetch_is_day(subdirs.paths[i]);
	}
	if (err)
		fetch_failed(fetch, root, path, true, err);
}

/* Lists all jobs of one argument. */
static void fetch_list(struct fetch *fetch, const struct refresh_target *root)
{
	if (!root->name)
		fetch_list_dir(fetch, root, root->is_root ? whole : "", DEPTH_MAX);
	else if (fetch_add_file(fetch, root, root->name))
		fetch_failed(fetch, root, "", true, -ENOMEM);
}

/*
 * Reads one byte of a file, which makes the mount fetch the whole text into its cache.
 * Returns 0 and the attributes of the file, or a negative errno.
 */
static int fetch_read_file(const struct fetch_file *file, struct fetched *ret_fetched)
{
	/* Directories list no links, but an argument may be one: "text/NAME.txt". */
	int follow = file->root->name ? 0 : O_NOFOLLOW;
	CLEANUP_CLOSE int fd = openat(
		file->root->fd, file->path, O_RDONLY | follow | O_CLOEXEC);
	struct stat status;
	char byte;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	/* Do not read ahead, and do not take the byte from the kernel's page cache. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	(void)posix_fadvise(fd, 0, sysconf(_SC_PAGESIZE), POSIX_FADV_DONTNEED);
	if (pread(fd, &byte, 1, 0) < 0)
		return -errno;
	*ret_fetched = (struct fetched){
		.size = (uint64_t)status.st_size,
		.mtime_ms = (int64_t)status.st_mtim.tv_sec * 1000,
	};
	return 0;
}

/* Notes the time of the oldest job. */
static void fetch_note_age(struct fetch_counts *counts, int64_t mtime_ms)
{
	int64_t oldest_ms = counts->oldest_ms;

	while (mtime_ms > 0 && (!oldest_ms || mtime_ms < oldest_ms) &&
		!atomic_compare_exchange_weak(&counts->oldest_ms, &oldest_ms, mtime_ms))
		;
}

/* Fetches one file and counts it. */
static void fetch_file(struct fetch *fetch, const struct fetch_file *file)
{
	struct fetched status = {0};
	int err = fetch_read_file(file, &status);

	/* The job changed after we opened its file: open the new version. */
	if (err == -ESTALE)
		err = fetch_read_file(file, &status);
	if (err && err != -ENOENT) {
		fetch_failed(fetch, file->root, file->path, false, err);
		return;
	}
	fetch->counts.done++;
	fetch->counts.bytes += status.size;
	fetch_note_age(&fetch->counts, status.mtime_ms);
	fetch->in_a_row = 0;
}

/* Takes a file from the list, waiting for one. Returns NULL if there are no more. */
static const struct fetch_file *fetch_take_file(struct fetch *fetch)
{
	const struct fetch_file *file = NULL;

	pthread_mutex_lock(&fetch->lock);
	while (fetch->next == fetch->counts.found && !fetch->counts.listed)
		pthread_cond_wait(&fetch->news, &fetch->lock);
	if (fetch->next < fetch->counts.found && !fetch->given_up)
		file = fetch->files[fetch->next++];
	pthread_mutex_unlock(&fetch->lock);
	return file;
}

/* Thread function: fetches files until there are no more. */
static void *fetch_work(void *ctx)
{
	struct fetch *fetch = ctx;
	const struct fetch_file *file;

	while ((file = fetch_take_file(fetch)))
		fetch_file(fetch, file);
	return NULL;
}

/* Thread function: lists all jobs, while more threads fetch them, and then joins in. */
static void *fetch_run_all(void *ctx)
{
	struct fetch *fetch = ctx;
	pthread_t more[WORKERS - 1];
	size_t started = 0;

	/* If some threads cannot be started, the others do their work. */
	while (started < ARRAY_SIZE(more) &&
		!pthread_create(&more[started], NULL, fetch_work, fetch))
		started++;
	for (size_t i = 0; i < fetch->roots_len; i++)
		fetch_list(fetch, &fetch->roots[i]);
	pthread_mutex_lock(&fetch->lock);
	fetch->counts.listed = true;
	pthread_cond_broadcast(&fetch->news);
	pthread_mutex_unlock(&fetch->lock);
	fetch_work(fetch);
	while (started)
		pthread_join(more[--started], NULL);
	fetch->ended = true;
	return NULL;
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

/* Reports progress and handles signals until all other threads have ended. */
static void fetch_watch(struct fetch *fetch, const sigset_t *signals)
{
	const struct timespec tick = {.tv_nsec = TICK_MS * 1000L * 1000};

	while (!fetch->ended) {
		int signal = sigtimedwait(signals, NULL, &tick);

		fetch_progress_report(
			&fetch->progress, &fetch->counts, clock_mono_ms(&clock_system));
		if (signal > 0) {
			fetch_progress_end(&fetch->progress);
			fetch_end_by(signal, &fetch->counts);
		}
	}
	fetch_progress_end(&fetch->progress);
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
	if (buf_reserve(&text, ERRMSG_MAX))
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM, "out of memory");
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
		int code = fetch_check_cached(
			fetch->roots[i].mount, fetch->began_wall_ms, errmsg);

		if (code)
			return code;
	}
	return EXIT_CODE_OK;
}

/* Opens all paths. Returns 0, or a negative errno and an error message in `errmsg`. */
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
	for (size_t i = 0; i < fetch->counts.found; i++)
		free(fetch->files[i]);
	free(fetch->files);
	for (size_t i = 0; i < fetch->roots_len; i++)
		refresh_target_done(&fetch->roots[i]);
	free(fetch->roots);
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
	};
	int64_t began_ms = clock_mono_ms(&clock_system);
	sigset_t signals;
	pthread_t thread;

	fetch_list_signals(&signals);
	if (fetch_open_roots(&fetch, errmsg))
		return EXIT_CODE_USAGE;
	fetch_progress_begin(&fetch.progress, began_ms);
	/* All threads block the signals, because this one receives them. */
	pthread_sigmask(SIG_BLOCK, &signals, NULL);

	int err = pthread_create(&thread, NULL, fetch_run_all, &fetch);

	if (err)
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM, "cannot start a thread: %s",
			strerror(err));
	fetch_watch(&fetch, &signals);
	pthread_join(thread, NULL);
	return fetch_conclude(&fetch, began_ms, errmsg);
}
