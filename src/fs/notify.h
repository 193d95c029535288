/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

struct fuse_session;

/*
 * Tells the kernel what to forget, from a thread of its own: the kernel takes locks for
 * it that a request which is parked here may hold. All functions are called by the loop's
 * thread and do not wait.
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

/*
 * Ends the thread, with what is not told yet left untold. True when it has ended; then
 * notifier_free() may be called. False while the kernel holds it: that waits for answers
 * to requests, so answer them and ask again.
 */
bool notifier_stop(struct notifier *notifier);
void notifier_free(struct notifier *notifier);
