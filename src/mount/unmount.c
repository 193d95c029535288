/* SPDX-License-Identifier: MIT */
#include "mount/unmount.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/errmsg.h"
#include "mount/mount_table.h"
#include "process/hardening.h"
#include "process/stderr_capture.h"

enum { REASON_MAX = 512 };

/* Linux 6.8 and newer have these, but older headers do not define them. */
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U
#endif
#ifndef SYS_statmount
#define SYS_statmount 457
#endif

/* Returns the unique ID of the mount that `path` is in, or 0 if the kernel has none. */
static uint64_t unmount_identify_unique(const char *path, int flags)
{
	struct statx st;

	if (statx(AT_FDCWD, path, flags, STATX_MNT_ID_UNIQUE, &st) < 0 ||
		!(st.stx_mask & STATX_MNT_ID_UNIQUE))
		return 0;
	return st.stx_mnt_id;
}

int unmount_identify(const char *path, struct mount_id *ret_mount)
{
	const int flags = AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC;
	struct statx st;

	/* The kernel returns the mount ID and the device even if we request no field.
	 * For a request of any field, FUSE would refuse users other than its own. */
	if (statx(AT_FDCWD, path, flags, 0, &st) < 0)
		return -errno;
	if (!(st.stx_mask & STATX_MNT_ID))
		return -ENOSYS;
	*ret_mount = (struct mount_id){
		.id = st.stx_mnt_id,
		.device = makedev(st.stx_dev_major, st.stx_dev_minor),
		.unique = unmount_identify_unique(path, flags),
	};
	return 0;
}

/*
 * True if the mount is certainly gone, even if another one has its `id` and `device` now.
 * False if its unique ID is not known.
 */
static bool unmount_is_gone(const struct mount_id *mount)
{
	/* The kernel's struct mnt_id_req, here without a request for any field. */
	struct {
		uint32_t size;
		uint32_t spare;
		uint64_t mount;
		uint64_t fields;
	} request = {.size = sizeof(request), .mount = mount->unique};
	uint64_t answer[64];

	return mount->unique &&
	       syscall(SYS_statmount, &request, answer, sizeof(answer), 0) < 0 &&
	       errno == ENOENT;
}

/* Finds the mount in our mount table. Returns 0, -ENOENT if it is gone, or an error. */
static int unmount_find(const struct mount_id *mount, struct mount_entry *ret_info)
{
	if (unmount_is_gone(mount))
		return -ENOENT;
	return mount_table_find_id(MOUNTINFO_SELF, mount->id, mount->device, ret_info);
}

bool unmount_is_mounted(const struct mount_id *mount)
{
	CLEANUP(mount_table_done) struct mount_entry info = {0};

	return unmount_find(mount, &info) == 0;
}

/*
 * Makes sure that unmounting by path affects this mount alone: the kernel unmounts the
 * topmost mount of a path, and a lazy unmount includes every mount below it. Returns 0,
 * or -EBUSY or another negative errno and an error message in `errmsg`.
 */
static int unmount_check_nothing_else(const struct mount_entry *info, struct buf *errmsg)
{
	CLEANUP(mount_table_done) struct mount_entry other = {0};
	struct mount_id seen;
	int err = mount_table_find_child(MOUNTINFO_SELF, info->id, &other);

	if (!err)
		return errmsg_set(errmsg, -EBUSY,
			"cannot unmount %s: another filesystem (%s) is mounted %s; "
			"unmount that first, then this one (\"fusermount3 -u\" or "
			"\"umount\")",
			info->point, other.type,
			strcmp(other.point, info->point) == 0 ? "over it" : "in it");
	if (err != -ENOENT)
		return errmsg_set(errmsg, err, "cannot unmount %s: %s: %s", info->point,
			MOUNTINFO_SELF, strerror(-err));
	err = unmount_identify(info->point, &seen);
	if (err || seen.id != info->id)
		return errmsg_set(errmsg, -EBUSY,
			"cannot unmount %s: another filesystem is mounted over a "
			"directory in its path; unmount that first, then this one "
			"(\"fusermount3 -u\" or \"umount\")",
			info->point);
	return 0;
}

