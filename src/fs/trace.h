/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/list.h"

struct fs;
struct fuse_in_header;
struct iovec;

/*
 * Logs the kernel's calls for -d: one line for each, when it is answered, with its name,
 * path, result and duration.
 */
struct trace {
	struct list calls; /* those that are not answered yet; struct trace_call */
};

void trace_init(struct trace *trace);
void trace_done(struct trace *trace);

/*
 * Notes a message of the kernel, before it is handled. Messages that get no reply are
 * logged at once.
 */
void trace_begin(struct fs *fs, const struct fuse_in_header *in);

/*
 * Logs the message that is answered by a reply, which has `count` parts; the first one is
 * its header. Ignores notifications, so the notifier's thread may call it, too.
 */
void trace_end(struct fs *fs, const struct iovec *parts, int count);
