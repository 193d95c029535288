/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "mount/unmount.h"

/* A directory to mount on. */
struct mountpoint {
	char *path; /* absolute, without symbolic links */
	bool dead;  /* an unusable gladiafs mount is on it */
	bool hangs; /* the dead mount does not answer at all, not even an error */
	struct mount_id mount; /* identifies the dead mount */
};

/*
 * Checks whether we can mount on `given`, using the mount table `table` (MOUNTINFO_SELF).
 * Can block for three seconds, until the filesystem that is mounted there answers. A
 * gladiafs mount that does not answer in that time counts as dead. The caller frees
 * `ret_mountpoint` with mountpoint_done() on success and on failure.
 *
 * Returns 0, or a negative errno and an error message of one sentence without a newline
 * in `errmsg`: -ENOENT or -ENOTDIR if there is no such directory, -EBUSY if it is a live
 * gladiafs mount or lies in one, -ENOTCONN if a dead mount of another type is there,
 * -ETIMEDOUT if a filesystem of another type does not answer, or the error of statx(2).
 */
int mountpoint_check(const char *given, const char *table,
	struct mountpoint *ret_mountpoint, struct buf *errmsg);

/* Frees the path and clears the structure. */
void mountpoint_done(struct mountpoint *mountpoint);

/*
 * True if a mount would hide files in the directory. False if that is not known, because
 * reading the directory could block.
 */
bool mountpoint_hides_files(const struct mountpoint *mountpoint);

/*
 * Returns a phrase for messages that says what is wrong with a dead mount: "whose process
 * has ended" or "that does not answer".
 */
const char *mountpoint_fault(const struct mountpoint *mountpoint);

/*
 * Detaches a dead mount (SEMANTICS 11.4). If it hangs, first makes the kernel abort its
 * connection, so that every process that is blocked in it gets an error. Blocks while
 * fusermount3 runs.
 *
 * Returns 0, or a negative errno and an error message of one sentence in `errmsg`.
 */
int mountpoint_clear(const struct mountpoint *mountpoint, struct buf *errmsg);
