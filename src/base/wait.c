/* SPDX-License-Identifier: MIT */
#include "base/wait.h"

void wait_queue_init(struct wait_queue *queue)
{
	list_init(&queue->waiters);
}

bool wait_queue_empty(const struct wait_queue *queue)
{
	return list_empty(&queue->waiters);
}

void waiter_init(struct waiter *waiter, void (*wake)(struct waiter *waiter, int error))
{
	list_init(&waiter->link);
	waiter->wake = wake;
}

void wait_enter(struct wait_queue *queue, struct waiter *waiter)
{
	list_remove(&waiter->link);
	list_append(&queue->waiters, &waiter->link);
}

void wait_leave(struct waiter *waiter)
{
	list_remove(&waiter->link);
}

void wait_wake(struct wait_queue *queue, int error)
{
	struct list woken;

	/* Empty the queue first: a waiter that re-enters it must not be woken again. */
	list_take(&woken, &queue->waiters);
	while (!list_empty(&woken)) {
		struct waiter *waiter = list_entry(woken.next, struct waiter, link);

		list_remove(&waiter->link);
		waiter->wake(waiter, error);
	}
}
