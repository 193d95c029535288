/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/list.h"

struct fs;
struct request;

/*
 * Files whose contents are made when their name is looked up: those in .gladiafs/,
 * jobs.csv, and symbolic links. The kernel sends no OPEN, so each lookup makes a snapshot
 * with a node of its own. Its size is therefore exact, and a reader never sees parts of
 * two states.
 *
 * A snapshot is freed when the kernel forgets its node. If there are more than
 * SNAPSHOTS_MAX, or if they take more than SNAPSHOTS_BYTES_MAX bytes, the oldest are
 * freed, but never the last one; reading a freed one fails with ESTALE.
 */
enum { SNAPSHOTS_MAX = 64, SNAPSHOTS_BYTES_MAX = 64 << 20 };

struct snapshots {
	struct list list; /* oldest first */
	unsigned len;
	size_t bytes;  /* memory allocated for their contents */
	uint64_t last; /* number of the newest snapshot */
};

/* The attributes that stat(2) shows for a snapshot, apart from its size. */
struct snapshot_attr {
	uint64_t ino;
	mode_t type;        /* S_IFREG or S_IFLNK */
	int64_t changed_ms; /* wall time of the last change of its contents */
};

void snapshots_init(struct snapshots *snapshots);
void snapshots_done(struct snapshots *snapshots);

/*
 * Replies to a LOOKUP with a snapshot of `text`, which it takes over, even on failure.
 * The kernel may cache the name for `timeout` seconds. Returns 0 or -ENOMEM.
 */
int snapshot_reply(struct request *request, const struct snapshot_attr *attr,
	struct buf *text, double timeout);

/* True if `node` is a snapshot's. No other nodes have such numbers. */
bool snapshot_is_node(uint64_t node);

/* Handlers of GETATTR, READ and READLINK for a snapshot's node (request.h). */
int snapshot_getattr(struct request *request);
int snapshot_read(struct request *request);
int snapshot_readlink(struct request *request);

/*
 * Drops `count` of the kernel's references to a snapshot, and frees it with the last one.
 */
void snapshot_forget(struct snapshots *snapshots, uint64_t node, uint64_t count);
