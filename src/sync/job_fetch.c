/* SPDX-License-Identifier: MIT */
#include "sync/job_fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gladia/api.h"
#include "offline.h"
#include "refetch.h"
#include "unfinished.h"

enum {
	/* How many jobs ahead of a reader are prefetched. */
	AHEAD_MAX = JOBS_NEXT_MAX,
	/* Prefetching starts when this many jobs of a listing were looked up. */
	WALK_MIN = 2,
};

/* A job that is being fetched. */
struct job_fetch {
	struct list link;
	struct sync *sync;
	struct api_call *call;
	bool ahead;       /* a prefetch: no request has waited for it yet */
	const void *list; /* list that it waits for, as of job_fetch_settle_listed() */
	int64_t seen_ms;  /* wall time at which the API showed the job before the list */
	struct wait_queue queue;
	char id[FILENAME_BYTES_MAX + 1];
};

static void job_fetch_free(struct job_fetch *fetch)
{
	if (fetch->call)
		api_cancel(fetch->call);
	list_remove(&fetch->link);
	if (fetch->ahead)
		fetch->sync->prefetch_len--;
	free(fetch);
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
	struct job_fetch *fetch = ctx;
	struct sync *sync = fetch->sync;

	(void)page;
	fetch->call = NULL;
	/* A request that wants the job from now on starts another fetch. */
	list_remove(&fetch->link);
	if (error == -ENOENT)
		job_fetch_forget_id(sync, fetch->id);
	else if (offline_means(sync, error) && job_fetch_is_known(sync, fetch->id))
		error = 0;
	else if (error)
		log_error(sync->log, "%s", errmsg);
	wait_wake(&fetch->queue, error == -ENOENT ? error : sync_errno(error));
	job_fetch_free(fetch);
	if (error)
		return;
	job_fetch_ahead(sync);
	refetch_report(sync);
}

static const struct api_handlers handlers = {
	.on_item = job_fetch_on_item, .on_done = job_fetch_on_done};

static struct job_fetch *job_fetch_find(const struct sync *sync, const char *id)
{
	list_for_each (link, &sync->job_fetches) {
		struct job_fetch *fetch = list_entry(link, struct job_fetch, link);

		if (strcmp(fetch->id, id) == 0)
			return fetch;
	}
	return NULL;
}

bool job_fetch_is_coming(const struct sync *sync, const struct catalog_job *job)
{
	return refetch_is_coming(sync, job->row) || job_fetch_find(sync, job->job.id);
}

static int job_fetch_ask(struct job_fetch *fetch)
{
	return api_get(fetch->sync->api, fetch->id, &handlers, fetch, &fetch->call);
}

static struct job_fetch *job_fetch_new(struct sync *sync, const char *id, bool ahead)
{
	struct job_fetch *fetch = calloc(1, sizeof(*fetch));

	if (!fetch)
		return NULL;
	fetch->sync = sync;
	fetch->ahead = ahead;
	strcpy(fetch->id, id);
	wait_queue_init(&fetch->queue);
	list_append(&sync->job_fetches, &fetch->link);
	sync->prefetch_len += ahead;
	return fetch;
}

static int job_fetch_begin(
	struct sync *sync, const char *id, bool ahead, struct job_fetch **ret_fetch)
{
	struct job_fetch *fetch = job_fetch_new(sync, id, ahead);

	if (!fetch)
		return -ENOMEM;

	int err = job_fetch_ask(fetch);

	if (err) {
		job_fetch_free(fetch);
		return err;
	}
	*ret_fetch = fetch;
	return 0;
}

int job_fetch_by_id(struct sync *sync, const char *id, struct wait_queue **ret_queue)
{
	struct job_fetch *fetch = job_fetch_find(sync, id);
	int err = 0;

	/* A call that was sent before goes on, but is not waited for. */
	if (offline_check(sync))
		err = -EHOSTUNREACH;
	else if (!fetch)
		err = job_fetch_begin(sync, id, false, &fetch);
	if (err)
		return err;
	if (fetch->ahead)
		sync->prefetch_len--;
	fetch->ahead = false;
	*ret_queue = &fetch->queue;
	return 0;
}

/* Begins a fetch that waits until the list shows the job later than at `seen_ms`. */
static int job_fetch_begin_listed(struct sync *sync, const char *id, const void *list,
	int64_t seen_ms, struct wait_queue **ret_queue)
{
	struct job_fetch *fetch = job_fetch_new(sync, id, false);

	if (!fetch)
		return -ENOMEM;
	fetch->list = list;
	fetch->seen_ms = seen_ms;
	*ret_queue = &fetch->queue;
	return 0;
}

static int64_t job_fetch_now_wall_ms(const struct sync *sync)
{
	return clock_wall_ms(loop_clock(sync->loop));
}

/* True if only a newer state of an unfinished job is missing, as a list returns it. */
static bool job_fetch_is_stale(
	struct sync *sync, const char *id, struct catalog_job *ret_job)
{
	return job_fetch_find_known(sync, id, ret_job) && !job_finished(&ret_job->job) &&
	       !sync_is_fresh(sync, ret_job, job_fetch_now_wall_ms(sync));
}

