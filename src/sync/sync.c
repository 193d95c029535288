/* SPDX-License-Identifier: MIT */
#include "sync/sync.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "internal.h"
#include "offline.h"
#include "refetch.h"
#include "source_select.h"
#include "unfinished.h"

/* Between two steps readers, and other mounts of the account, get their turn. */
enum { TRIM_PAUSE_MS = 20 };

static void sync_on_trim(void *ctx)
{
	struct sync *sync = ctx;

	catalog_trim(sync->catalog);
}

int sync_new(struct loop *loop, const struct log *log, struct catalog *catalog,
	struct api *api, const struct sync_config *config, struct sync **ret_sync)
{
	struct sync *sync = calloc(1, sizeof(*sync));

	if (!sync)
		return -ENOMEM;
	sync->loop = loop;
	sync->log = log;
	sync->catalog = catalog;
	sync->api = api;
	sync->config = *config;
	list_init(&sync->listings);
	list_init(&sync->job_fetches);
	list_init(&sync->job_deletes);
	page_size_init(&sync->page_size, config->page_size);
	unfinished_init(sync);
	refetch_init(sync);
	offline_init(sync);
	loop_timer_init(&sync->trim, sync_on_trim, sync);
	*ret_sync = sync;
	return 0;
}

void sync_set_handlers(struct sync *sync, const struct sync_handlers *handlers, void *ctx)
{
	sync->handlers = *handlers;
	sync->handlers_ctx = ctx;
}

void sync_free(struct sync *sync)
{
	if (!sync)
		return;
	unfinished_done(sync);
	job_fetch_end(sync);
	refetch_done(sync);
	job_delete_end(sync);
	offline_done(sync);
	loop_timer_cancel(&sync->trim);
	listing_drop_all(sync);
	free(sync);
}

bool sync_is_fresh(struct sync *sync, const struct catalog_job *job, int64_t at_wall_ms)
{
	if (job->deleted || !job->seen_ms)
		return false;
	/* If it was deleted meanwhile, the next listing will report it missing. */
	if (job_finished(&job->job))
		return true;
	if (offline_check(sync))
		return true;
	if (job->seen_ms < sync->refreshed_ms)
		return false;
	/* If the clock was set back, the job must not stay fresh for longer. */
	return job->seen_ms >= at_wall_ms - sync->config.ttl_ms &&
	       job->seen_ms <= at_wall_ms + sync->config.ttl_ms;
}

static void sync_invalidate(struct listing *listing)
{
	int64_t now_ms = loop_now_ms(listing->sync->loop);

	if (listing->invalid_since_ms > now_ms)
		listing->invalid_since_ms = now_ms;
}

void sync_refresh(struct sync *sync)
{
	sync->refreshed_ms = clock_wall_ms(loop_clock(sync->loop));
	list_for_each (link, &sync->listings)
		sync_invalidate(list_entry(link, struct listing, link));
}

/* New readers get none of the present listings of this query. */
static void sync_invalidate_query(struct sync *sync, const struct query *query)
{
	char key[QUERY_KEY_MAX];

	query_key(query, key);
	list_for_each (link, &sync->listings) {
		struct listing *listing = list_entry(link, struct listing, link);

		if (strcmp(listing->key, key) == 0)
			sync_invalidate(listing);
	}
}

/* Invalidates the query's unfinished jobs, so that their next look-up requests them. */
static int sync_invalidate_jobs(struct sync *sync, const struct query *query)
{
	CLEANUP_FREE int64_t *rows = NULL;
	struct catalog_job job;
	size_t len;
	int err = jobs_unfinished(sync->catalog, &rows, &len);

	for (size_t i = 0; !err && i < len; i++) {
		err = jobs_by_row(sync->catalog, rows[i], &job);
		if (!err && query_matches(query, &job.job))
			err = jobs_invalidate(sync->catalog, rows[i]);
		if (err == -ENOENT)
			err = 0;
	}
	return err;
}

int sync_refresh_query(struct sync *sync, const struct query *query)
{
	struct query around[SELECT_AROUND_LEN];

	/* Also every listing that it could be selected from. */
	select_queries_around(query, around);
	for (size_t i = 0; i < SELECT_AROUND_LEN; i++)
		sync_invalidate_query(sync, &around[i]);
	return sync_invalidate_jobs(sync, query);
}

int listing_load_job(const struct listing *listing, int64_t row,
	struct catalog_job *ret_job, bool *ret_matches)
{
	struct catalog *catalog = listing->sync->catalog;
	int err = jobs_by_row(catalog, row, ret_job);

