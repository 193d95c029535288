/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "caller_signals.h"
#include "jobs_csv.h"
#include "sync/job_fetch.h"
#include "sync/listing.h"

/*
 * Interval at which a caller that got a harmless signal is checked; SEMANTICS 11.2 allows
 * 100 ms.
 */
enum { WATCH_MS = 40 };

/* Not the API's fault: it may have answered all the time, if few jobs match. */
const char request_late_metadata[] =
	"reading metadata/ takes longer than timeout= allows, because all jobs of the "
	"directory above it are read: try again at once to continue from here, list all/ "
	"first, or use metadata/ below a day (date/.../metadata/)";

static void request_free(struct request *request)
{
	struct counts *counts = &request->fs->counts;

	if (request->watched) {
		counts->waits++;
		histogram_add(&counts->wait,
			loop_now_ms(request->fs->loop) - request->arrived_ms);
	} else {
		counts->hits++;
	}
	list_remove(&request->link);
	wait_leave(&request->waiter);
	loop_task_cancel(&request->rerun);
	loop_task_cancel(&request->interrupt);
	loop_timer_cancel(&request->deadline);
	loop_timer_cancel(&request->signal_timer);
	jobs_csv_free(request->jobs_csv);
	if (request->listing)
		listing_put(request->listing);
	free(request);
}

static void request_remember(const struct request *request, int error)
{
	struct fs *fs = request->fs;
	struct recent_failure wait = {
		.ino = request->ino,
		.tid = fuse_req_ctx(request->req)->pid,
		.error = error,
		.arrived_ms = request->arrived_ms,
		.failed_ms = loop_now_ms(fs->loop),
	};

	strcpy(wait.name, request->name);
	recent_failures_remember(&fs->recent_failures, &wait);
}

/* Replies with a negative errno and frees the request. */
static void request_fail(struct request *request, int error)
{
	struct fs *fs = request->fs;

	fs->counts.failed += error != -ENOENT;
	/* "No such job" is an answer, not a failure. */
	if (request->watched && error != -EINTR && error != -ENOENT)
		request_remember(request, error);
	fuse_reply_err(request->req, -error);
	request_free(request);
}

static void request_on_wake(struct waiter *waiter, int error)
{
	struct request *request = list_entry(waiter, struct request, waiter);

	request->error = error;
	loop_task_post(request->fs->loop, &request->rerun);
}

/* Runs the handler. Called again when what the request waited for has arrived. */
static void request_run(void *ctx)
{
	struct request *request = ctx;
	int err = request->error ? request->error : request->handle(request);

	if (err && err != -EAGAIN)
		request_fail(request, err);
	else if (!err)
		request_free(request);
}

static void request_on_deadline(void *ctx)
{
	struct request *request = ctx;

	/* A single request to the API times out earlier, with a message of its own. */
	log_error(request->fs->log, "%s",
		request->timeout_message
			? request->timeout_message
			: "a call took longer than timeout= allows, because it needed "
			  "several API requests in sequence; try again: responses "
			  "received so far are cached");
	request_fail(request, -ETIMEDOUT);
}

/*
 * The kernel reports only the first signal, so from then on we check the caller
 * regularly.
 */
static void request_look_at_caller(void *ctx)
{
	struct request *request = ctx;
	struct loop *loop = request->fs->loop;

	if (caller_has_fatal_signal(fuse_req_ctx(request->req)->pid))
		request_fail(request, -EINTR);
	else
		loop_timer_set(
			loop, &request->signal_timer, loop_now_ms(loop) + WATCH_MS);
}

/* libfuse calls this with a lock of its own held, so we only post a task. */
static void request_on_interrupt(fuse_req_t req, void *ctx)
{
	struct request *request = ctx;

	(void)req;
	loop_task_post(request->fs->loop, &request->interrupt);
}

void request_start(fuse_req_t req, const char *name, const struct request *model)
{
	struct fs *fs = fuse_req_userdata(req);
	size_t len = strnlen(name, sizeof(model->name));
	struct request *request = malloc(sizeof(*request));

	int err = fs->shutting_down            ? ENOTCONN
		  : len == sizeof(model->name) ? ENAMETOOLONG
		  : request                    ? 0
					       : ENOMEM;

	if (err) {
		free(request);
		fuse_reply_err(req, err);
		return;
	}
	*request = *model;
	memcpy(request->name, name, len);
	request->fs = fs;
	request->req = req;
	request->arrived_ms = loop_now_ms(fs->loop);
	request->arrived_wall_ms = clock_wall_ms(loop_clock(fs->loop));
	list_init(&request->link);
	waiter_init(&request->waiter, request_on_wake);
	loop_task_init(&request->rerun, request_run, request);
	loop_task_init(&request->interrupt, request_look_at_caller, request);
	loop_timer_init(&request->deadline, request_on_deadline, request);
	loop_timer_init(&request->signal_timer, request_look_at_caller, request);
	request_run(request);
}

int request_park(struct request *request, struct wait_queue *queue)
{
	struct fs *fs = request->fs;

	wait_enter(queue, &request->waiter);
	if (request->watched)
		return -EAGAIN;
	request->watched = true;
	list_append(&fs->parked, &request->link);
	loop_timer_set(fs->loop, &request->deadline,
		request->arrived_ms + fs->config.timeout_ms);
	fuse_req_interrupt_func(request->req, request_on_interrupt, request);
	return -EAGAIN;
}

int request_failed_before(struct request *request)
{
	struct fs *fs = request->fs;
	int64_t now_ms = loop_now_ms(fs->loop);
	struct recent_failure before;

	if (!recent_failures_take(&fs->recent_failures, request->ino, request->name,
		    fuse_req_ctx(request->req)->pid, now_ms, &before))
		return 0;
	request->arrived_ms = before.arrived_ms;
	return now_ms - before.arrived_ms < fs->config.timeout_ms / 2 ? 0 : before.error;
}

int request_want_job(struct request *request, const char *id)
{
	struct wait_queue *queue;
	int err = request->fetched ? -EIO : request_failed_before(request);

	if (!err)
		err = job_fetch_start(request->fs->sync, id, &queue);
	if (err)
		return err;
	request->fetched = true;
	return request_park(request, queue);
}

int request_want_text(struct request *request, const struct catalog_job *job)
{
	struct fs *fs = request->fs;
	struct listing *listing = prefetch_listing(fs, job);
	struct wait_queue *queue;
	int err;

	/* The second time, its text was evicted meanwhile: fetch it alone. */
	if (!listing || request->wanted_text)
		return request_want_job(request, job->job.id);
	request->wanted_text = true;
	err = request_failed_before(request);
	if (!err)
		err = job_fetch_text(fs->sync, listing, job, &queue);
	return err ? err : request_park(request, queue);
}

size_t request_part_len(uint64_t offset, size_t size, uint64_t len)
{
	uint64_t left = offset < len ? len - offset : 0;

	return (size_t)MIN(left, size);
}

int request_reply_part(const struct request *request, const struct buf *text)
{
	size_t len = request_part_len(request->offset, request->size, text->len);

	fuse_reply_buf(request->req, len ? text->data + request->offset : NULL, len);
	return 0;
}

void request_fail_all(struct fs *fs, int error)
{
	while (!list_empty(&fs->parked))
		request_fail(list_entry(fs->parked.next, struct request, link), error);
}
