/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/array.h"
#include "page.h"
#include "row_order.h"

/*
 * Revalidates a listing that was complete (SEMANTICS 7.2), without reading all of it
 * again. Since then jobs may have been created, unfinished jobs may have finished, and
 * jobs may have been deleted. If the listing is in descending order of created_at, new
 * jobs are at its head, unfinished jobs are known by their id, and a deletion shifts all
 * jobs after it.
 *
 * The prediction is what we expect the listing to be; each step requests something and
 * corrects the prediction by it:
 *
 *   step               requests                    result
 *   HEAD               the first page, and more    the rows down to the last known job
 *                      until a known job appears   are confirmed, and emitted at once
 *   UNFINISHED         queued and processing jobs  jobs that were unfinished and are not
 *                                                  among them have changed their status
 *   STATUS_CHANGES     each of these by its id     each is inserted or removed
 *   TAIL               the last predicted job, at  VERIFY_HEAD if it is there; COUNT if
 *                      its predicted offset        nothing is there: jobs were deleted
 *   COUNT              a page that ends there      the number of deletions; falls back if
 *                                                  finding them takes longer than reading
 *   BISECT             one job in the middle       repeated until the first deletion is
 *                                                  within a page
 *   WINDOW             that page                   its rows are confirmed; BISECT for the
 *                                                  next deletion, or TAIL
 *   VERIFY_HEAD        the new jobs and the first  they are as predicted: no job that
 *                      one known before            hides a deletion was created, and no
 *                                                  known job has finished, since HEAD
 *   VERIFY_UNFINISHED  queued and processing       all jobs of UNFINISHED are among them:
 *                      jobs, if the listing is by  none has entered the listing and hides
 *                      status                      a deletion; complete
 *
 * A deletion and an addition hide each other only if the addition happens between HEAD
 * and TAIL: hence the last two steps. A job created since the previous refresh is unknown
 * if it finishes between HEAD and UNFINISHED; its place is before the jobs known then. A
 * job that moves within a listing by status is known from UNFINISHED of this refresh or
 * the previous one.
 *
 * If anything else does not fit, or takes more requests than reading, we read the
 * listing: revalidate_fall_back(). We do the same after an empty page that is not said to
 * be the last, and if more may follow the last job, because reading handles these
 * (source_pages.c).
 */
struct revalidation;

enum step {
	STEP_HEAD,
	STEP_UNFINISHED,
	STEP_STATUS_CHANGES,
	STEP_TAIL,
	STEP_COUNT,
	STEP_BISECT,
	STEP_WINDOW,
	STEP_VERIFY_HEAD,
	STEP_VERIFY_UNFINISHED,
	STEPS,
};

struct revalidate_step {
	/* Requests what the step needs, or starts another step. */
	void (*start)(struct revalidation *check);
	/*
	 * Processes the page that has arrived. Returns 0, -ESTALE to fall back to
	 * reading, or another error. NULL if the step requests no page.
	 */
	int (*take)(struct revalidation *check);
};

extern const struct revalidate_step revalidate_steps[STEPS];

struct revalidation {
	struct listing *listing;
	enum step step;
	bool paused; /* the head is published; waits until a reader wants more */
	struct row_order row_order; /* the prediction */
	struct page *page;          /* the page in flight, or NULL */
	struct query unfinished_query;
	unsigned requests; /* requests sent so far */
	unsigned most;     /* number of requests after which it falls back */
	unsigned restarts; /* number of calls of revalidate_restart() */
	bool changed;      /* the listing differs from the previous one */

	int64_t newest_ms; /* created_at of the first job of the previous listing */
	size_t verified;   /* VERIFY_HEAD: number of rows verified so far */
	size_t to_verify;  /* VERIFY_HEAD: number of rows to verify */

	struct rows head;      /* rows that HEAD has read so far */
	size_t low;            /* position of a job that is known to be at its offset */
	size_t high;           /* BISECT: position of a job that is not at its offset */
	size_t deletions_left; /* deletions that have not been found yet */

	struct rows
		unfinished_before; /* jobs that were unfinished at the previous refresh */
	bool has_unfinished_before;   /* the previous refresh has stored them */
	size_t unfinished_at;         /* position among them of the next job to examine */
	struct rows unfinished;       /* jobs found by UNFINISHED, in ascending order */
	struct rows still_unfinished; /* jobs found by VERIFY_UNFINISHED, in ascending
					 order */
	struct changed_job
		*changed_jobs; /* waiters for job fetches, one per connection */
	int changed_jobs_len;  /* number of them in progress */
};

/* True if the listing is of all statuses, so that unfinished jobs are its members. */
bool revalidate_is_of_all(const struct revalidation *check);

/* Returns the number of jobs to request per page. */
unsigned revalidate_limit(const struct revalidation *check);

/*
 * Starts the present step, unless paused. It may free the revalidation, as may the
 * functions below: callers must not use it afterwards.
 */
void revalidate_start(struct revalidation *check);

/*
 * Requests a page of `query`; the present step's take() processes it. Falls back to
 * reading if too many requests were sent.
 */
void revalidate_ask(struct revalidation *check, const struct query *query,
	uint64_t offset, unsigned limit);

/*
 * Continues after a step returned `error`: starts the present step after 0, falls back to
 * reading after -ESTALE and -EIO, and fails the listing after other errors.
 */
void revalidate_settle(struct revalidation *check, int error);

/* Fails the listing with `error`, and logs `why` unless it is empty. */
void revalidate_fail(struct revalidation *check, int error, const char *errmsg);

/* Reads the listing page by page instead; members emitted so far stay. */
void revalidate_fall_back(struct revalidation *check);

/* Completes the listing with the predicted rows. */
void revalidate_finish(struct revalidation *check);

/*
 * Starts again from HEAD, because jobs were added meanwhile. Returns 0, -ESTALE after too
 * many restarts, or -ENOMEM.
 */
int revalidate_restart(struct revalidation *check);

/* start() and take() of the steps that are in revalidate_changes.c. */
void changes_unfinished_start(struct revalidation *check);
int changes_unfinished_take(struct revalidation *check);
void changes_verify_start(struct revalidation *check);
int changes_verify_take(struct revalidation *check);
void changes_fetch_start(struct revalidation *check);

/*
 * Allocates and loads what these steps need. Returns 0, -ENOMEM, or -EIO. Call
 * changes_end() even after a failure.
 */
int changes_begin(struct revalidation *check);

/* Cancels the waiting for jobs and frees what changes_begin() allocated. */
void changes_end(struct revalidation *check);
