/* SPDX-License-Identifier: MIT */
#include "source_select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void select_rows_done(struct select_rows *rows)
{
	if (rows->listing)
		listing_put(rows->listing);
	rows_done(&rows->saved);
}

/* Returns the number of rows that are there so far. */
static size_t select_len(const struct select_rows *rows)
{
	return rows->listing ? rows->listing->members.len : rows->saved.len;
}

static int64_t select_row(const struct select_rows *rows, size_t at)
{
	return rows->listing ? rows->listing->members.members[at] : rows->saved.rows[at];
}

/* True if all rows were examined and none can follow. */
static bool select_is_done(const struct select *select)
{
	const struct listing *from = select->rows.listing;

	return select->at == select_len(&select->rows) &&
	       (!from || from->state == LISTING_COMPLETE);
}

/* Notes an unfinished job of the listing's time range that does not match. */
static int select_note_unfinished(struct select *select, const struct catalog_job *job)
{
	if (job_finished(&job->job) || !query_matches(&select->all_statuses, &job->job))
		return 0;
	return rows_append(&select->unfinished, &job->row, 1);
}

static int select_examine_row(struct select *select, int64_t row)
{
	struct listing *listing = select->listing;
	const struct listing *from = select->rows.listing;
	struct catalog_job job;
	bool matches;
	int err;

	if (from && from->kind == LISTING_DAYS)
		return rows_append(&select->days, &row, 1);
	err = listing_load_job(listing, row, &job, &matches);
	if (err)
		return err == -ENOENT ? 0 : err;
	if (!matches)
		return select_note_unfinished(select, &job);
	if (listing->kind != LISTING_DAYS)
		newest_note(listing, job_mtime_ms(&job.job));
	return select_mappers[listing->kind].add(select, &job);
}

/* Examines a batch of rows. If one fails, the next call examines it again. */
static int select_examine(struct select *select)
{
	struct catalog *catalog = select->listing->sync->catalog;
	int err = 0;

	/* The caller may be reading: then that continues afterwards. */
	bool reading = catalog_read_begin(catalog);

	for (int i = 0; !err && i < SELECT_ROWS_PER_TURN; i++) {
		if (select->at == select_len(&select->rows))
			break;
		err = select_examine_row(select, select_row(&select->rows, select->at));
		select->at += !err;
	}
	if (reading)
		catalog_read_end(catalog);
	return err;
}

/*
 * Stores the unfinished jobs for the next revalidation. The previous listing of the same
 * query never contained them: its list of them is copied.
 */
static int select_save_unfinished(struct select *select)
{
	struct listing *listing = select->listing;
	const struct listing *from = select->rows.listing;

	if (!from || from != listing->previous)
		return listing_set_unfinished(
			listing, select->unfinished.rows, select->unfinished.len);
	return from->unfinished_before
		       ? listing_set_unfinished(listing, from->unfinished_before,
				 from->unfinished_before_len)
		       : 0;
}

static void select_finish(struct select *select)
{
	struct listing *listing = select->listing;
	const struct listing *from = select->rows.listing;
	const struct select_mapper *mapper = &select_mappers[listing->kind];
	int err = mapper->finish ? mapper->finish(select) : 0;

	if (!err)
		err = select_save_unfinished(select);
	if (err) {
		listing_failed(listing, err, strerror(-err));
		return;
	}
	/* Rows that follow members emitted before are not in order. */
	listing->ordered = !select->emitted &&
			   (from ? from->ordered : select->rows.ordered);
	if (from && from->origin == ORIGIN_CACHE)
		listing->origin = ORIGIN_CACHE;
	listing_completed(listing);
}

static void select_continue_later(struct select *select)
{
	struct loop *loop = select->listing->sync->loop;

	loop_timer_set(loop, &select->next, loop_now_ms(loop));
}

/* All rows that are there were examined: waits for more. */
static void select_want_more(struct select *select)
{
	struct listing *from = select->rows.listing;
	int err = listing_want(from, select->at);

	if (err == -EAGAIN)
		wait_enter(listing_queue(from), &select->waiter);
	else if (err == -ENOENT)
		select_finish(select);
	else if (err)
		/* That listing has logged the error. */
		listing_failed(select->listing, err, "");
	else
		select_continue_later(select);
}

static void select_continue(struct select *select)
{
	struct listing *listing = select->listing;
	size_t len = listing->members.len;
	int err = select_examine(select);

	if (err) {
		listing_failed(listing, err, strerror(-err));
		return;
	}
	if (select_is_done(select)) {
		select_finish(select);
		return;
	}
	if (listing->members.len > len)
		listing_grew(listing);
	if (!listing->reader_waiting)
		return;
	if (select->at < select_len(&select->rows))
		select_continue_later(select);
	else
		select_want_more(select);
}

static void select_on_next(void *ctx)
{
	struct select *select = ctx;
	int err = select->error;

	select->error = 0;
	if (err)
		listing_failed(select->listing, err, "");
	/* If no reader is waiting any more, stop: do not read the whole account. */
	else if (!wait_queue_empty(&select->listing->queue))
		select_continue(select);
}

/*
 * Completing this listing releases the one that is still waking its queue: continue in
 * another turn.
 */
static void select_on_grew(struct waiter *waiter, int error)
{
	struct select *select = list_entry(waiter, struct select, waiter);

	select->error = error;
	select_continue_later(select);
}

void select_pull(struct listing *listing)
{
	struct select *select = listing->source_state;

	if (listing->reader_waiting && !loop_timer_is_set(&select->next) &&
		list_empty(&select->waiter.link))
		select_continue(select);
}

int select_begin(struct listing *listing, struct select_rows *rows)
{
	struct select *select = calloc(1, sizeof(*select));

	if (!select) {
		select_rows_done(rows);
		return -ENOMEM;
	}
	select->listing = listing;
	select->rows = *rows;
	select->emitted = listing->members.len;
	select->all_statuses = listing->query;
	select->all_statuses.statuses = QUERY_ALL_STATUSES;
	buf_init(&select->metadata, METADATA_TEXT_MAX);
	waiter_init(&select->waiter, select_on_grew);
	loop_timer_init(&select->next, select_on_next, select);
	listing->started_wall_ms = rows->wall_ms;
	listing->source_state = select;
	return 0;
}

void select_end(struct listing *listing)
{
	struct select *select = listing->source_state;

	wait_leave(&select->waiter);
	loop_timer_cancel(&select->next);
	select_rows_done(&select->rows);
	rows_done(&select->days);
	rows_done(&select->unfinished);
	buf_done(&select->metadata);
	free(select);
}
