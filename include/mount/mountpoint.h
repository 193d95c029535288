/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "mount/unmount.h"

/* A directory to mount on. */
struct mountpoint {
	char *path;            /* absolute, without links */
	bool dead;             /* a gladiafs mount is there whose process has ended */
	bool hangs;            /* or has not quite: it does not answer */
	struct mount_id mount; /* the one that is there, if it is dead */
};

/*
 * Looks at `given`, and at what `table` (MOUNTINFO_SELF) says is mounted there. May wait
 * for a filesystem that is mounted there, for three seconds: -ETIMEDOUT then, unless it
 * is a gladiafs, which counts as dead.
 *
 * Returns 0; or an errno, and one sentence in `why` (no newline): -ENOENT, -ENOTDIR,
 * -ENOTCONN for a dead mount of another kind, -EBUSY for a directory that is a gladiafs
 * mount which lives, or lies in one, or the errno of stat(). Freed with mountpoint_done()
 * in either case.
 */
int mountpoint_check(const char *given, const char *table,
	struct mountpoint *ret_mountpoint, struct buf *why);
void mountpoint_done(struct mountpoint *mountpoint);

/* Of a dead one: "whose process has ended", or what else it is. */
const char *mountpoint_fault(const struct mountpoint *mountpoint);

/*
 * Detaches a dead mount (SPEC 11.4). If it hangs, the kernel fails all that wait for it
 * first, its process included. Returns 0, or -errno and a sentence. Waits for
 * fusermount3.
 */
int mountpoint_clear(const struct mountpoint *mountpoint, struct buf *why);
