/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/wait.h"
#include "internal.h"

/*
 * A request of the kernel that may have to wait. Its handler reads the catalog and either
 * replies, or parks the request in the queue of what it needs. When that queue is woken,
 * the handler runs again from its start.
 *
 *   handler replies or fails                           -> freed
 *   handler parks it: PARKED
 *     what it needs arrives                            -> handler
 *     that fails, or time is up (SEMANTICS 11.1)       -> error, freed
 *     the caller has a fatal signal (SEMANTICS 11.2)   -> EINTR, freed
 *     the caller has another signal                    -> checked again, PARKED
 */
struct request {
	struct list link; /* in fs->parked */
	struct fs *fs;
	fuse_req_t req;
	void (*handle)(struct request *request);

	struct waiter waiter;
	struct loop_task rerun;     /* runs the handler again */
	struct loop_task interrupt; /* checks the caller's signals */
	struct loop_timer deadline;
	struct loop_timer signal_timer; /* checks the signals again after the first one */
	int error;          /* negative errno if what it needs will not arrive */
	bool watched;       /* was parked: it is in fs->parked, its deadline is set */
	int64_t arrived_ms; /* monotonic; of a request sent twice, the first arrival */
	int64_t arrived_wall_ms;
	bool fetched;            /* a fetch or deletion was started for this request */
	struct listing *listing; /* that the handler needs, with a reference; or NULL */
	const char *timeout_message; /* message for the log if time is up; NULL: a general
					one */

	/* The kernel's arguments. Each handler uses some of them. */
	uint64_t ino;
	size_t size;
	uint64_t offset;
	void *open;
	bool plus;
	char name[FILENAME_BYTES_MAX + 1];
};

/*
 * Creates a request. Returns NULL after replying with ENOMEM, or with ENOTCONN if the
 * filesystem is ending.
 */
struct request *request_new(fuse_req_t req, void (*handle)(struct request *request));

/* Runs the request's handler. */
void request_run(struct request *request);

/* Message for the log if a request times out while jobs are selected by metadata. */
extern const char request_late_metadata[];

/*
 * Must be called by a handler before its first wait, unless request_want_job() does so.
 *
 * The kernel may send the same request twice within one system call. If this thread has
 * just waited in vain for most of the timeout, this function fails the request with the
 * same error, frees it and returns true. If that wait was shorter, the request waits only
 * for the rest of the timeout, and the function returns false.
 */
bool request_fails_again(struct request *request);

/*
 * Parks the request in `queue`. The handler must return without using the request again.
 */
void request_park(struct request *request, struct wait_queue *queue);

/*
 * Starts a job fetch and parks the request until the job is in the catalog. The handler
 * must return without using the request again. Fails the request with -EIO if a fetch was
 * already started for it: its result must suffice. If this thread has just failed with
 * the same request, it waits only for the rest of the timeout, or fails at once
 * (recent_failures.h).
 */
void request_want_job(struct request *request, const char *id);

/*
 * Replies with a negative errno, or with success if `error` is 0, and frees the request.
 */
void request_fail(struct request *request, int error);

/* Frees the request. The caller has replied with fuse_reply_...(request->req). */
void request_free(struct request *request);

/* Fails all parked requests with a negative errno. */
void request_fail_all(struct fs *fs, int error);