	if (err || ret_job->deleted)
		return err ? err : -ENOENT;
	return jobs_match(catalog, &listing->query, ret_job, ret_matches);
}

void sync_stats(const struct sync *sync, struct sync_stats *ret_stats)
{
	struct sync_stats *stats = ret_stats;

	stats->by_id = job_fetch_calls(sync);
	stats->deletes = sync->deletes;
	list_for_each (link, &sync->job_deletes)
		stats->deletes.under_way++;
	api_stats(sync->api, &stats->api);
}

static void sync_trim_soon(struct sync *sync)
{
	if (catalog_has_excess(sync->catalog) && !loop_timer_is_set(&sync->trim))
		loop_timer_set(
			sync->loop, &sync->trim, loop_now_ms(sync->loop) + TRIM_PAUSE_MS);
}

void sync_commit(struct sync *sync)
{
	int err = catalog_commit(sync->catalog);

	sync_trim_soon(sync);
	if (!err)
		return;
	/* Rows that a listing has emitted may not have been written. */
	list_for_each (link, &sync->listings) {
		struct listing *listing = list_entry(link, struct listing, link);

		listing->state = LISTING_FAILED;
		wait_wake(&listing->queue, -EIO);
	}
}

void sync_notify_deleted(struct sync *sync, const struct catalog_job *job)
{
	if (sync->handlers.on_job_changed)
		sync->handlers.on_job_changed(sync->handlers_ctx, job);
}

int sync_errno(int error)
{
	return error == -ENOENT || error == -EINVAL ? -EIO : error;
}

/*
 * True if the job was deleted here a moment ago: an answer to an earlier request must not
 * bring it back.
 */
static bool sync_was_removed(
	struct sync *sync, const char *id, struct catalog_job *ret_job)
{
	struct catalog_job job;

	if (!sync->tombstones.len || jobs_by_id(sync->catalog, id, &job) ||
		!job.deleted || !job_delete_was_recent(sync, job.row))
		return false;
	*ret_job = job;
	return true;
}

static int sync_store(struct sync *sync, const struct api_item *item,
	enum catalog_change *ret_change, struct catalog_job *ret_job)
{
	if (sync_was_removed(sync, item->job.id, ret_job)) {
		*ret_change = CATALOG_SAME;
		return 0;
	}

	const struct job_state state = {
		.job = &item->job,
		.text = item->summary ? NULL : item->text,
		.size = item->size,
		.facts = item->facts,
		.asked_ms = item->asked_ms,
	};
	int err = jobs_put(sync->catalog, &state, ret_change, ret_job);

	/*
	 * Metadata is part of the text: it changes only with the text, and a new job has
	 * none stored.
	 */
	if (err || *ret_change == CATALOG_SAME ||
		(*ret_change == CATALOG_NEW && !item->metadata_len))
		return err;
	return jobs_put_metadata(
		sync->catalog, ret_job->row, item->metadata, item->metadata_len);
}

int sync_put(struct sync *sync, const struct api_item *item, struct catalog_job *ret_job)
{
	enum catalog_change change;
	int err = sync_store(sync, item, &change, ret_job);

	if (!err && change == CATALOG_CHANGED)
		sync_notify_deleted(sync, ret_job);
	return err;
}

int sync_keep(struct sync *sync, const struct api_item *item, struct catalog_job *ret_job)
{
	enum catalog_change change;

	return sync_store(sync, item, &change, ret_job);
}

int sync_mark_deleted(struct sync *sync, const struct catalog_job *job)
{
	int err = jobs_mark_deleted(sync->catalog, job->row);

	if (!err)
		sync_notify_deleted(sync, job);
	return err;
}

int sync_erase(struct sync *sync, const struct catalog_job *job)
{
	/* First, because the names of its files in views are made from what is erased. */
	sync_notify_deleted(sync, job);
	return jobs_erase(sync->catalog, job->row);
}

void sync_on_job_missing(
	struct sync *sync, int64_t row, const struct query *query, int64_t since_wall_ms)
{
	struct catalog_job job;
	bool matches;

	/*
	 * The API returned this job after the refresh began: it moved to a part that had
	 * already been read, so it is not missing.
	 */
	if (jobs_by_row(sync->catalog, row, &job) || job.deleted ||
		job.seen_ms >= since_wall_ms)
		return;
	if (!job_finished(&job.job))
		jobs_invalidate(sync->catalog, row);
	else if (!jobs_match(sync->catalog, query, &job, &matches) && matches)
		sync_mark_deleted(sync, &job);
}
