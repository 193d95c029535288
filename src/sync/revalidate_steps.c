/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "revalidate.h"

/*
 * The steps of a revalidation that request parts of the listing itself: HEAD, TAIL,
 * COUNT, BISECT, WINDOW and VERIFY_HEAD. The table of all steps is in revalidate.h.
 */

enum { MENDS_MAX = 16, RESTARTS_MAX = 3 };

/*
 * Replaces the predicted rows [from, to) by `rows`, and reports the jobs that are not
 * among these as missing.
 */
static int replace(
	struct check *check, size_t from, size_t to, const int64_t *rows, size_t len)
{
	struct listing *listing = check->listing;
	size_t at = 0;

	if (to - from == len &&
		memcmp(check->expected.rows + from, rows, len * sizeof(*rows)) == 0)
		return 0;
	check->changed = true;
	for (size_t i = from; i < to; i++) {
		int64_t row = check->expected.rows[i];
		size_t next = at;

		while (next < len && rows[next] != row)
			next++;
		if (next < len)
			at = next + 1;
		else
			sync_missed(listing->sync, row, &listing->query,
				listing->began_wall_ms);
	}
	return expected_splice(&check->expected, from, to, rows, len);
}

/*
 * Finds the position of the last of `rows` that is predicted at all. `rows` are in the
 * API's order, and the first of them is not before the job predicted at `from`. Returns
 * 0, -ENOENT if none is predicted, -ESTALE if the order differs from the predicted one,
 * or -EIO.
 */
static int find_last(const struct check *check, size_t from, const int64_t *rows,
	size_t len, size_t *ret_at)
{
	bool found = false;
	size_t hint = from;

	for (size_t i = 0; i < len; i++) {
		struct catalog_job job;
		size_t at;

		if (jobs_by_row(check->expected.catalog, rows[i], &job))
			return -EIO;

		int err = expected_find(&check->expected, &job, hint, &at);

		if (err == -ENOENT)
			continue;
		if (err)
			return err;
		if (at < hint)
			return -ESTALE;
		hint = at + 1;
		found = true;
		*ret_at = at;
	}
	return found ? 0 : -ENOENT;
}

/*
 * Confirms that the listing has `rows` from position `from` on, and after them the jobs
 * that are predicted there. If `last`, nothing follows.
 */
static int take_rows(struct check *check, size_t from, const struct rows *rows, bool last)
{
	size_t to = check->expected.len;

	if (!last) {
		int err = find_last(check, from, rows->rows, rows->len, &to);

		if (err)
			return err;
		to++;
	}
	return replace(check, from, to, rows->rows, rows->len);
}

static void head_start(struct check *check)
{
	const struct query *query = &check->listing->query;

	if (!check->head.len)
		check_ask(check, query, 0,
			page_size_first(&check->listing->sync->page_size));
	else
		check_ask(check, query, check->head.len - 1, check_limit(check));
}

/* Publishes the head, which has reached a known job, and goes on to UNFINISHED. */
static int head_known(struct check *check)
{
	struct listing *listing = check->listing;
	int err = 0;

	for (size_t i = 0; !err && i < check->head.len; i++)
		err = snapshot_see(
			&listing->members, check->head.rows[i], LISTING_TOLD, true);
	if (err)
		return err;
	check->good = check->head.len - 1;
	check->watch_at = 0;
	check->unfinished.len = 0;
	check->step = STEP_UNFINISHED;
	check->paused = !listing->goes_on;
	listing_grew(listing);
	return 0;
}

static int head_take(struct check *check)
{
	const struct page *page = check->page;
	struct rows *head = &check->head;
	bool overlaps = head->len > 0;

	/* If it is empty or leaves a gap, only reading can find out how it goes on. */
	if (!page->len || (overlaps && page->rows[0] != head->rows[head->len - 1]))
		return -ESTALE;

	int err = rows_append(head, page->rows + overlaps, page->len - overlaps);

	if (!err)
		err = take_rows(check, 0, head, page->end.last);
	if (err == -ENOENT)
		return page->len > 1 ? 0 : -ESTALE;
	return err ? err : head_known(check);
}

static void tail_start(struct check *check)
{
	if (!check->expected.len)
		check_fall_back(check);
	else
		check_ask(check, &check->listing->query, check->expected.len - 1, 2);
}

/*
 * Returns how many rows at the head must be verified again: every job at least as new as
 * the newest one of the previous listing, plus one. (>=, because a job that just finished
 * can share its millisecond.) A listing of all statuses contains unfinished jobs anyway:
 * its first row is enough.
 */
static size_t count_again(const struct check *check)
{
	const struct expected *expected = &check->expected;
	struct catalog_job job;
	size_t len = 0;

	while (!check_is_of_all(check) && len < expected->len &&
		!jobs_by_row(expected->catalog, expected->rows[len], &job) &&
		job.job.created_ms >= check->newest_ms)
		len++;
	return len < expected->len ? len + 1 : len;
}

