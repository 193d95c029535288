/* SPDX-License-Identifier: MIT */
#include "mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "capture.h"
#include "mountinfo.h"
#include "source.h"
#include "why.h"

static const char own_type[] = "fuse.gladiafs";

enum { REASON_MAX = 512 };

/* What FUSE says of a mount whose process has ended, or whose connection was aborted. */
static bool means_dead(int err)
{
	return err == -ENOTCONN || err == -ECONNABORTED;
}

static int refuse_path(const char *given, int err, struct buf *why)
{
	if (err == -ENOENT)
		return why_set(why, err,
			"cannot mount on %s: there is no such directory; make it with "
			"mkdir -p",
			given);
	if (err == -ENOTDIR)
		return why_set(
			why, err, "cannot mount on %s: it is not a directory", given);
	if (means_dead(err))
		return why_set(why, err,
			"cannot mount on %s: it lies in a mount whose process has ended "
			"(%s); unmount that first",
			given, strerror(-err));
	return why_set(why, err, "cannot mount on %s: it cannot be looked at (%s)", given,
		strerror(-err));
}

/* Something is mounted, and it is not ours to look at or to clear. */
static int refuse_mount(
	const char *path, const struct mountinfo *mount, int err, struct buf *why)
{
	if (means_dead(err))
		return why_set(why, err,
			"cannot mount on %s: a dead mount of another kind (%s) is there; "
			"unmount it with \"fusermount3 -u\" or \"umount\"",
			path, mount->type ? mount->type : "unknown");
	return why_set(why, err,
		"cannot mount on %s: a mount is there (%s) that does not let you in "
		"(%s); "
		"unmount it, or choose another directory",
		path, mount->type, strerror(-err));
}

/*
 * A mode, or -errno. Not stat(): that is answered from what the kernel remembers, after
 * the mount's process has ended, too. Where an automount waits for this very program to
 * mount (autofs, x-systemd.automount), a look that triggers it would wait for itself.
 */
static int look_at(const char *path)
{
	struct statx st;

	if (statx(AT_FDCWD, path, AT_STATX_FORCE_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE,
		    &st) < 0)
		return -errno;
	return st.stx_mode;
}

/* Not by its text: the table has the words of a command line, or of fstab. */
static bool means(const char *source, const char *origin)
{
	CLEANUP(buf_done) struct buf why;
	CLEANUP_FREE char *meant = NULL;

	buf_init(&why, REASON_MAX);
	return source_find(source, &meant, &why) == 0 && strcmp(meant, origin) == 0;
}

int mountpoint_check(const char *given, const char *origin, const char *table,
	struct mountpoint *ret_mountpoint, struct buf *why)
{
	CLEANUP(mountinfo_done) struct mountinfo mount = {0};

	*ret_mountpoint = (struct mountpoint){.path = realpath(given, NULL)};
	if (!ret_mountpoint->path)
		return refuse_path(given, -errno, why);

	const char *path = ret_mountpoint->path;
	int mode = look_at(path);
	int err = mode < 0 ? mode : 0;
	/* Without a table nothing is known to be there. */
	bool mounted = mountinfo_find(table, path, &mount) == 0;
	bool own = mounted && strcmp(mount.type, own_type) == 0;

	if (means_dead(err) && own) {
		ret_mountpoint->dead = true;
		return 0;
	}
	if (err && (mounted || means_dead(err)))
		return refuse_mount(path, &mount, err, why);
	if (!err && !S_ISDIR(mode))
		err = -ENOTDIR;
	if (err)
		return refuse_path(given, err, why);
	if (own && means(mount.source, origin))
		return why_set(why, -EBUSY,
			"cannot mount on %s: %s is mounted there already; unmount it "
			"with \"fusermount3 -u\", or choose another directory",
			path, mount.source);
	return 0;
}

void mountpoint_done(struct mountpoint *mountpoint)
{
	free(mountpoint->path);
	*mountpoint = (struct mountpoint){0};
}

/* Runs fusermount3 with signals as a program expects them. 0 or -errno. */
static int run_fusermount(const char *path)
{
	char *const argv[] = {"fusermount3", "-u", "-z", "--", (char *)path, NULL};
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

int mountpoint_clear(const struct mountpoint *mountpoint, struct buf *why)
{
	CLEANUP(buf_done) struct buf reason;
	struct capture capture;
	int err;

	buf_init(&reason, REASON_MAX);
	if (umount2(mountpoint->path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;

	/* Not root: fusermount3 may do it for who mounted. */
	capture_begin(&capture);
	err = run_fusermount(mountpoint->path);
	capture_end(&capture, &reason);
	if (err)
		return why_set(why, err,
			"cannot mount on %s: a gladiafs mount is there whose process has "
			"ended, and it cannot be detached (%s); unmount it as root",
			mountpoint->path,
			reason.len ? reason.data : "fusermount3 cannot be run");
	return 0;
}
