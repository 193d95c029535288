/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "revalidate.h"

/*
 * The steps of a revalidation that request parts of the listing itself: HEAD, TAIL,
 * COUNT, BISECT, WINDOW and VERIFY_HEAD. The table of all steps is in revalidate.h.
 */

enum { GAP_REPAIRS_MAX = 16, RESTARTS_MAX = 3 };

/*
 * Replaces the predicted rows [from, to) by `rows`, and reports the jobs that are not
 * among these as missing.
 */
static int steps_replace(struct revalidation *check, size_t from, size_t to,
	const int64_t *rows, size_t len)
{
	struct listing *listing = check->listing;
	size_t at = 0;

	if (to - from == len &&
		memcmp(check->row_order.rows + from, rows, len * sizeof(*rows)) == 0)
		return 0;
	check->changed = true;
	for (size_t i = from; i < to; i++) {
		int64_t row = check->row_order.rows[i];
		size_t next = at;

		while (next < len && rows[next] != row)
			next++;
		if (next < len)
			at = next + 1;
		else
			sync_on_job_missing(listing->sync, row, &listing->query,
				listing->started_wall_ms);
	}
	return row_order_splice(&check->row_order, from, to, rows, len);
}

/*
 * Finds the position of the last of `rows` that is predicted at all. `rows` are in the
 * API's order, and the first of them is not before the job predicted at `from`. Returns
 * 0, -ENOENT if none is predicted, -ESTALE if the order differs from the predicted one,
 * or -EIO.
 */
