/* SPDX-License-Identifier: MIT */
#include "mount/mountpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/errmsg.h"
#include "base/remote.h"
#include "fs/fs.h"
#include "mount/mount_table.h"
#include "mount/unmount.h"

enum {
	REASON_MAX = 512,
	/* A live mount answers at once, however slow the API is. */
	ANSWER_MS = 3000,
};

/*
 * True for the errors that FUSE returns for a mount whose process has ended or whose
 * connection was aborted.
 */
static bool mountpoint_means_dead(int err)
{
	return err == -ENOTCONN || err == -ECONNABORTED;
}

/* Sets the error message for a path on which we cannot mount, and returns `err`. */
static int mountpoint_refuse_path(const char *given, int err, struct buf *errmsg)
{
	if (err == -ENOENT)
		return errmsg_set(errmsg, err,
			"cannot mount on %s: there is no such directory; make it with "
			"mkdir -p",
			given);
	if (err == -ENOTDIR)
		return errmsg_set(
			errmsg, err, "cannot mount on %s: it is not a directory", given);
	if (mountpoint_means_dead(err))
		return errmsg_set(errmsg, err,
			"cannot mount on %s: it is in a mount whose process has ended "
			"(%s); unmount that first",
			given, strerror(-err));
	return errmsg_set(errmsg, err, "cannot mount on %s: it cannot be accessed (%s)",
		given, strerror(-err));
}

/*
 * Sets the error message for a path that is covered by a mount which we may neither
 * inspect nor detach, and returns `err`.
 */
static int mountpoint_refuse_mount(
	const char *path, const struct mount_entry *mount, int err, struct buf *errmsg)
{
	if (mountpoint_means_dead(err))
		return errmsg_set(errmsg, err,
			"cannot mount on %s: a dead mount of another kind (%s) is there; "
			"unmount it with \"fusermount3 -u\" or \"umount\"",
			path, mount->type ? mount->type : "unknown");
	return errmsg_set(errmsg, err,
		"cannot mount on %s: you have no access to the mount there (%s: %s); "
		"unmount it, or choose another directory",
		path, mount->type, strerror(-err));
}

/*
 * Returns 0 if `path` is a directory, or a positive errno. We do not use stat(), because
 * the kernel may answer that from its cache although the mount's process has ended. We do
 * not trigger automounts (autofs, x-systemd.automount): if one is waiting for this
 * program to mount, we would wait for ourselves.
 */
static int mountpoint_stat_now(const char *path)
{
	struct statx st;

	if (statx(AT_FDCWD, path, AT_STATX_FORCE_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE,
		    &st) < 0)
		return errno;
	return S_ISDIR(st.stx_mode) ? 0 : ENOTDIR;
}

/*
 * Waits until the other end of a pipe is closed. Returns 0, -ETIMEDOUT after ANSWER_MS,
 * or another negative errno. A signal that interrupts poll(2) does not make a mount look
 * dead.
 */
static int mountpoint_wait(int fd)
{
	const int64_t end_ms = clock_mono_ms(&clock_system) + ANSWER_MS;
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	int64_t left_ms = ANSWER_MS;
	int ready;

	while ((ready = poll(&poll_fd, 1, left_ms > 0 ? (int)left_ms : 0)) < 0 &&
		errno == EINTR)
		left_ms = end_ms - clock_mono_ms(&clock_system);
	return ready > 0 ? 0 : ready < 0 ? -errno : -ETIMEDOUT;
}

/*
 * Calls mountpoint_stat_now() in a child process, so that a mount that never answers
 * cannot block us. Returns 0 if `path` is a directory, -ETIMEDOUT if there is no answer
 * within ANSWER_MS, or another negative errno.
 *
 * Such a mount is left behind by a process that was killed while it waited for a lock in
 * the kernel: the holder of that lock waits for an answer from the process, and the
 * kernel ends the connection only after the process has ended.
 */
