/* SPDX-License-Identifier: MIT */
#include "sync/job_delete.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "gladia/api.h"
#include "offline.h"

/*
 * Pages requested before a job was deleted can still contain it, and so can new ones, as
 * the API answers "accepted" rather than "done". Such pages do not bring the job back for
 * this long, or for the longest duration of a call if that is longer.
 */
enum { TOMBSTONE_MS = 60 * 1000 };

/* A job that is being deleted. */
struct job_delete {
	struct list link;
	struct sync *sync;
	struct api_call *call;
	struct wait_queue queue;
	int64_t row;
	struct delete_caller caller;
	char id[FILENAME_BYTES_MAX + 1];
};

/* Removes the expired entries. All are kept equally long, so the oldest are first. */
static void job_delete_drop_old(struct tombstones *tombstones, int64_t now_ms)
{
	size_t old = 0;

	while (old < tombstones->len && tombstones->entries[old].until_ms <= now_ms)
		old++;
	if (!old)
		return;
	tombstones->len -= old;
	memmove(tombstones->entries, tombstones->entries + old,
		tombstones->len * sizeof(tombstones->entries[0]));
}

/* Records that a job was deleted; does nothing if memory is short. */
static void job_delete_remember(struct sync *sync, int64_t row)
{
	struct tombstones *tombstones = &sync->tombstones;
	int64_t now_ms = loop_now_ms(sync->loop);
	int64_t last_ms = sync->config.timeout_ms > TOMBSTONE_MS ? sync->config.timeout_ms
								 : TOMBSTONE_MS;

	job_delete_drop_old(tombstones, now_ms);

	int err = ARRAY_RESERVE(
		tombstones->entries, tombstones->cap, tombstones->len + 1);

	if (err)
		return;
	tombstones->entries[tombstones->len++] = (struct tombstone){
		.row = row, .until_ms = now_ms + last_ms};
}

bool job_delete_was_recent(struct sync *sync, int64_t row)
{
	struct tombstones *tombstones = &sync->tombstones;

	job_delete_drop_old(tombstones, loop_now_ms(sync->loop));
	for (size_t i = tombstones->len; i--;)
		if (tombstones->entries[i].row == row)
			return true;
	return false;
}

static void job_delete_forget_all(struct sync *sync)
{
	free(sync->tombstones.entries);
	sync->tombstones = (struct tombstones){0};
}

static void job_delete_free(struct job_delete *deletion)
{
	if (deletion->call)
		api_cancel(deletion->call);
	list_remove(&deletion->link);
	free(deletion);
}

/*
 * Marks the listings that contain the job. They do not change for their holders, because
 * a position keeps its meaning. New readers get a listing that is selected from them
 * (source_select.h), or a new one.
 */
static void job_delete_mark_listings(struct sync *sync, const struct catalog_job *job)
{
	list_for_each (link, &sync->listings) {
		struct listing *listing = list_entry(link, struct listing, link);
		struct query query = listing->query;

		/* The job may have been listed while it had another status. */
		query.statuses = QUERY_ALL_STATUSES;
		/* A day stays a directory if its last job is deleted. */
		if (listing->kind != LISTING_DAYS && query_matches(&query, &job->job))
			listing->has_deleted_rows = true;
	}
}

/* Removes a deleted job from the catalog. `ours` if the deletion was this call's. */
static int job_delete_forget(struct job_delete *deletion, bool ours)
{
	struct sync *sync = deletion->sync;
	struct catalog_job job;
	int err = jobs_by_row(sync->catalog, deletion->row, &job);

	if (err)
		return err == -ENOENT ? 0 : err;
	/* Do this first: pages in flight may still contain the job. */
	if (ours)
		job_delete_remember(sync, deletion->row);
	job_delete_mark_listings(sync, &job);
	return job.deleted ? 0 : sync_erase(sync, &job);
}

/* Invalidates the job, because it is not known whether it was deleted. */
static void job_delete_invalidate(struct job_delete *deletion)
{
	struct sync *sync = deletion->sync;
	struct catalog_job job;

	if (jobs_invalidate(sync->catalog, deletion->row) ||
		jobs_by_row(sync->catalog, deletion->row, &job) || job.deleted)
		return;
	sync_notify_deleted(sync, &job);
}

