/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/list.h"

/*
 * Wait queues, used for everything that waits in the event loop. A caller that needs data
 * enters its own waiter into the queue of the object that will provide it, and is woken
 * once. A wake-up with error 0 means "check again"; it does not guarantee that the data
 * is there. A negative errno means that the data will not arrive.
 *
 * Nothing here blocks or allocates. wait_wake() runs the callbacks in the middle of the
 * code that reports the change, so a callback should only record the wake-up and leave
 * the work to a task of the event loop.
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

/* Initializes a waiter that is in no queue. `wake` gets 0 or a negative errno. */
void waiter_init(struct waiter *waiter, void (*wake)(struct waiter *waiter, int error));

/* Enters `queue` at its end, after leaving the queue that the waiter is in, if any. */
void wait_enter(struct wait_queue *queue, struct waiter *waiter);

/* Leaves the queue without being woken. Does nothing if the waiter is in no queue. */
void wait_leave(struct waiter *waiter);

/*
 * Wakes every waiter that is in the queue now. Each one leaves the queue before its
 * callback runs. A callback may enter any queue, this one included, and may make other
 * waiters leave.
 */
void wait_wake(struct wait_queue *queue, int error);