static int tail_take(struct check *check)
{
	const struct page *page = check->page;
	size_t tail = check->expected.len - 1;

	/* Only `next: null` ends a listing (SEMANTICS 6.6). */
	if (!page->end.last)
		return -ESTALE;
	if (page->len == 1 && page->rows[0] == check->expected.rows[tail]) {
		check->step = STEP_AGAIN;
		check->again = 0;
		check->again_len = count_again(check);
		return 0;
	}
	/* An unexpected job is there. */
	if (page->len)
		return -ESTALE;
	check->step = STEP_COUNT;
	return 0;
}

static void count_start(struct check *check)
{
	size_t len = check->expected.len;
	unsigned limit = check_limit(check);

	check_ask(check, &check->listing->query, len > limit ? len - limit : 0, limit);
}

static int find_next_missing(struct check *check)
{
	if (check->good + 1 >= check->expected.len)
		return -ESTALE;
	check->bad = check->expected.len - 1;
	check->step = STEP_BISECT;
	return 0;
}

/* Returns how many halvings bring two positions within one page. */
static size_t halvings(size_t apart, unsigned limit)
{
	size_t count = 0;

	for (; apart > limit; apart /= 2)
		count++;
	return count;
}

static int count_take(struct check *check)
{
	const struct page *page = check->page;
	size_t expected = check->expected.len;
	size_t there = (size_t)page->offset + page->len;

	if (!page->len || !page->end.last || there >= expected)
		return -ESTALE;

	/* Each deletion takes the halvings and a window. */
	size_t each = halvings(expected - check->good, check_limit(check)) + 1;

	check->missing = expected - there;
	if (check->missing > MENDS_MAX ||
		check->requests + check->missing * each > check->most)
		return -ESTALE;
	return find_next_missing(check);
}

static void bisect_start(struct check *check)
{
	size_t apart = check->bad - check->good;

	if (apart <= check_limit(check)) {
		check->step = STEP_WINDOW;
		check_start(check);
		return;
	}
	check_ask(check, &check->listing->query, check->good + apart / 2, 1);
}

static int bisect_take(struct check *check)
{
	const struct page *page = check->page;
	size_t middle = (size_t)page->offset;
	size_t at = 0;

	if (!page->len && !page->end.last)
		return -ESTALE;
	if (page->len && page->rows[0] == check->expected.rows[middle]) {
		check->good = middle;
		return 0;
	}
	/* Only a job that was predicted farther back can be here. */
	if (page->len && find_last(check, middle, page->rows, 1, &at))
		return -ESTALE;
	check->bad = middle;
	return 0;
}

static void window_start(struct check *check)
{
	check_ask(check, &check->listing->query, check->good,
		(unsigned)(check->bad - check->good) + 2);
}

static int window_take(struct check *check)
{
	const struct page *page = check->page;
	const struct rows rows = {page->rows, page->len};

	if (!page->len || page->rows[0] != check->expected.rows[check->good])
		return -ESTALE;

	size_t before = check->expected.len;
	int err = take_rows(check, check->good, &rows, page->end.last);

	if (err)
		return err == -ENOENT ? -ESTALE : err;
	/* At least one job must be missing here, and no more than are left to find. */
	size_t lost = before - check->expected.len;

	if (!lost || lost > check->missing)
		return -ESTALE;
	check->missing -= lost;
	check->good += page->len - 1;
	check->step = STEP_TAIL;
	return check->missing ? find_next_missing(check) : 0;
}

int check_restart(struct check *check)
{
	if (++check->restarts > RESTARTS_MAX)
		return -ESTALE;
	check->head.len = 0;
	check->step = STEP_HEAD;
	/* Jobs that were unfinished a moment ago may have changed their status since. */
	return rows_append(&check->watch, check->unfinished.rows, check->unfinished.len);
}

static void again_start(struct check *check)
{
	size_t rest = check->again_len - check->again;
	unsigned limit = check_limit(check);

	check_ask(check, &check->listing->query, check->again,
		rest < limit ? (unsigned)rest : limit);
}

static int again_take(struct check *check)
{
	const struct page *page = check->page;
	const struct expected *expected = &check->expected;

	if (!page->len || page->len > expected->len - check->again ||
		memcmp(page->rows, expected->rows + check->again,
			page->len * sizeof(*page->rows)) != 0)
		return check_restart(check);
	check->again += page->len;
	if (check->again < check->again_len)
		return 0;
	check->still.len = 0;
	check->step = STEP_STILL;
	if (check_is_of_all(check) || !check->unfinished.len)
		check_finish(check);
	return 0;
}

const struct check_step check_steps[STEPS] = {
	[STEP_HEAD] = {head_start, head_take},
	[STEP_UNFINISHED] = {unfinished_start, unfinished_take},
	[STEP_MOVED] = {moved_start, NULL},
	[STEP_TAIL] = {tail_start, tail_take},
	[STEP_COUNT] = {count_start, count_take},
	[STEP_BISECT] = {bisect_start, bisect_take},
	[STEP_WINDOW] = {window_start, window_take},
	[STEP_AGAIN] = {again_start, again_take},
	[STEP_STILL] = {still_start, still_take},
};
