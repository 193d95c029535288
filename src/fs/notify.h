/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

struct fuse_session;

/*
 * Tells the kernel what to forget, and gives it texts before it asks, from a thread of
 * its own: the kernel takes locks for it that a request which is parked here may hold.
 * All functions are called by the loop's thread and do not wait.
 */
struct notifier;

/* `session` and `log` by reference. 0, -ENOMEM or -EAGAIN (no thread). */
int notifier_new(struct fuse_session *session, const struct log *log,
	struct notifier **ret_notifier);

/*
 * The name (copied) in the directory is no longer what the kernel knows it as. Where it
 * knows no such name nothing happens.
 */
void notifier_forget_name(struct notifier *notifier, uint64_t parent, const char *name);

/* The attributes of a directory are no longer what the kernel knows. */
void notifier_forget_attr(struct notifier *notifier, uint64_t dir);

/*
 * The node's whole text, of `len` > 0 bytes, for the kernel's page cache
 * (FUSE_NOTIFY_STORE): it will not be read then. `text` is of malloc() and not the
 * caller's any more. 0; -ENOBUFS where NOTIFIER_STORE_MAX bytes wait already; -ENOMEM.
 */
enum { NOTIFIER_STORE_MAX = 8 << 20 };
int notifier_store(struct notifier *notifier, uint64_t node, char *text, size_t len);

/* How many texts of nodes that the kernel does not know there were since the last call.
 */
unsigned notifier_unknown(struct notifier *notifier);

/*
 * Ends the thread, with what is not told yet left untold. True when it has ended; then
 * notifier_free() may be called. False while the kernel holds it: that waits for answers
 * to requests, so answer them and ask again.
 */
bool notifier_stop(struct notifier *notifier);
void notifier_free(struct notifier *notifier);
