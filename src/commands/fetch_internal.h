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
 * What fetch.c (its threads, and who tells of them) shares with fetch_list.c (what is
 * there) and fetch_progress.c (how that looks).
 */

enum {
	FETCH_WORKERS = 8,         /* as many as connections= has by default */
	FETCH_QUEUE_MAX = 1 << 20, /* names; then listing waits */
	FETCH_SENTENCES_MAX = 10,  /* of what fails, so much is told one by one */
	FETCH_SAID_MAX = 64 << 10,
	FETCH_PATH_MAX = 4096,
};

struct fetch_counts {
	uint64_t found; /* jobs */
	uint64_t done;
	uint64_t gone;   /* of those done: deleted meanwhile */
	uint64_t failed; /* not among those done */
	uint64_t dirs_failed;
	uint64_t bytes; /* of those done */
	bool listed;    /* more are not found */
};

struct fetch_file {
	struct list link;
	const struct client_path *root;
	char path[]; /* below the root's directory */
};

struct fetch {
	char *const *paths;
	struct client_path *roots;
	size_t roots_len;

	pthread_mutex_t lock;
	pthread_cond_t news; /* a file, or the end of them */
	pthread_cond_t room;
	/* Under the lock: */
	struct list queue;
	size_t queue_len;
	struct fetch_counts counts;
	struct buf said; /* lines that are to be printed */
	unsigned sentences;
	unsigned in_a_row; /* failures since the last success */
	bool given_up;
	unsigned working; /* threads */
};

/* The thread that finds files: `ctx` is the fetch. */
void *fetch_list(void *ctx);

/* Something failed; counts it. From any thread, without the lock. */
void fetch_failed(struct fetch *fetch, const struct client_path *root, const char *path,
	bool is_dir, int error);

/* How far it is, on stderr. */
struct fetch_progress {
	bool bar;
	bool drawn; /* a bar stands there */
	int64_t began_ms;
	int64_t told_ms; /* when it was told last, */
	uint64_t told;   /* how many were done then, */
	double rate;     /* and at how many a second */
};

void fetch_progress_begin(struct fetch_progress *progress, int64_t now_ms);

/* Prints lines, if there are any, then where it stands, if it is time for that. */
void fetch_progress_tell(struct fetch_progress *progress, const char *lines,
	const struct fetch_counts *counts, int64_t now_ms);

/* Takes the bar away. */
void fetch_progress_end(struct fetch_progress *progress);

/*
 * "120 of 1000+ jobs, 34.5 MB, 12/s, 1:13 left", appended, as far as it is known. `rate`
 * below 0: without it and the time.
 */
int fetch_progress_print(const struct fetch_counts *counts, double rate, struct buf *out);

/* "1:02:03", "0:07", appended. */
int fetch_time_print(int64_t ms, struct buf *out);
