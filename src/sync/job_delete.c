/* SPDX-License-Identifier: MIT */
#include "sync/job_delete.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gladia/api.h"
#include "offline.h"
#include "tombstones.h"

/* A job that is being deleted. */
struct job_delete {
	struct list link;
	struct sync *sync;
	struct api_call *call;
	struct wait_queue queue;
	int64_t row;
	struct removal_caller caller;
	char id[FILENAME_BYTES_MAX + 1];
};

static void job_delete_removal_free(struct job_delete *removal)
{
	if (removal->call)
		api_cancel(removal->call);
	list_remove(&removal->link);
	free(removal);
}

/*
 * Marks the listings that contain the job. They do not change for their holders, because
 * a position keeps its meaning. New readers get a listing that is selected from them
 * (select_rows.c), or a new one.
 */
static void job_delete_thin_listings(struct sync *sync, const struct catalog_job *job)
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
static int job_delete_forget(struct job_delete *removal, bool ours)
{
	struct sync *sync = removal->sync;
	struct catalog_job job;
	int err = jobs_by_row(sync->catalog, removal->row, &job);

	if (err)
		return err == -ENOENT ? 0 : err;
	/* Do this first: pages in flight may still contain the job. */
	if (ours)
		tombstones_add(sync, removal->row);
	job_delete_thin_listings(sync, &job);
	return job.deleted ? 0 : sync_erase(sync, &job);
}

/* Invalidates the job, because it is not known whether it was deleted. */
static void job_delete_doubt(struct job_delete *removal)
{
	struct sync *sync = removal->sync;
	struct catalog_job job;

	if (jobs_invalidate(sync->catalog, removal->row) ||
		jobs_by_row(sync->catalog, removal->row, &job) || job.deleted)
		return;
	sync_notify_deleted(sync, &job);
}

/*
 * Logs and counts the deletion (SEMANTICS 10.1). `status` is the HTTP status of a
 * success.
 */
static void job_delete_report(
	const struct job_delete *removal, int error, long status, const char *errmsg)
{
	struct sync *sync = removal->sync;
	unsigned uid = removal->caller.uid;
	int pid = (int)removal->caller.pid;

	if (!error) {
		sync->deletes.done++;
		log_notice(sync->log, "deleted job %s for uid %u, pid %d (HTTP %ld)",
			removal->id, uid, pid, status);
	} else if (error == -ENOENT) {
		sync->deletes.not_found++;
		log_notice(sync->log,
			"job %s, to be deleted for uid %u, pid %d, was already deleted "
			"(HTTP 404)",
			removal->id, uid, pid);
	} else {
		sync->deletes.failed++;
		log_error(sync->log, "job %s was not deleted for uid %u, pid %d: %s",
			removal->id, uid, pid, errmsg);
	}
}

static void job_delete_on_done(
	void *ctx, int error, const struct api_page *page, const char *errmsg)
{
	struct job_delete *removal = ctx;

	removal->call = NULL;
	job_delete_report(removal, error, page ? page->status : 0, errmsg);
	if (!error || error == -ENOENT)
		error = job_delete_forget(removal, !error) ? -EIO : error;
	if (error == -ETIMEDOUT || error == -EIO)
		job_delete_doubt(removal);
	/* A caller that wants it deleted from now on starts another call. */
	list_remove(&removal->link);
	wait_wake(&removal->queue, error == -EINVAL ? -EIO : error);
	job_delete_removal_free(removal);
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
		struct job_delete *removal = list_entry(link, struct job_delete, link);

		if (removal->row == row)
			return removal;
	}
	return NULL;
}

static int job_delete_send(struct sync *sync, const struct catalog_job *job,
	const struct removal_caller *caller, struct job_delete **ret_removal)
{
	/* The call would only wait until it times out. */
	if (offline_look(sync))
		return -EHOSTUNREACH;

	struct job_delete *removal = calloc(1, sizeof(*removal));

	if (!removal)
		return -ENOMEM;
	removal->sync = sync;
	removal->row = job->row;
	removal->caller = *caller;
	strcpy(removal->id, job->job.id);
	wait_queue_init(&removal->queue);
	list_append(&sync->job_deletes, &removal->link);

	int err = api_delete(sync->api, removal->id, &handlers, removal, &removal->call);

	if (err) {
		job_delete_removal_free(removal);
		return err;
	}
	*ret_removal = removal;
	return 0;
}

int job_delete_start(struct sync *sync, const struct catalog_job *job,
	const struct removal_caller *caller, struct wait_queue **ret_queue)
{
	struct job_delete *removal = job_delete_find(sync, job->row);
	int err = removal ? 0 : job_delete_send(sync, job, caller, &removal);

	if (err)
		return err;
	*ret_queue = &removal->queue;
	return 0;
}

void job_delete_end(struct sync *sync)
{
	while (!list_empty(&sync->job_deletes)) {
		struct job_delete *removal = list_entry(
			sync->job_deletes.next, struct job_delete, link);

		log_warning(sync->log,
			"exiting while job %s is being deleted for uid %u, pid %d: check "
			"whether it still exists",
			removal->id, (unsigned)removal->caller.uid,
			(int)removal->caller.pid);
		job_delete_removal_free(removal);
	}
	tombstones_done(sync);
}
