/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/*
 * A mount, wherever it is now. A path may lead somewhere else later: mv and mount --move
 * take a mount away, and others are mounted over it. These numbers stay. The kernel gives
 * `id` and `device` of a mount that is gone to the next one, and `unique` to no other.
 */
struct mount_id {
	uint64_t id;     /* of the mount (statx(2), stx_mnt_id) */
	dev_t device;    /* of the filesystem in it */
	uint64_t unique; /* of the mount since boot; 0 on a kernel older than 6.8 */
};

/*
 * Finds the mount that holds `path`: the topmost one if `path` is a mount point. Asks
 * neither an automount nor the filesystem's process.
 *
 * Returns 0 or -errno; -ENOSYS on a kernel older than 5.8.
 */
int unmount_identify(const char *path, struct mount_id *ret_mount);

/*
 * True if the mount is still in this process's table of mounts. If `unique` is not known,
 * also if it is gone and another mount has its numbers.
 */
bool unmount_is_mounted(const struct mount_id *mount);

/*
 * Unmounts this one mount, wherever it is now: lazily if it is in use, and by fusermount3
 * if the kernel refuses it to this user. A mount that is hidden by another one, or that
 * has others in it, is not touched: the kernel could only unmount those, too.
 *
 * Returns 0 if it is not mounted any more (also if it was not before), or -errno and one
 * sentence in `why`. Waits for fusermount3.
 */
int unmount_now(const struct mount_id *mount, struct buf *why);

/*
 * Starts a process that calls unmount_now() after this process has ended, even by
 * SIGKILL. It ignores all other signals. Has to be called before there are threads.
 *
 * Returns 0 or -errno.
 */
int unmount_after_end(const struct mount_id *mount);
