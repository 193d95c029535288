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
#include "fs/refresh.h"
#include "mount/mount_table.h"
#include "process/exit_code.h"

static const char our_type[] = "fuse.gladiafs";

enum { ROOT_INO = 1 };

/* Sets the error message for a path that cannot be opened, and returns `err`. */
static int no_look(const char *path, int err, struct buf *why)
{
	if (err == -ENOTCONN)
		return why_set(why, err,
			"cannot look at %s: the gladiafs that served it has ended; mount "
			"again",
			path);
	return why_set(why, err, "cannot look at %s: %s", path, strerror(-err));
}

/*
 * Opens `path` if it is a directory, else the directory that holds it, and then sets
 * to->name. Returns 0 or a negative errno.
 */
static int open_directory(const char *path, struct client_path *to)
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

/* Finds the gladiafs mount that to->fd is in. Returns as client_path_open() does. */
static int find_mount(const char *path, struct client_path *to, struct buf *why)
{
	CLEANUP(mountinfo_done) struct mountinfo mount = {0};
	struct stat status;

	if (fstat(to->fd, &status))
		return no_look(path, -errno, why);

	int err = mountinfo_find_device(MOUNTINFO_SELF, status.st_dev, &mount);

	if (err && err != -ENOENT)
		return why_set(why, err, "cannot tell what is mounted: %s: %s",
			MOUNTINFO_SELF, strerror(-err));
	if (!err && strcmp(mount.type, our_type) != 0)
		err = -ENOENT;
	if (!err) {
		to->mount = strdup(mount.point);
		to->is_root = status.st_ino == ROOT_INO;
		return to->mount ? 0 : why_set(why, -ENOMEM, "out of memory");
	}
	return why_set(why, -ENOTTY,
		"%s is in no gladiafs mount: mount first, then give a path below that "
		"(findmnt -t fuse.gladiafs lists mounts)",
		path);
}

int client_path_open(const char *path, struct client_path *ret_path, struct buf *why)
{
	struct client_path to = {.fd = -1};
	int err = open_directory(path, &to);

	if (err)
		err = no_look(path, err, why);
	else
		err = find_mount(path, &to, why);
	if (err)
		client_path_done(&to);
	else
		*ret_path = to;
	return err;
}

void client_path_done(struct client_path *path)
{
	if (path->fd >= 0)
		close(path->fd);
	free(path->name);
	free(path->mount);
	*path = (struct client_path){.fd = -1};
}

/* Refreshes one path. Returns an enum exit_code. */
static int refresh(const char *path, struct buf *why)
{
	CLEANUP(client_path_done) struct client_path to = {.fd = -1};

	if (client_path_open(path, &to, why))
		return EXIT_CODE_USAGE;
	if (!ioctl(to.fd, FS_IOC_REFRESH))
		return EXIT_CODE_OK;
	if (errno == EPERM)
		return why_set(why, EXIT_CODE_SYSTEM,
			"cannot refresh %s: only root, and who mounted it, may have it "
			"ask the API again",
			path);
	if (errno == ENOTTY)
		return why_set(why, EXIT_CODE_SYSTEM,
			"cannot refresh %s: the gladiafs that serves it is an older one; "
			"mount again",
			path);
	return why_set(
		why, EXIT_CODE_SYSTEM, "cannot refresh %s: %s", path, strerror(errno));
}

int client_refresh(char *const *paths, struct buf *why)
{
	int code = EXIT_CODE_OK;

	for (; !code && *paths; paths++)
		code = refresh(*paths, why);
	return code;
}
