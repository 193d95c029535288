/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/*
 * Identifies a mount independently of its path. A path can lead elsewhere later, because
 * mv and mount --move move a mount and other mounts can cover it; these numbers never
 * change. After a mount is gone the kernel may reuse its `id` and `device` for another
 * one, but never its `unique`.
 */
struct mount_id {
	uint64_t id;     /* mount ID (stx_mnt_id of statx(2)) */
	dev_t device;    /* device number of the mounted filesystem */
	uint64_t unique; /* mount ID that is unique since boot; 0 before Linux 6.8 */
};

/*
 * Identifies the mount that `path` is in; if `path` is a mount point, the topmost mount
 * there. Neither triggers an automount nor sends a request to the filesystem's process.
 *
 * Returns 0 or a negative errno: -ENOSYS before Linux 5.8.
 */
int unmount_identify(const char *path, struct mount_id *ret_mount);

/*
 * True if the mount is still in this process's mount table. If `unique` is 0, also true
 * if the mount is gone and another one has been given its `id` and `device`.
 */
bool unmount_is_mounted(const struct mount_id *mount);

/*
 * Unmounts this mount and no other, wherever it has been moved to: lazily if it is in
 * use, and with fusermount3 if this user may not call umount(2). Does not touch a mount
 * that is covered by another one or has another one in it, because the kernel would
 * unmount that one as well. Blocks while fusermount3 runs.
 *
 * Returns 0 if the mount is gone, whether or not it was there before, or a negative errno
 * and an error message of one sentence in `errmsg`.
 */
int unmount_now(const struct mount_id *mount, struct buf *errmsg);

/*
 * Starts a process that calls unmount_now() after the calling process has ended, even if
 * that was killed with SIGKILL. The new process blocks all signals. Must be called before
 * any thread is started.
 *
 * Returns 0 or a negative errno.
 */
int unmount_after_end(const struct mount_id *mount);