int job_fetch_start(struct sync *sync, const char *id, struct wait_queue **ret_queue)
{
	struct catalog_job job;

	if (job_fetch_find(sync, id) || offline_is(sync) ||
		!job_fetch_is_stale(sync, id, &job) || !unfinished_use_list(sync))
		return job_fetch_by_id(sync, id, ret_queue);
	return job_fetch_begin_listed(
		sync, id, &sync->unfinished, job.seen_ms, ret_queue);
}

int job_fetch_text(struct sync *sync, struct listing *listing,
	const struct catalog_job *job, struct wait_queue **ret_queue)
{
	const struct refetch_page *page = NULL;

	if (!offline_check(sync) && !job_fetch_find(sync, job->job.id))
		page = refetch_want(sync, listing, job);
	if (!page)
		return job_fetch_by_id(sync, job->job.id, ret_queue);
	return job_fetch_begin_listed(sync, job->job.id, page, 0, ret_queue);
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

/* True if a reader that goes through the files will need the job fetched. */
static bool job_fetch_is_needed(const struct sync *sync, const struct catalog_job *job)
{
	bool has_all = job->size >= 0 && (job->has_text || !sync->prefetch_texts);

	return !job->deleted && !has_all && !job_fetch_find(sync, job->job.id);
}

/* Returns how many jobs follow for the reader, and their rows. */
static size_t job_fetch_next_rows(
	const struct sync *sync, int64_t ret_rows[static AHEAD_MAX])
{
	const struct listing *listing = sync->prefetch_listing;
	const struct member_set *members = &listing->members;
	size_t len = 0;

	if (sync->prefetch_ino)
		return jobs_next_by_ino(sync->catalog, sync->prefetch_ino, ret_rows, &len)
			       ? 0
			       : len;
	for (size_t at = listing->prefetch_position + 1;
		at < members->len && len < AHEAD_MAX; at++)
		ret_rows[len++] = members->members[at];
	return len;
}

bool job_fetch_one_ahead(struct sync *sync, const struct listing *listing, int64_t row)
{
	struct catalog_job job;
	struct job_fetch *fetch;
	bool matches;

	if (listing_load_job(listing, row, &job, &matches) || !matches ||
		!job_fetch_is_needed(sync, &job))
		return true;
	if (job_fetch_begin(sync, job.job.id, true, &fetch))
		return false;
	if (sync->prefetch_texts)
		refetch_expect(sync, listing, &job);
	return true;
}

void job_fetch_ahead(struct sync *sync)
{
	const struct listing *listing = sync->prefetch_listing;
	int64_t rows[AHEAD_MAX];

	if (offline_is(sync) || !listing)
		return;

	size_t len = job_fetch_next_rows(sync, rows);

	for (size_t i = 0; i < len && sync->prefetch_len < sync->config.connections; i++)
		if (!job_fetch_one_ahead(sync, listing, rows[i]))
			return;
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
	sync->prefetch_texts = false;
	sync->prefetch_ino = 0;
	job_fetch_ahead(sync);
}

void job_fetches_go_offline(struct sync *sync)
{
	/* The calls go on: a later reader may get a newer state. */
	list_for_each (link, &sync->job_fetches) {
		struct job_fetch *fetch = list_entry(link, struct job_fetch, link);

		if (job_fetch_is_known(sync, fetch->id))
			wait_wake(&fetch->queue, 0);
	}
}

/*
 * Returns true if the fetch has ended. If the list has `ended` without the job, fetches
 * the job by its id, provided that requests still wait for it.
 */
static bool job_fetch_settle_one_listed(struct job_fetch *fetch, bool ended)
{
	struct catalog_job job;
	bool seen = job_fetch_find_known(fetch->sync, fetch->id, &job) && job.seen_ms &&
		    job.seen_ms != fetch->seen_ms;
	int err = 0;

	if (!seen && !ended)
		return false;
	fetch->list = NULL;
	if (!seen && !wait_queue_empty(&fetch->queue)) {
		err = offline_is(fetch->sync) ? -EHOSTUNREACH : job_fetch_ask(fetch);
		if (!err)
			return false;
	}
	/* A request that wants the job from now on starts another fetch. */
	list_remove(&fetch->link);
	wait_wake(&fetch->queue, err);
	return true;
}

void job_fetch_settle_listed(struct sync *sync, const void *list, bool ended)
{
	for (struct list *link = sync->job_fetches.next; link != &sync->job_fetches;) {
		struct job_fetch *fetch = list_entry(link, struct job_fetch, link);

		link = link->next;
		if (fetch->list == list && job_fetch_settle_one_listed(fetch, ended))
			job_fetch_free(fetch);
	}
}

unsigned job_fetch_calls(const struct sync *sync)
{
	unsigned calls = 0;

	list_for_each (link, &sync->job_fetches)
		calls += list_entry(link, struct job_fetch, link)->call != NULL;
	return calls;
}

void job_fetch_end(struct sync *sync)
{
	while (!list_empty(&sync->job_fetches))
		job_fetch_free(
			list_entry(sync->job_fetches.next, struct job_fetch, link));
}
