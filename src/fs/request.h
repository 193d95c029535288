/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/wait.h"
#include "internal.h"

/*
 * A request of the kernel that may have to wait. Its handler reads the catalog and either
 * replies, or parks the request where what it lacks will be told of, and is then run
 * again from its start.
 *
 *   handler replies or fails                             -> freed
 *   handler parks it: PARKED
 *     what it waits for has come                         -> handler
 *     ... does not come, or time is up (SPEC 11.1)       -> error, freed
 *     the caller got a signal that ends it (SPEC 11.2)   -> EINTR, freed
 *     the caller got another one                         -> looked at again, PARKED
 */
struct request {
	struct list link; /* in fs->parked */
	struct fs *fs;
	fuse_req_t req;
	void (*handle)(struct request *request);

	struct waiter waiter;
	struct loop_task again;
	struct loop_task interrupt;
	struct loop_timer deadline;
	struct loop_timer watch; /* the caller, once it got any signal */
	int error;               /* of what it waited for */
	bool watched;            /* the kernel's interrupts are heard */
	int64_t arrived_ms;      /* monotonic; or that of the same request before */
	int64_t arrived_wall_ms;
	bool asked;              /* the API has been asked for the job on its behalf */
	struct listing *listing; /* that the handler waits for, held; or NULL */
	const char *late; /* a sentence for the log if time is up; NULL: said elsewhere */

	/* The kernel's arguments, as far as the handler has any. */
	uint64_t ino;
	size_t size;
	uint64_t offset;
	void *open;
	bool plus;
	char name[NAME_BYTES_MAX + 1];
};

/* NULL, with the kernel answered, without memory or when the filesystem ends. */
struct request *request_new(fuse_req_t req, void (*handle)(struct request *request));

/* Runs the handler. */
void request_run(struct request *request);

/* Log sentence for a request that timed out while jobs were selected by metadata. */
extern const char request_late_metadata[];

/*
 * Must be called by a handler before its first wait, unless request_want_job() does so.
 * The kernel may look a name up twice within one call. Returns true if this thread has
 * just waited in vain for most of the timeout: the request has then failed with the same
 * error and is freed. If the wait was shorter, this one ends when that one would have.
 */
bool request_fails_again(struct request *request);

/* From the handler: waits in the queue. Nothing else may be done with it then. */
void request_park(struct request *request, struct wait_queue *queue);

/*
 * From the handler: has the API asked for a job and waits for that; once, for what is
 * known after that has to do (-EIO). Where its thread has just waited for the same in
 * vain (failed.h), it is not given the whole time again, or fails at once.
 */
void request_want_job(struct request *request, const char *id);

/* Replies with an error (negative errno) and frees. */
void request_fail(struct request *request, int error);

/* Frees, after a fuse_reply_...(request->req). */
void request_free(struct request *request);

/* Fails all that are parked. */
void request_fail_all(struct fs *fs, int error);