/*
 * Runs fusermount3 with no signal blocked and SIGPIPE at its default action, and waits
 * for it. Returns 0, -EPERM if it fails, or another negative errno.
 */
static int unmount_run_fusermount(const char *path, bool lazy)
{
	char *const argv[] = {
		"fusermount3", lazy ? "-uz" : "-u", "--", (char *)path, NULL};
	posix_spawnattr_t attributes;
	sigset_t none, pipe;
	pid_t pid;
	int status;
	int err = -posix_spawnattr_init(&attributes);

	if (err)
		return err;
	sigemptyset(&none);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &pipe);
	posix_spawnattr_setflags(
		&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	err = -posix_spawnp(&pid, argv[0], NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (err)
		return err;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EPERM;
}

/*
 * Unmounts the topmost mount at `path`. Returns 0, or a negative errno and an error
 * message in `reason`.
 */
static int unmount_path(const char *path, bool lazy, struct buf *reason)
{
	struct stderr_capture capture;

	if (umount2(path, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
		return 0;
	if (errno != EPERM)
		return errmsg_set(reason, -errno, "%s", strerror(errno));

	stderr_capture_begin(&capture);

	int err = unmount_run_fusermount(path, lazy);

	stderr_capture_end(&capture, reason);
	if (err && !reason->len)
		errmsg_set(reason, err, "cannot run fusermount3: %s", strerror(-err));
	return err;
}

int unmount_now(const struct mount_id *mount, struct buf *errmsg)
{
	CLEANUP(mount_table_done) struct mount_entry info = {0};
	CLEANUP(buf_done) struct buf reason;
	int err = unmount_find(mount, &info);

	buf_init(&reason, REASON_MAX);
	if (err == -ENOENT)
		return 0;
	if (err)
		return errmsg_set(errmsg, err, "cannot read %s: %s", MOUNTINFO_SELF,
			strerror(-err));
	/* First without MNT_DETACH: the kernel then refuses if another mount is in it. */
	for (int lazy = 0; lazy <= 1; lazy++) {
		err = unmount_check_nothing_else(&info, errmsg);
		if (err)
			return err;
		err = unmount_path(info.point, lazy, &reason);
		if (!err || !unmount_is_mounted(mount))
			return 0;
	}
	return errmsg_set(errmsg, err, "cannot unmount %s: %s; unmount it as root",
		info.point, reason.len ? reason.data : strerror(-err));
}

/*
 * Runs in the process that unmount_after_end() starts: waits until the process with the
 * pidfd `parent` has ended, then unmounts.
 */
static void unmount_wait_and(const struct mount_id *mount, int parent)
{
	struct pollfd poll_fd = {.fd = parent, .events = POLLIN};
	CLEANUP(buf_done) struct buf errmsg;

	buf_init(&errmsg, ERRMSG_MAX);
	/* Use a name and a process group of our own, so that killall(1) or a signal to
	 * the parent's group does not end this process as well. */
	prctl(PR_SET_NAME, "unmount-later");
	setsid();
	hardening_close_inherited(parent);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		close(fd);
	if (chdir("/") < 0 || open("/dev/null", O_RDWR) != STDIN_FILENO ||
		dup(STDIN_FILENO) < 0 || dup(STDIN_FILENO) < 0)
		return;
	while (poll(&poll_fd, 1, -1) < 0 && errno == EINTR)
		;
	(void)unmount_now(mount, &errmsg);
}

int unmount_after_end(const struct mount_id *mount)
{
	CLEANUP_CLOSE int self = pidfd_open(getpid(), 0);
	sigset_t all, before;

	if (self < 0)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);

	pid_t pid = fork();

	if (pid == 0) {
		unmount_wait_and(mount, self);
		_exit(0);
	}

	int err = pid < 0 ? -errno : 0;

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}
