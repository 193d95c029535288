/* SPDX-License-Identifier: MIT */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "commands/refresh.h"

/*
 * The state that the three parts of gladiafs --fetch share: fetch.c runs the threads and
 * reports what they do, fetch_list.c finds the jobs, and fetch_progress.c prints
 * progress.
 */

enum {
	FETCH_WORKERS = 8,         /* as many as connections= has by default */
	FETCH_QUEUE_MAX = 1 << 20, /* files; when it is full, listing waits */
	FETCH_SENTENCES_MAX = 10,  /* failures reported; more are only counted */
	FETCH_SAID_MAX = 64 << 10, /* bytes of failure messages waiting to be printed */
	FETCH_PATH_MAX = 4096,
};

struct fetch_counts {
	uint64_t found;  /* jobs found so far */
	uint64_t done;   /* jobs whose text is cached, or that were deleted meanwhile */
	uint64_t failed; /* jobs that could not be fetched; not part of `done` */
	uint64_t dirs_failed; /* directories that could not be read */
	uint64_t bytes;       /* total size of the files of the jobs in `done` */
	bool listed;          /* all jobs have been found */
};

/* A job's file that is to be fetched. */
struct fetch_file {
	struct list link;
	const struct refresh_target *root;
	char path[]; /* relative to the directory of `root` */
};

struct fetch {
	char *const *paths;           /* the arguments, ending with NULL */
	struct refresh_target *roots; /* the same paths, opened */
	size_t roots_len;
	int64_t began_wall_ms; /* wall time of the start */

	pthread_mutex_t lock; /* protects all members below the conditions */
	pthread_cond_t news;  /* signalled when a file is queued or no more will be */
	pthread_cond_t room;  /* signalled when a file is taken from the queue */

	struct list queue; /* of struct fetch_file */
	size_t queue_len;
	struct fetch_counts counts;
	struct buf said;    /* failure messages waiting to be printed */
	unsigned sentences; /* number of failures so far */
	unsigned in_a_row;  /* failures since the last success */
	bool given_up;      /* too many failures in a row: all threads stop */
	unsigned working;   /* number of threads that are running */
};

/* Thread function that finds the files and queues them; `ctx` is a struct fetch. */
void *fetch_list(void *ctx);

/*
 * Counts a file or directory that could not be fetched and queues a message about it. Can
 * be called from any thread, without the lock.
 */
void fetch_failed(struct fetch *fetch, const struct refresh_target *root,
	const char *path, bool is_dir, int error);

/* The progress report on stderr. */
struct fetch_progress {
	bool bar;         /* draw a bar, not one line per minute */
	bool drawn;       /* a bar is on the screen */
	int64_t began_ms; /* monotonic time of the start */
	int64_t told_ms;  /* monotonic time of the last report */
	uint64_t told;    /* number of jobs done at the last report */
	double rate;      /* jobs per second, as a moving average */
};

/* Starts a progress report; `now_ms` is the monotonic time. */
void fetch_progress_begin(struct fetch_progress *progress, int64_t now_ms);

/* Prints `lines`, which may be empty, and then the progress if a report is due. */
void fetch_progress_tell(struct fetch_progress *progress, const char *lines,
	const struct fetch_counts *counts, int64_t now_ms);

/* Removes the bar from the screen. */
void fetch_progress_end(struct fetch_progress *progress);

/*
 * Appends the progress to `out`, such as "120 of 1000+ jobs, 34.5 MB, 12/s, 1:13 left".
 * Leaves out the remaining time if it is not known, and both the rate and the time if
 * `rate` is negative. Returns 0, -ENOMEM or -EMSGSIZE.
 */
int fetch_progress_print(const struct fetch_counts *counts, double rate, struct buf *out);

/*
 * Appends a duration, rounded up to seconds, such as "1:02:03" or "0:07". Returns 0,
 * -ENOMEM or -EMSGSIZE.
 */
int fetch_time_print(int64_t ms, struct buf *out);
