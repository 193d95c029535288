/* SPDX-License-Identifier: MIT */
#include "commands/refresh.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/errmsg.h"
#include "fs/fs.h"
#include "fs/refresh.h"
#include "mount/mount_table.h"
#include "process/exit_code.h"

/* Sets the error message for a path that cannot be opened, and returns `err`. */
static int refresh_access_error(const char *path, int err, struct buf *errmsg)
{
	if (err == -ENOTCONN)
		return errmsg_set(errmsg, err,
			"cannot access %s: its gladiafs process has ended; mount again",
			path);
	return errmsg_set(errmsg, err, "cannot access %s: %s", path, strerror(-err));
}

/*
 * Opens `path` if it is a directory, else the directory that holds it, and then sets
 * to->name. Returns 0 or a negative errno.
 */
static int refresh_open_directory(const char *path, struct refresh_target *to)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC;
	CLEANUP_FREE char *copy = strdup(path);
	struct stat status;

	if (!copy)
		return -ENOMEM;
	if (stat(path, &status))
		return -errno;
	if (!S_ISDIR(status.st_mode)) {
		to->name = strdup(basename(copy));
		strcpy(copy, path);
		if (!to->name)
			return -ENOMEM;
	}
	to->fd = open(to->name ? dirname(copy) : path, flags);
	return to->fd < 0 ? -errno : 0;
}

/* Finds the gladiafs mount that to->fd is in. Returns as refresh_target_open() does. */
static int refresh_find_mount(
	const char *path, struct refresh_target *to, struct buf *errmsg)
{
	CLEANUP(mount_table_done) struct mount_entry mount = {0};
	struct stat status;

	if (fstat(to->fd, &status))
		return refresh_access_error(path, -errno, errmsg);

	int err = mount_table_find_device(MOUNTINFO_SELF, status.st_dev, &mount);

	if (err && err != -ENOENT)
		return errmsg_set(errmsg, err, "cannot read the mount table %s: %s",
			MOUNTINFO_SELF, strerror(-err));
	if (!err && strcmp(mount.type, FS_TYPE) != 0)
		err = -ENOENT;
	if (!err) {
		to->mount = strdup(mount.point);
		to->is_root = status.st_ino == FS_ROOT_INO;
		return to->mount ? 0 : errmsg_set(errmsg, -ENOMEM, "out of memory");
	}
	return errmsg_set(errmsg, -ENOTTY,
		"%s is not in a gladiafs mount: mount first, then give a path inside it "
		"(findmnt -t fuse.gladiafs lists mounts)",
		path);
}

int refresh_target_open(
	const char *path, struct refresh_target *ret_path, struct buf *errmsg)
{
	struct refresh_target to = {.fd = -1};
	int err = refresh_open_directory(path, &to);

	if (err)
		err = refresh_access_error(path, err, errmsg);
	else
		err = refresh_find_mount(path, &to, errmsg);
	if (err)
		refresh_target_done(&to);
	else
		*ret_path = to;
	return err;
}

void refresh_target_done(struct refresh_target *path)
{
	if (path->fd >= 0)
		close(path->fd);
	free(path->name);
	free(path->mount);
	*path = (struct refresh_target){.fd = -1};
}

/* Refreshes one path. Returns an enum exit_code. */
static int refresh(const char *path, struct buf *errmsg)
{
	CLEANUP(refresh_target_done) struct refresh_target to = {.fd = -1};

	if (refresh_target_open(path, &to, errmsg))
		return EXIT_CODE_USAGE;
	if (!ioctl(to.fd, FS_IOC_REFRESH))
		return EXIT_CODE_OK;
	if (errno == EPERM)
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
			"cannot refresh %s: only root and the user that mounted it may "
			"do that",
			path);
	if (errno == ENOTTY)
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
			"cannot refresh %s: an older gladiafs serves it; unmount and "
			"mount again",
			path);
	return errmsg_set(
		errmsg, EXIT_CODE_SYSTEM, "cannot refresh %s: %s", path, strerror(errno));
}

int refresh_path(char *const *paths, struct buf *errmsg)
{
	int code = EXIT_CODE_OK;

	for (; !code && *paths; paths++)
		code = refresh(*paths, errmsg);
	return code;
}
