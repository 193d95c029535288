/* SPDX-License-Identifier: MIT */
#pragma once

#include "page.h"
#include "row_order.h"
#include "source_revalidate.h"

/*
 * Looks again at a listing that was complete (SPEC 7.2), without reading it again. What
 * can have happened since: jobs were created, unfinished ones finished, some were
 * deleted. Of a listing in falling order of created_at the first kind stands at its head,
 * the second is known by name, and the third moves all that stands behind it.
 *
 *   step        asks for                      and then
 *   HEAD        the first page, and more      what it shows down to the last known job
 *               until a known job is met      stands as shown; these are told at once
 *   UNFINISHED  queued and processing jobs    those that were unfinished and are not
 *                                             among them have moved
 *   MOVED       each of those by its id       it is put in or taken out where it belongs
 *   TAIL        the last one expected, where  AGAIN; if nothing is there, some before it
 *               it then has to stand          were deleted
 *   COUNT       a page that ends there        how many: so many that to find them takes
 *                                             longer than reading?
 *   BISECT      one in the middle             so long until the first deleted one lies
 *                                             within a page
 *   WINDOW      that page                     what it shows stands as shown; BISECT for
 *                                             the next one, or TAIL
 *   AGAIN       the new ones and the first    they stand as expected still, so nothing
 *               one known before              was created that hides a deletion, and of
 *                                             what was none has finished since HEAD
 *   STILL       queued and processing jobs,   all of UNFINISHED still are, so none came
 * in of a listing by status        that hides a deletion: complete
 *
 * Deletions and what comes in can hide each other only where one comes between HEAD and
 * TAIL: hence AGAIN and STILL. A job created since the look before is unknown if it
 * finishes between HEAD and UNFINISHED; it stands before those known then. A job that
 * moves within a listing (by status) is known from UNFINISHED of this look or the one
 * before. Whatever else does not fit, and whatever takes more requests than reading, is
 * read: check_fall_back(). So is an empty page that is not said to be the last, and a
 * last job behind which there may be others: reading asks on (pages.c).
 */
struct check;

enum step {
	STEP_HEAD,
	STEP_UNFINISHED,
	STEP_MOVED,
	STEP_TAIL,
	STEP_COUNT,
	STEP_BISECT,
	STEP_WINDOW,
	STEP_AGAIN,
	STEP_STILL,
	STEPS,
};

struct check_step {
	/* Asks for what the step needs, or goes on to another. */
	void (*start)(struct check *check);
	/* Takes what check->page brought. 0; -ESTALE: fall back; or other errors. */
	int (*take)(struct check *check);
};

extern const struct check_step check_steps[STEPS];

/* Rows of malloc(). */
struct rows {
	int64_t *rows;
	size_t len;
};

struct check {
	struct listing *listing;
	enum step step;
	bool paused; /* until a reader goes on */
	struct expected expected;
	struct page *page; /* the request under way */
	struct query unfinished_query;
	unsigned requests;
	unsigned most;
	unsigned restarts;
	bool changed; /* something differs from the look before */

	int64_t newest_ms; /* created_at of the first job of the look before */
	size_t again;      /* AGAIN: these stand as expected, */
	size_t again_len;  /* of so many that have to */

	struct rows head; /* what HEAD has read so far */
	size_t good;      /* this one stands at its offset; */
	size_t bad;       /* BISECT: this one does not, */
	size_t missing;   /* for so many before the end were deleted */

	struct rows watch; /* unfinished at the look before, */
	bool watched;      /* if it knew */
	size_t watch_at;
	struct rows unfinished; /* by this look's UNFINISHED, in rising order */
	struct rows still;
	struct moved *moved; /* as many as there are connections */
	int moved_len;       /* of them waiting */
};

/* 0 or -ENOMEM. */
int rows_append(struct rows *rows, const int64_t *more, size_t len);

/* The listing is one of all statuses: unfinished jobs are its members. */
bool check_is_of_all(const struct check *check);

/* How many jobs a page may have. */
unsigned check_limit(const struct check *check);

/* Starts the present step. What is below may free the check: nothing comes after it. */
void check_start(struct check *check);

/* Asks for part of a query; the step takes it. */
void check_ask(
	struct check *check, const struct query *query, uint64_t offset, unsigned limit);

/* Goes on after 0; falls back after -ESTALE and -EIO; fails with other errors. */
void check_settle(struct check *check, int error);
void check_fail(struct check *check, int error, const char *why);
void check_fall_back(struct check *check);

/* What is expected is what there is: the listing is complete. */
void check_finish(struct check *check);

/* Something came in meanwhile: begins anew. As take() above. */
int check_restart(struct check *check);

/* The steps of check_moved.c. */
void unfinished_start(struct check *check);
int unfinished_take(struct check *check);
void still_start(struct check *check);
int still_take(struct check *check);
void moved_start(struct check *check);

/* Makes and unmakes what these steps need. 0, -ENOMEM, -EIO. */
int moved_begin(struct check *check);
void moved_end(struct check *check);
