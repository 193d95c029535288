/* SPDX-License-Identifier: MIT */
#include "sync/job_fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gladia/api.h"
#include "offline.h"
#include "unfinished.h"

enum {
	/* How many jobs ahead of a reader are prefetched. */
	AHEAD_MAX = 64,
	/* Prefetching starts when this many jobs of a listing were looked up. */
	WALK_MIN = 2,
};

/* A job that is being fetched. */
struct job_fetch {
	struct list link;
	struct sync *sync;
	struct api_call *call;
	bool ahead;      /* a prefetch: no request has waited for it yet */
	bool listed;     /* waits for a list of unfinished jobs (unfinished.h) */
	int64_t seen_ms; /* wall time at which the API showed the job before the list */
	struct wait_queue queue;
	char id[FILENAME_BYTES_MAX + 1];
};

static void job_fetch_single_free(struct job_fetch *single)
{
	if (single->call)
		api_cancel(single->call);
	list_remove(&single->link);
	if (single->ahead)
		single->sync->prefetch_len--;
	free(single);
}

static int job_fetch_on_item(void *ctx, const struct api_item *item)
{
	struct sync *sync = ((struct job_fetch *)ctx)->sync;
	struct catalog_job known;
	struct catalog_job job;
	bool bare = !jobs_by_id(sync->catalog, item->job.id, &known) && !known.deleted &&
		    known.size < 0 && known.job.status == item->job.status;

	/*
	 * So far the kernel knows only this job's name, so storing its text invalidates
	 * nothing.
	 */
	return bare ? sync_keep(sync, item, &job) : sync_put(sync, item, &job);
}

/* Marks the job as deleted, if the catalog has it. */
static int job_fetch_forget_id(struct sync *sync, const char *id)
{
	struct catalog_job job;

	if (jobs_by_id(sync->catalog, id, &job) || job.deleted)
		return 0;
	return sync_mark_deleted(sync, &job);
}

/* Loads the job. True if its text is cached, so that it can be shown offline. */
static bool job_fetch_find_known(
	const struct sync *sync, const char *id, struct catalog_job *ret_job)
{
	return !jobs_by_id(sync->catalog, id, ret_job) && !ret_job->deleted &&
	       ret_job->size >= 0 && ret_job->has_text;
}

static bool job_fetch_is_known(const struct sync *sync, const char *id)
{
	struct catalog_job job;

	return job_fetch_find_known(sync, id, &job);
}

static void job_fetch_on_done(
	void *ctx, int error, const struct api_page *page, const char *errmsg)
{
	struct job_fetch *single = ctx;
	struct sync *sync = single->sync;

	(void)page;
	single->call = NULL;
	/* A request that wants the job from now on starts another fetch. */
	list_remove(&single->link);
	if (error == -ENOENT)
		job_fetch_forget_id(sync, single->id);
	else if (offline_means(sync, error) && job_fetch_is_known(sync, single->id))
		error = 0;
	else if (error)
		log_error(sync->log, "%s", errmsg);
	wait_wake(&single->queue, error == -ENOENT ? error : sync_errno(error));
	job_fetch_single_free(single);
	if (!error)
		job_fetch_ahead(sync);
}

static const struct api_handlers handlers = {
	.on_item = job_fetch_on_item, .on_done = job_fetch_on_done};

static struct job_fetch *job_fetch_find(const struct sync *sync, const char *id)
{
	list_for_each (link, &sync->job_fetches) {
		struct job_fetch *single = list_entry(link, struct job_fetch, link);

		if (strcmp(single->id, id) == 0)
			return single;
	}
	return NULL;
}

static int job_fetch_ask(struct job_fetch *single)
{
	return api_get(single->sync->api, single->id, &handlers, single, &single->call);
}

static struct job_fetch *job_fetch_single_new(
	struct sync *sync, const char *id, bool ahead)
{
	struct job_fetch *single = calloc(1, sizeof(*single));

	if (!single)
		return NULL;
	single->sync = sync;
	single->ahead = ahead;
	strcpy(single->id, id);
	wait_queue_init(&single->queue);
	list_append(&sync->job_fetches, &single->link);
	sync->prefetch_len += ahead;
	return single;
}

static int job_fetch_begin(
	struct sync *sync, const char *id, bool ahead, struct job_fetch **ret_single)
{
	struct job_fetch *single = job_fetch_single_new(sync, id, ahead);

	if (!single)
		return -ENOMEM;

	int err = job_fetch_ask(single);

	if (err) {
		job_fetch_single_free(single);
		return err;
	}
	*ret_single = single;
	return 0;
}

int single_get(struct sync *sync, const char *id, struct wait_queue **ret_queue)
{
	struct job_fetch *single = job_fetch_find(sync, id);
	int err = 0;

	/* A call that was sent before goes on, but is not waited for. */
	if (offline_look(sync))
		err = -EHOSTUNREACH;
	else if (!single)
		err = job_fetch_begin(sync, id, false, &single);
	if (err)
		return err;
	if (single->ahead)
		sync->prefetch_len--;
	single->ahead = false;
	*ret_queue = &single->queue;
	return 0;
}

