/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/wait.h"
#include "internal.h"

/*
 * A request of the kernel that may have to wait. Its handler reads the catalog and either
 * replies, or parks the request in the queue of what it needs. When that queue is woken,
 * the handler runs again from its start.
 *
 * A handler returns 0 after it has replied with fuse_reply_...(request->req), or -EAGAIN
 * after it has parked the request, or another negative errno to reply with that. It never
 * frees the request.
 *
 *   handler returns 0 or an error                      -> freed
 *   handler returns -EAGAIN: PARKED
 *     what it needs arrives                            -> handler
 *     that fails, or time is up (SEMANTICS 11.1)       -> error, freed
 *     the caller has a fatal signal (SEMANTICS 11.2)   -> EINTR, freed
 *     the caller has another signal                    -> checked again, PARKED
 */
struct request {
	struct list link; /* in fs->parked */
	struct fs *fs;
	fuse_req_t req;
	int (*handle)(struct request *request);

	struct waiter waiter;
	struct loop_task rerun;     /* runs the handler again */
	struct loop_task interrupt; /* checks the caller's signals */
	struct loop_timer deadline;
	struct loop_timer signal_timer; /* checks the signals again after the first one */
	int error;          /* negative errno if what it needs will not arrive */
	bool watched;       /* was parked: it is in fs->parked, its deadline is set */
	int64_t arrived_ms; /* monotonic; of a request sent twice, the first arrival */
	int64_t arrived_wall_ms;
	bool fetched;              /* a fetch or deletion was started for this request */
	bool wanted_text;          /* request_want_text() was called */
	bool evicted;              /* of the file, the job's text had been evicted */
	struct listing *listing;   /* that the handler needs, with a reference; or NULL */
	struct jobs_csv *jobs_csv; /* the jobs.csv that the handler makes; or NULL */
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
 * Starts a request and runs its handler. `model` has the handler and those of the
 * kernel's arguments that it uses; `name` is copied. Fails the request with ENAMETOOLONG
 * if the name is too long, and with ENOTCONN if the filesystem is ending.
 */
void request_start(fuse_req_t req, const char *name, const struct request *model);

/* Message for the log if a request times out while jobs are selected by metadata. */
extern const char request_late_metadata[];

/*
 * Must be called by a handler before its first wait, unless request_want_job() does so.
 *
 * The kernel may send the same request twice within one system call. If this thread has
 * just waited in vain for most of the timeout, this function returns the same error. If
 * that wait was shorter, the request waits only for the rest of the timeout, and the
 * function returns 0.
 */
int request_failed_before(struct request *request);

/* Parks the request in `queue`. Returns -EAGAIN, which the handler returns. */
int request_park(struct request *request, struct wait_queue *queue);

/*
 * Starts a job fetch and parks the request until the job is in the catalog. Returns
 * -EAGAIN, or another negative errno if the request must fail: -EIO if a fetch was
 * already started for it, because its result must suffice, or an error of
 * request_failed_before().
 */
int request_want_job(struct request *request, const char *id);

/*
 * Starts a fetch of a job's text, which was evicted (SEMANTICS 7.4), and parks the
 * request until the text is in the catalog, with those that its reader will want next.
 * Returns the same as request_want_job().
 */
int request_want_text(struct request *request, const struct catalog_job *job);

/* Returns how many of `size` bytes from `offset` on a text of `len` bytes has. */
size_t request_part_len(uint64_t offset, size_t size, uint64_t len);

/* Replies to READ with the requested part of a text in memory. Returns 0. */
int request_reply_part(const struct request *request, const struct buf *text);

/* Fails all parked requests with a negative errno. */
void request_fail_all(struct fs *fs, int error);
