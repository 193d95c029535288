/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gladia/timestamp.h"
#include "revalidate.h"

/*
 * Fills a listing by selecting from another one that is complete and fresh, without a
 * request: jobs of one status from the listing of all statuses, jobs of one day from the
 * listing of all jobs. After a job was deleted through the mount, selects from the
 * previous listing of the same query, without the deleted job.
 *
 * Examines SELECT_BATCH rows per turn of the event loop, so that other requests are not
 * delayed.
 */
enum { SELECT_BATCH = 2000 };

struct select_fresh {
	struct listing *from; /* we hold a reference */
	size_t at;
	struct query in_time;   /* the listing's query for all statuses */
	struct rows unfinished; /* unfinished jobs of it, for the next revalidation */
	struct loop_timer next;
};

static struct listing *fresh_find(
	const struct listing *listing, const struct query *query)
{
	char key[QUERY_KEY_MAX];

	query_key(query, key);

	struct listing *found = listing_find(listing->sync, LISTING_JOBS, key);

	/* The listing that this one replaces after a job was deleted (job_delete.c). */
	if (found == listing)
		found = listing->previous;
	return found && found->state == LISTING_COMPLETE && listing_is_young(found)
		       ? found
		       : NULL;
}

static struct listing *fresh_find_source(const struct listing *listing)
{
	struct listing *found = NULL;
	struct query query = listing->query;

	query.statuses = QUERY_ALL_STATUSES;
	found = fresh_find(listing, &listing->query);
	if (!found)
		found = fresh_find(listing, &query);
	if (!found) {
		query_init(&query);
		found = fresh_find(listing, &query);
	}
	/* Days must be in order, the newest first. */
	if (found && listing->kind == LISTING_DAYS && !found->ordered)
		return NULL;
	return found;
}

static int fresh_note_unfinished(
	struct select_fresh *derive, const struct catalog_job *job)
{
	if (job_finished(&job->job) || !query_matches(&derive->in_time, &job->job))
		return 0;
	return rows_append(&derive->unfinished, &job->row, 1);
}

static int fresh_pick(struct listing *listing, int64_t row)
{
	struct catalog_job job;
	bool matches;
	int err = listing_look_up(listing, row, &job, &matches);

	if (err)
		return err == -ENOENT ? 0 : err;
	if (!matches)
		return fresh_note_unfinished(listing->source_state, &job);
	if (listing->kind == LISTING_JOBS) {
		newest_note(listing, job_mtime_ms(&job.job));
		return member_set_add(&listing->members, row, LISTING_EMITTED, true);
	}
	if (job.job.created_ms == JOB_NO_TIME)
		return 0;
	return member_set_add(&listing->members,
		day_of_timestamp(job.job.created_ms) + LISTING_DAY_BASE, LISTING_EMITTED,
		true);
}

/*
 * Stores the unfinished jobs for the next revalidation. The previous listing of the same
 * query never contained them: its list of them is copied.
 */
static int fresh_note_watch(struct listing *listing)
{
	const struct select_fresh *derive = listing->source_state;
	const struct listing *from = derive->from;

	if (from != listing->previous)
		return listing_set_unfinished(
			listing, derive->unfinished.rows, derive->unfinished.len);
	return from->unfinished_before
		       ? listing_set_unfinished(listing, from->unfinished_before,
				 from->unfinished_before_len)
		       : 0;
}

static void fresh_pick_on(void *ctx)
{
	struct listing *listing = ctx;
	struct select_fresh *derive = listing->source_state;
	const struct member_set *from = &derive->from->members;
	size_t len = listing->members.len;
	int err = 0;

	catalog_read_begin(listing->sync->catalog);
	/* If a row fails, the next call examines it again. */
	for (int i = 0; !err && i < SELECT_BATCH && derive->at < from->len; i++) {
		err = fresh_pick(listing, from->members[derive->at]);
		derive->at += !err;
	}
	catalog_read_end(listing->sync->catalog);
	if (!err && derive->at == from->len)
		err = fresh_note_watch(listing);
	if (err) {
		listing_failed(listing, err, strerror(-err));
		return;
	}
	if (derive->at == from->len) {
		listing->ordered = derive->from->ordered;
		listing_completed(listing);
		return;
	}
	if (listing->members.len > len)
		listing_grew(listing);
	loop_timer_set(
		listing->sync->loop, &derive->next, loop_now_ms(listing->sync->loop));
}

static void fresh_pull(struct listing *listing)
{
	struct select_fresh *derive = listing->source_state;

	if (!loop_timer_is_set(&derive->next))
		fresh_pick_on(listing);
}

static int fresh_begin(struct listing *listing)
{
	struct listing *source = fresh_find_source(listing);
	struct select_fresh *derive = source ? calloc(1, sizeof(*derive)) : NULL;

	if (!derive)
		return source ? -ENOMEM : -ENOENT;
	source->holders++;
	derive->from = source;
	derive->in_time = listing->query;
	derive->in_time.statuses = QUERY_ALL_STATUSES;
	loop_timer_init(&derive->next, fresh_pick_on, listing);
	listing->started_ms = source->started_ms;
	listing->started_wall_ms = source->started_wall_ms;
	listing->source_state = derive;
	return 0;
}

static void fresh_end(struct listing *listing)
{
	struct select_fresh *derive = listing->source_state;

	loop_timer_cancel(&derive->next);
	listing_put(derive->from);
	free(derive->unfinished.rows);
	free(derive);
}

const struct listing_source select_fresh = {
	ORIGIN_SELECTED, fresh_begin, fresh_pull, fresh_end};