static int steps_find_last(const struct revalidation *check, size_t from,
	const int64_t *rows, size_t len, size_t *ret_at)
{
	bool found = false;
	size_t hint = from;

	for (size_t i = 0; i < len; i++) {
		struct catalog_job job;
		size_t at;

		if (jobs_by_row(check->row_order.catalog, rows[i], &job))
			return -EIO;

		int err = row_order_find(&check->row_order, &job, hint, &at);

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
static int steps_take_rows(
	struct revalidation *check, size_t from, const struct rows *rows, bool last)
{
	size_t to = check->row_order.len;

	if (!last) {
		int err = steps_find_last(check, from, rows->rows, rows->len, &to);

		if (err)
			return err;
		to++;
	}
	return steps_replace(check, from, to, rows->rows, rows->len);
}

static void steps_head_start(struct revalidation *check)
{
	const struct query *query = &check->listing->query;

	if (!check->head.len)
		revalidate_ask(check, query, 0,
			page_size_first(&check->listing->sync->page_size));
	else
		revalidate_ask(
			check, query, check->head.len - 1, revalidate_limit(check));
}

/* Publishes the head, which has reached a known job, and goes on to UNFINISHED. */
static int steps_publish_head(struct revalidation *check)
{
	struct listing *listing = check->listing;
	int err = 0;

	for (size_t i = 0; !err && i < check->head.len; i++)
		err = member_set_add(
			&listing->members, check->head.rows[i], LISTING_EMITTED, true);
	if (err)
		return err;
	check->low = check->head.len - 1;
	check->unfinished_at = 0;
	check->unfinished.len = 0;
	check->step = STEP_UNFINISHED;
	check->paused = !listing->reading_ahead;
	listing_grew(listing);
	return 0;
}

static int steps_head_take(struct revalidation *check)
{
	const struct page *page = check->page;
	struct rows *head = &check->head;
	bool overlaps = head->len > 0;

	/* If it is empty or leaves a gap, only reading can find out how it goes on. */
	if (!page->len || (overlaps && page->rows[0] != head->rows[head->len - 1]))
		return -ESTALE;

	int err = rows_append(head, page->rows + overlaps, page->len - overlaps);

	if (!err)
		err = steps_take_rows(check, 0, head, page->end.last);
	if (err == -ENOENT)
		return page->len > 1 ? 0 : -ESTALE;
	return err ? err : steps_publish_head(check);
}

static void steps_tail_start(struct revalidation *check)
{
	if (!check->row_order.len)
		revalidate_fall_back(check);
	else
		revalidate_ask(
			check, &check->listing->query, check->row_order.len - 1, 2);
}

/*
 * Counts the rows at the head that must be verified again: every job at least as new as
 * the newest one of the previous listing, plus one. (>=, because a job that just finished
 * can share its millisecond.) A listing of all statuses contains unfinished jobs anyway:
 * its first row is enough. Returns 0 or -EIO.
 */
static int steps_count_to_verify(const struct revalidation *check, size_t *ret_len)
{
	const struct row_order *order = &check->row_order;
	struct catalog_job job;
	size_t len = 0;

	while (!revalidate_is_of_all(check) && len < order->len) {
		if (jobs_by_row(order->catalog, order->rows[len], &job))
			return -EIO;
		if (job.job.created_ms < check->newest_ms)
			break;
		len++;
	}
	*ret_len = len < order->len ? len + 1 : len;
	return 0;
}

static int steps_tail_take(struct revalidation *check)
{
	const struct page *page = check->page;
	size_t tail = check->row_order.len - 1;

	/* Only `next: null` ends a listing (SEMANTICS 6.6). */
	if (!page->end.last)
		return -ESTALE;
	if (page->len == 1 && page->rows[0] == check->row_order.rows[tail]) {
		check->step = STEP_VERIFY_HEAD;
		check->verified = 0;
		return steps_count_to_verify(check, &check->to_verify);
	}
	/* An unexpected job is there. */
	if (page->len)
		return -ESTALE;
	check->step = STEP_COUNT;
	return 0;
}

static void steps_count_start(struct revalidation *check)
{
	size_t len = check->row_order.len;
	unsigned limit = revalidate_limit(check);

	revalidate_ask(
		check, &check->listing->query, len > limit ? len - limit : 0, limit);
}

static int steps_find_next_missing(struct revalidation *check)
{
	if (check->low + 1 >= check->row_order.len)
		return -ESTALE;
	check->high = check->row_order.len - 1;
	check->step = STEP_BISECT;
	return 0;
}

/* Returns how many halvings bring two positions within one page. */
static size_t steps_halvings(size_t apart, unsigned limit)
{
	size_t count = 0;

	for (; apart > limit; apart /= 2)
		count++;
	return count;
}

static int steps_count_take(struct revalidation *check)
{
	const struct page *page = check->page;
	size_t expected = check->row_order.len;
	size_t there = (size_t)page->offset + page->len;

	if (!page->len || !page->end.last || there >= expected)
		return -ESTALE;

	/* Each deletion takes the halvings and a window. */
	size_t each = steps_halvings(expected - check->low, revalidate_limit(check)) + 1;

	check->deletions_left = expected - there;
	if (check->deletions_left > GAP_REPAIRS_MAX ||
		check->requests + check->deletions_left * each > check->most)
		return -ESTALE;
	return steps_find_next_missing(check);
}

static void steps_bisect_start(struct revalidation *check)
{
	size_t apart = check->high - check->low;

	if (apart <= revalidate_limit(check)) {
		check->step = STEP_WINDOW;
		revalidate_start(check);
		return;
	}
	revalidate_ask(check, &check->listing->query, check->low + apart / 2, 1);
}

static int steps_bisect_take(struct revalidation *check)
{
	const struct page *page = check->page;
	size_t middle = (size_t)page->offset;
	size_t at = 0;

	if (!page->len && !page->end.last)
		return -ESTALE;
	if (page->len && page->rows[0] == check->row_order.rows[middle]) {
		check->low = middle;
		return 0;
	}
	/* Only a job that was predicted farther back can be here. */
	if (page->len && steps_find_last(check, middle, page->rows, 1, &at))
		return -ESTALE;
	check->high = middle;
	return 0;
}

static void steps_window_start(struct revalidation *check)
{
	revalidate_ask(check, &check->listing->query, check->low,
		(unsigned)(check->high - check->low) + 2);
}

static int steps_window_take(struct revalidation *check)
{
	const struct page *page = check->page;
	const struct rows rows = {.rows = page->rows, .len = page->len};

	if (!page->len || page->rows[0] != check->row_order.rows[check->low])
		return -ESTALE;

	size_t before = check->row_order.len;
	int err = steps_take_rows(check, check->low, &rows, page->end.last);

	if (err)
		return err == -ENOENT ? -ESTALE : err;
	/* At least one job must be missing here, and no more than are left to find. */
	size_t lost = before - check->row_order.len;

	if (!lost || lost > check->deletions_left)
		return -ESTALE;
	check->deletions_left -= lost;
	check->low += page->len - 1;
	check->step = STEP_TAIL;
	return check->deletions_left ? steps_find_next_missing(check) : 0;
}

int revalidate_restart(struct revalidation *check)
{
	if (++check->restarts > RESTARTS_MAX)
		return -ESTALE;
	check->head.len = 0;
	check->step = STEP_HEAD;
	/* Jobs that were unfinished a moment ago may have changed their status since. */
	return rows_append(
		&check->unfinished_before, check->unfinished.rows, check->unfinished.len);
}

static void steps_verify_start(struct revalidation *check)
{
	size_t rest = check->to_verify - check->verified;
	unsigned limit = revalidate_limit(check);

	revalidate_ask(check, &check->listing->query, check->verified,
		rest < limit ? (unsigned)rest : limit);
}

static int steps_verify_take(struct revalidation *check)
{
	const struct page *page = check->page;
	const struct row_order *order = &check->row_order;

	if (!page->len || page->len > order->len - check->verified ||
		memcmp(page->rows, order->rows + check->verified,
			page->len * sizeof(*page->rows)) != 0)
		return revalidate_restart(check);
	check->verified += page->len;
	if (check->verified < check->to_verify)
		return 0;
	check->still_unfinished.len = 0;
	check->step = STEP_VERIFY_UNFINISHED;
	if (revalidate_is_of_all(check) || !check->unfinished.len)
		revalidate_finish(check);
	return 0;
}

const struct revalidate_step revalidate_steps[STEPS] = {
	[STEP_HEAD] = {steps_head_start, steps_head_take},
	[STEP_UNFINISHED] = {changes_unfinished_start, changes_unfinished_take},
	[STEP_STATUS_CHANGES] = {changes_fetch_start, NULL},
	[STEP_TAIL] = {steps_tail_start, steps_tail_take},
	[STEP_COUNT] = {steps_count_start, steps_count_take},
	[STEP_BISECT] = {steps_bisect_start, steps_bisect_take},
	[STEP_WINDOW] = {steps_window_start, steps_window_take},
	[STEP_VERIFY_HEAD] = {steps_verify_start, steps_verify_take},
	[STEP_VERIFY_UNFINISHED] = {changes_verify_start, changes_verify_take},
};
