/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/list.h"

/*
 * The one way to wait: who lacks something puts a waiter of its own into the queue of
 * the thing that will bring it, and is told once. Being told means "look again", or with
 * an error "it will not come": never that what was lacking is there.
 *
 * Nothing here blocks or allocates. wait_wake() calls from wherever the news came in, so
 * a callback only notes what happened and leaves the work to its event loop.
 */
struct waiter {
	struct list link;
	void (*wake)(struct waiter *waiter, int error);
};

struct wait_queue {
	struct list waiters;
};

void wait_queue_init(struct wait_queue *queue);
bool wait_queue_empty(const struct wait_queue *queue);

/* Prepares a waiter that waits for nothing yet. `wake` gets 0 or a negative errno. */
void waiter_init(struct waiter *waiter, void (*wake)(struct waiter *waiter, int error));

/* Waits in `queue`, and in no other any more. */
void wait_enter(struct wait_queue *queue, struct waiter *waiter);

/* Waits no more, and is not told; does nothing where it did not wait. */
void wait_leave(struct waiter *waiter);

/*
 * Tells all who wait now; each leaves the queue before it is told, and may enter this or
 * another queue again, or leave for another waiter.
 */
void wait_wake(struct wait_queue *queue, int error);