/*
 * Logs and counts the deletion (SEMANTICS 10.1). `status` is the HTTP status of a
 * success.
 */
static void job_delete_report(
	const struct job_delete *deletion, int error, long status, const char *errmsg)
{
	struct sync *sync = deletion->sync;
	unsigned uid = deletion->caller.uid;
	int pid = (int)deletion->caller.pid;

	if (!error) {
		sync->deletes.done++;
		log_notice(sync->log, "deleted job %s for uid %u, pid %d (HTTP %ld)",
			deletion->id, uid, pid, status);
	} else if (error == -ENOENT) {
		sync->deletes.not_found++;
		log_notice(sync->log,
			"job %s, to be deleted for uid %u, pid %d, was already deleted "
			"(HTTP 404)",
			deletion->id, uid, pid);
	} else {
		sync->deletes.failed++;
		log_error(sync->log, "job %s was not deleted for uid %u, pid %d: %s",
			deletion->id, uid, pid, errmsg);
	}
}

static void job_delete_on_done(
	void *ctx, int error, const struct api_page *page, const char *errmsg)
{
	struct job_delete *deletion = ctx;

	deletion->call = NULL;
	job_delete_report(deletion, error, page ? page->status : 0, errmsg);
	if (!error || error == -ENOENT)
		error = job_delete_forget(deletion, !error) ? -EIO : error;
	if (error == -ETIMEDOUT || error == -EIO)
		job_delete_invalidate(deletion);
	/* A caller that wants it deleted from now on starts another call. */
	list_remove(&deletion->link);
	wait_wake(&deletion->queue, error == -EINVAL ? -EIO : error);
	job_delete_free(deletion);
}

static int job_delete_on_item(void *ctx, const struct api_item *item)
{
	(void)ctx;
	(void)item;
	return 0;
}

static const struct api_handlers handlers = {
	.on_item = job_delete_on_item, .on_done = job_delete_on_done};

static struct job_delete *job_delete_find(const struct sync *sync, int64_t row)
{
	list_for_each (link, &sync->job_deletes) {
		struct job_delete *deletion = list_entry(link, struct job_delete, link);

		if (deletion->row == row)
			return deletion;
	}
	return NULL;
}

static int job_delete_send(struct sync *sync, const struct catalog_job *job,
	const struct delete_caller *caller, struct job_delete **ret_deletion)
{
	/* The call would only wait until it times out. */
	if (offline_check(sync))
		return -EHOSTUNREACH;

	struct job_delete *deletion = calloc(1, sizeof(*deletion));

	if (!deletion)
		return -ENOMEM;
	deletion->sync = sync;
	deletion->row = job->row;
	deletion->caller = *caller;
	strcpy(deletion->id, job->job.id);
	wait_queue_init(&deletion->queue);
	list_append(&sync->job_deletes, &deletion->link);

	int err = api_delete(
		sync->api, deletion->id, &handlers, deletion, &deletion->call);

	if (err) {
		job_delete_free(deletion);
		return err;
	}
	*ret_deletion = deletion;
	return 0;
}

int job_delete_start(struct sync *sync, const struct catalog_job *job,
	const struct delete_caller *caller, struct wait_queue **ret_queue)
{
	struct job_delete *deletion = job_delete_find(sync, job->row);
	int err = deletion ? 0 : job_delete_send(sync, job, caller, &deletion);

	if (err)
		return err;
	*ret_queue = &deletion->queue;
	return 0;
}

void job_delete_end(struct sync *sync)
{
	while (!list_empty(&sync->job_deletes)) {
		struct job_delete *deletion = list_entry(
			sync->job_deletes.next, struct job_delete, link);

		log_warning(sync->log,
			"exiting while job %s is being deleted for uid %u, pid %d: check "
			"whether it still exists",
			deletion->id, (unsigned)deletion->caller.uid,
			(int)deletion->caller.pid);
		job_delete_free(deletion);
	}
	job_delete_forget_all(sync);
}
