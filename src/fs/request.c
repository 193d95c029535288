/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "caller_signals.h"
#include "sync/job_fetch.h"
#include "sync/listing.h"

/*
 * Interval at which a caller that got a harmless signal is checked; SEMANTICS 11.2 allows
 * 100 ms.
 */
enum { WATCH_MS = 40 };

/* Not the API's fault: it may have answered all the time, if few jobs match. */
const char request_late_metadata[] =
	"looking below metadata/ takes longer than timeout= allows, for the jobs around "
	"it are read: look again at once to go on from here, read all/ first, or look "
	"below a day (date/.../metadata/)";

static void request_on_wake(struct waiter *waiter, int error)
{
	struct request *request = list_entry(waiter, struct request, waiter);

	request->error = error;
	loop_task_post(request->fs->loop, &request->rerun);
}

static void request_run_again(void *ctx)
{
	struct request *request = ctx;

	if (request->error)
		request_fail(request, request->error);
	else
		request->handle(request);
}

static void request_on_deadline(void *ctx)
{
	struct request *request = ctx;

	/* A single request to the API times out earlier, with a message of its own. */
	log_error(request->fs->log, "%s",
		request->timeout_message
			? request->timeout_message
			: "a call took longer than timeout= allows, as several "
			  "requests to the API were needed one after the other; "
			  "try again: what has come is kept");
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

struct request *request_new(fuse_req_t req, void (*handle)(struct request *request))
{
	struct fs *fs = fuse_req_userdata(req);
	struct request *request = fs->shutting_down ? NULL : calloc(1, sizeof(*request));

	if (!request) {
		fuse_reply_err(req, fs->shutting_down ? ENOTCONN : ENOMEM);
		return NULL;
	}
	request->fs = fs;
	request->req = req;
	request->handle = handle;
	request->arrived_ms = loop_now_ms(fs->loop);
	request->arrived_wall_ms = clock_wall_ms(loop_clock(fs->loop));
	list_init(&request->link);
	waiter_init(&request->waiter, request_on_wake);
	loop_task_init(&request->rerun, request_run_again, request);
	loop_task_init(&request->interrupt, request_look_at_caller, request);
	loop_timer_init(&request->deadline, request_on_deadline, request);
	loop_timer_init(&request->signal_timer, request_look_at_caller, request);
	return request;
}

void request_run(struct request *request)
{
	request->handle(request);
}

void request_park(struct request *request, struct wait_queue *queue)
{
	struct fs *fs = request->fs;

	wait_enter(queue, &request->waiter);
	if (request->watched)
		return;
	request->watched = true;
	list_append(&fs->parked, &request->link);
	loop_timer_set(fs->loop, &request->deadline,
		request->arrived_ms + fs->config.timeout_ms);
	fuse_req_interrupt_func(request->req, request_on_interrupt, request);
}

static void request_remember(const struct request *request, int error)
{
	struct fs *fs = request->fs;
	struct recent_failure wait = {
		.ino = request->ino,
		.tid = fuse_req_ctx(request->req)->pid,
		.error = error,
		.arrived_ms = request->arrived_ms,
		.told_ms = loop_now_ms(fs->loop),
	};

	strcpy(wait.name, request->name);
	recent_failures_remember(&fs->recent_failures, &wait);
}

bool request_fails_again(struct request *request)
{
	struct fs *fs = request->fs;
	int64_t now_ms = loop_now_ms(fs->loop);
	struct recent_failure before;

	if (!recent_failures_take(&fs->recent_failures, request->ino, request->name,
		    fuse_req_ctx(request->req)->pid, now_ms, &before))
		return false;
	request->arrived_ms = before.arrived_ms;
	if (now_ms - before.arrived_ms < fs->config.timeout_ms / 2)
		return false;
	request_fail(request, before.error);
	return true;
}

void request_want_job(struct request *request, const char *id)
{
	if (!request->fetched && request_fails_again(request))
		return;

	struct wait_queue *queue;
	int err = request->fetched ? -EIO
				   : job_fetch_start(request->fs->sync, id, &queue);

	if (err) {
		request_fail(request, err);
		return;
	}
	request->fetched = true;
	request_park(request, queue);
}

void request_free(struct request *request)
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
	if (request->listing)
		listing_put(request->listing);
	free(request);
}

void request_fail(struct request *request, int error)
{
	struct fs *fs = request->fs;

	fs->counts.failed += error != -ENOENT;
	/* "No such job" is an answer, not a failure. */
	if (request->watched && error != -EINTR && error != -ENOENT)
		request_remember(request, error);
	fuse_reply_err(request->req, -error);
	request_free(request);
}

void request_fail_all(struct fs *fs, int error)
{
	while (!list_empty(&fs->parked))
		request_fail(list_entry(fs->parked.next, struct request, link), error);
}
