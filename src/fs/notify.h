/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuse_session;

/*
 * Sends notifications to the kernel: makes it forget names and attributes, and stores
 * texts in its page cache. A thread of our own sends them, because the kernel takes locks
 * for them that may be held by a request that is parked here. All functions are called
 * from the thread of the event loop and never block.
 */
struct notifier;

/*
 * Starts the thread. Keeps `session` by reference. Returns 0, -ENOMEM, or -EAGAIN if no
 * thread can be started.
 */
int notifier_new(struct fuse_session *session, struct notifier **ret_notifier);

/*
 * Makes the kernel forget a name in the directory `parent`. Does nothing if the kernel
 * does not know the name. Copies `name`.
 *
 * Returns false if the queue is full or memory is short. The caller then makes the kernel
 * forget all names with fs_forget_names().
 */
bool notifier_forget_name(struct notifier *notifier, uint64_t parent, const char *name);

/*
 * Makes the kernel ask again for the attributes of a directory. Returns false like
 * notifier_forget_name().
 */
bool notifier_forget_attr(struct notifier *notifier, uint64_t dir);

/* Removes names that are to be forgotten from the queue. */
void notifier_drop_names(struct notifier *notifier);

/*
 * Stores the whole text of a node, `len` > 0 bytes, in the kernel's page cache
 * (FUSE_NOTIFY_STORE), so that the kernel sends no READ for it. `text` was allocated with
 * malloc(); the notifier frees it, even on failure.
 *
 * Returns 0, -ENOMEM, or -ENOBUFS if NOTIFIER_STORE_MAX bytes are queued already.
 */
enum { NOTIFIER_STORE_MAX = 8 << 20 };
int notifier_store(struct notifier *notifier, uint64_t node, char *text, size_t len);

/* Returns the number of texts since the last call whose node the kernel did not know. */
unsigned notifier_unknown(struct notifier *notifier);

/*
 * Ends the thread without sending what is queued. Returns true if the thread has ended;
 * the caller may then call notifier_free(). Returns false while the thread is blocked in
 * the kernel, which waits for replies to requests: answer those and call again.
 */
bool notifier_stop(struct notifier *notifier);

/* Frees the notifier and its queue. The thread must have ended. */
void notifier_free(struct notifier *notifier);
