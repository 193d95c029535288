/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Counts of what gladiafs --fetch has done so far. Any thread may change them. */
struct fetch_counts {
	_Atomic uint64_t found;  /* jobs found so far */
	_Atomic uint64_t done;   /* jobs whose text is cached, or that were deleted */
	_Atomic uint64_t failed; /* jobs that could not be fetched; not part of `done` */
	_Atomic uint64_t dirs_failed; /* directories that could not be read */
	_Atomic uint64_t days;        /* directories of days found so far */
	_Atomic uint64_t days_done;   /* those whose jobs have all been found */
	_Atomic int64_t oldest_ms;    /* mtime of the oldest file in `done`; 0: none */
	_Atomic uint64_t bytes;       /* total size of the files of the jobs in `done` */
	atomic_bool listed;           /* all jobs have been found */
};

/* The progress report on stderr. */
struct fetch_progress {
	bool bar;            /* draw a bar, not one line per minute */
	bool drawn;          /* a bar is on the screen; stderr's lock protects it */
	int64_t began_ms;    /* monotonic time of the start */
	int64_t reported_ms; /* monotonic time of the last report */
	uint64_t reported;   /* number of jobs done at the last report */
	double rate;         /* jobs per second, as a moving average */
};

/* Starts a progress report; `now_ms` is the monotonic time. */
void fetch_progress_begin(struct fetch_progress *progress, int64_t now_ms);

/* Prints the progress if a report is due. Only one thread may call it. */
void fetch_progress_report(struct fetch_progress *progress,
	const struct fetch_counts *counts, int64_t now_ms);

/* Prints a line in place of the bar. Any thread may call it. */
void fetch_progress_message(struct fetch_progress *progress, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Removes the bar from the screen. */
void fetch_progress_end(struct fetch_progress *progress);

/*
 * Appends the progress to `out`: "2288 jobs, back to 2026-04-17, 91.0 MB, 330/s" until
 * all jobs have been found, and then "120 of 1000 jobs, 34.5 MB, 12/s, 1:13 left". While
 * directories of days are read, "3 of 12 days, " comes before it. Leaves out the rate and
 * the remaining time if `rate` is negative. Returns 0, -ENOMEM or -EMSGSIZE.
 */
int fetch_progress_print(const struct fetch_counts *counts, double rate, struct buf *out);

/*
 * Appends a duration, rounded up to seconds, such as "1:02:03" or "0:07". Returns 0,
 * -ENOMEM or -EMSGSIZE.
 */
int fetch_time_print(int64_t ms, struct buf *out);