static int64_t job_fetch_single_now_wall_ms(const struct sync *sync)
{
	return clock_wall_ms(loop_clock(sync->loop));
}

/* True if only a newer state of an unfinished job is missing, as a list returns it. */
static bool job_fetch_single_is_stale(
	struct sync *sync, const char *id, struct catalog_job *ret_job)
{
	return job_fetch_find_known(sync, id, ret_job) && !job_finished(&ret_job->job) &&
	       !sync_is_fresh(sync, ret_job, job_fetch_single_now_wall_ms(sync));
}

int job_fetch_start(struct sync *sync, const char *id, struct wait_queue **ret_queue)
{
	struct catalog_job job;
	struct job_fetch *single;

	if (job_fetch_find(sync, id) || offline_is(sync) ||
		!job_fetch_single_is_stale(sync, id, &job) || !unfinished_use_list(sync))
		return single_get(sync, id, ret_queue);
	single = job_fetch_single_new(sync, id, false);
	if (!single)
		return -ENOMEM;
	single->listed = true;
	single->seen_ms = job.seen_ms;
	*ret_queue = &single->queue;
	return 0;
}

/* Finds the position of the job, which is usually right after the previous one. */
static bool job_fetch_find_position(
	const struct listing *listing, int64_t row, size_t *ret_at)
{
	const struct member_set *members = &listing->members;

	for (size_t at = listing->prefetch_position + 1; at < members->len; at++) {
		if (members->members[at] == row) {
			*ret_at = at;
			return true;
		}
	}
	for (size_t at = 0; at <= listing->prefetch_position && at < members->len; at++) {
		if (members->members[at] == row) {
			*ret_at = at;
			return true;
		}
	}
	return false;
}

void job_fetch_ahead(struct sync *sync)
{
	const struct listing *listing = sync->prefetch_listing;
	size_t at = listing ? listing->prefetch_position + 1 : 0;
	size_t end = at + AHEAD_MAX;

	if (offline_is(sync))
		return;
	for (; listing && at < end && at < listing->members.len; at++) {
		struct catalog_job job;
		struct job_fetch *single;

		if (sync->prefetch_len >= sync->config.connections)
			return;
		if (jobs_by_row(sync->catalog, listing->members.members[at], &job) ||
			job.deleted || job.size >= 0 || job_fetch_find(sync, job.job.id))
			continue;
		if (job_fetch_begin(sync, job.job.id, true, &single))
			return;
	}
}

void job_fetch_prefetch(struct sync *sync, const struct query *query, int64_t row)
{
	char key[QUERY_KEY_MAX];

	query_key(query, key);

	struct listing *listing = listing_find(sync, LISTING_JOBS, key);

	if (!listing ||
		!job_fetch_find_position(listing, row, &listing->prefetch_position))
		return;
	if (++listing->prefetch_run < WALK_MIN)
		return;
	sync->prefetch_listing = listing;
	job_fetch_ahead(sync);
}

void job_fetches_go_offline(struct sync *sync)
{
	/* The calls go on: a later reader may get a newer state. */
	list_for_each (link, &sync->job_fetches) {
		struct job_fetch *single = list_entry(link, struct job_fetch, link);

		if (job_fetch_is_known(sync, single->id))
			wait_wake(&single->queue, 0);
	}
}

/*
 * Returns true if the fetch has ended. If the list has `ended` without the job, fetches
 * the job by its id, provided that requests still wait for it.
 */
static bool job_fetch_single_settle_one_listed(struct job_fetch *single, bool ended)
{
	struct catalog_job job;
	bool seen = job_fetch_find_known(single->sync, single->id, &job) && job.seen_ms &&
		    job.seen_ms != single->seen_ms;
	int err = 0;

	if (!seen && !ended)
		return false;
	single->listed = false;
	if (!seen && !wait_queue_empty(&single->queue)) {
		err = job_fetch_ask(single);
		if (!err)
			return false;
	}
	/* A request that wants the job from now on starts another fetch. */
	list_remove(&single->link);
	wait_wake(&single->queue, err);
	return true;
}

void single_settle_listed(struct sync *sync, bool ended)
{
	for (struct list *link = sync->job_fetches.next; link != &sync->job_fetches;) {
		struct job_fetch *single = list_entry(link, struct job_fetch, link);

		link = link->next;
		if (single->listed && job_fetch_single_settle_one_listed(single, ended))
			job_fetch_single_free(single);
	}
}

unsigned single_calls(const struct sync *sync)
{
	unsigned calls = 0;

	list_for_each (link, &sync->job_fetches)
		calls += list_entry(link, struct job_fetch, link)->call != NULL;
	return calls;
}

void job_fetch_end(struct sync *sync)
{
	while (!list_empty(&sync->job_fetches))
		job_fetch_single_free(
			list_entry(sync->job_fetches.next, struct job_fetch, link));
}