static int mountpoint_stat(const char *path)
{
	int ends[2]; /* of a pipe that the child keeps open until it ends */
	int status = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;

	CLEANUP_CLOSE int fd = ends[0];
	pid_t pid = fork();
	int err = pid < 0 ? -errno : 0;

	if (pid == 0)
		_exit(mountpoint_stat_now(path));
	close(ends[1]);
	if (err)
		return err;
	err = mountpoint_wait(fd);
	/* Do not wait for the child if it hangs: it may be blocked in the kernel, where
	 * not even SIGKILL ends it. */
	if (err)
		kill(pid, SIGKILL);
	waitpid(pid, &status, err ? WNOHANG : 0);
	if (err)
		return err;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

/*
 * Sets the error message for a path on or in a live gladiafs mount, and returns -EBUSY.
 * We do not stack gladiafs mounts, because one would hide files of the other.
 */
static int mountpoint_refuse_own(
	const char *path, const struct mount_entry *mount, struct buf *errmsg)
{
	if (strcmp(mount->point, path) == 0)
		return errmsg_set(errmsg, -EBUSY,
			"cannot mount on %s: %s is mounted there already; unmount it "
			"with \"fusermount3 -u\", or choose another directory",
			path, mount->source);
	return errmsg_set(errmsg, -EBUSY,
		"cannot mount on %s: it is inside the gladiafs mount on %s; choose "
		"another directory",
		path, mount->point);
}

int mountpoint_check(const char *given, const char *table,
	struct mountpoint *ret_mountpoint, struct buf *errmsg)
{
	CLEANUP(mount_table_done) struct mount_entry mount = {0};

	*ret_mountpoint = (struct mountpoint){.path = realpath(given, NULL)};
	if (!ret_mountpoint->path)
		return mountpoint_refuse_path(given, -errno, errmsg);

	const char *path = ret_mountpoint->path;
	struct mount_id *id = &ret_mountpoint->mount;
	int err = mountpoint_stat(path);
	/* If the mount table cannot be read, we assume that nothing is mounted there. */
	bool known = !unmount_identify(path, id) &&
		     !mount_table_find_id(table, id->id, id->device, &mount);
	bool mounted = known && strcmp(mount.point, path) == 0;
	bool own = known && strcmp(mount.type, FS_TYPE) == 0;

	if ((mountpoint_means_dead(err) || err == -ETIMEDOUT) && own && mounted) {
		ret_mountpoint->dead = true;
		ret_mountpoint->hangs = err == -ETIMEDOUT;
		return 0;
	}
	if (own && !mountpoint_means_dead(err))
		return mountpoint_refuse_own(path, &mount, errmsg);
	if (err && err != -ENOTDIR && (mounted || mountpoint_means_dead(err)))
		return mountpoint_refuse_mount(path, &mount, err, errmsg);
	return err ? mountpoint_refuse_path(given, err, errmsg) : 0;
}

bool mountpoint_hides_files(const struct mountpoint *mountpoint)
{
	/* With O_DIRECTORY, this would trigger an automount. */
	CLEANUP_CLOSE int path = open(mountpoint->path, O_PATH | O_CLOEXEC);
	struct statfs system;
	const char *remote;

	/* Reading an automount would wait for ourselves, and a remote directory may hang.
	 */
	if (path < 0 || fstatfs(path, &system) < 0 ||
		(uint32_t)system.f_type == AUTOFS_SUPER_MAGIC ||
		remote_type(path, &remote) < 0 || remote)
		return false;

	int fd = openat(path, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	int names = 0;

	if (!directory) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (names <= 2 && readdir(directory))
		names++;
	closedir(directory);
	return names > 2; /* besides "." and ".." */
}

const char *mountpoint_fault(const struct mountpoint *mountpoint)
{
	return mountpoint->hangs ? "that does not answer" : "whose process has ended";
}

void mountpoint_done(struct mountpoint *mountpoint)
{
	free(mountpoint->path);
	*mountpoint = (struct mountpoint){0};
}

/*
 * Makes the kernel abort the connection of a mount that hangs. Every request that is
 * waiting for it then fails, which may be all that keeps its process from ending. Root
 * uses MNT_FORCE, which may also unmount; other users write to fusectl, which names
 * connections by the minor number of their device.
 */
static void mountpoint_abort_connection(const struct mountpoint *mountpoint)
{
	char path[64];

	if (umount2(mountpoint->path, MNT_FORCE | UMOUNT_NOFOLLOW) == 0)
		return;
	(void)snprintf(path, sizeof(path), "/sys/fs/fuse/connections/%u/abort",
		minor(mountpoint->mount.device));

	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t written = fd < 0 ? -1 : write(fd, "1", 1);

	(void)written; /* even if this failed, the caller detaches the mount */
}

int mountpoint_clear(const struct mountpoint *mountpoint, struct buf *errmsg)
{
	CLEANUP(buf_done) struct buf reason;

	buf_init(&reason, REASON_MAX);
	if (mountpoint->hangs)
		mountpoint_abort_connection(mountpoint);

	int err = unmount_now(&mountpoint->mount, &reason);

	if (err)
		return errmsg_set(errmsg, err,
			"cannot mount on %s: a gladiafs mount is there %s; %s",
			mountpoint->path, mountpoint_fault(mountpoint),
			reason.len ? reason.data : strerror(-err));
	return 0;
}
