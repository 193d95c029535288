/* SPDX-License-Identifier: MIT */
#include "key_file_check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/errmsg.h"

enum { LINKS_MAX = 40 }; /* the kernel's own limit for one path */

/* Returns the quote that a path needs in a shell command, or "". */
static const char *key_file_quote_for(const char *path)
{
	return strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567"
			    "89/._-+@") == strlen(path)
		       ? ""
		       : "'";
}

static bool key_file_is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() || st->st_uid == 0;
}

static bool key_file_is_on_read_only_mount(int fd)
{
	struct statvfs system;

	return fstatvfs(fd, &system) == 0 && system.f_flag & ST_RDONLY;
}

/*
 * Checks that only we and root may read or write the file (SEMANTICS 2.2), with two
 * exceptions. systemd grants a unit's user access to credentials by an access list, whose
 * mask shows as group permission to read root's file. Docker and Kubernetes give a
 * container its secrets as files of root on a read-only mount, readable for all users.
 */
static int key_file_check_file(
	const struct keyplace *place, int fd, const struct stat *st, struct buf *errmsg)
{
	const mode_t others = S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
	mode_t open_to = st->st_mode & others;
	const char *path = place->path;
	const char *quote = key_file_quote_for(path);

	if (S_ISDIR(st->st_mode))
		return errmsg_set(errmsg, -EISDIR,
			"cannot read the key from %s: it is a directory, not a file that "
			"contains the key",
			path);
	if (!S_ISREG(st->st_mode))
		return errmsg_set(errmsg, -EINVAL,
			"cannot read the key from %s: it is not a regular file; write "
			"the key to one",
			path);
	if (!key_file_is_ours(st))
		return errmsg_set(errmsg, -EACCES,
			"the key in %s is not used, because the file belongs to another "
			"user (%u): copy it to a file of your own, or chown %u %s%s%s",
			path, st->st_uid, geteuid(), quote, path, quote);
	if (place->credential && st->st_uid == 0)
		open_to &= (mode_t)~S_IRGRP;
	if (st->st_uid == 0 && key_file_is_on_read_only_mount(fd))
		open_to &= (mode_t) ~(S_IRGRP | S_IROTH);
	if (open_to)
		return errmsg_set(errmsg, -EACCES,
			"the key in %s is not used, because others can read or write the "
			"file (mode %04o): chmod 600 %s%s%s",
			path, st->st_mode & 07777, quote, path, quote);
	return 0;
}

/*
 * Checks that no other user can change the directory: they could replace the file by
 * another one of ours, and its first line would be sent as the key. A sticky directory
 * such as /tmp is fine, because other users cannot remove our file there.
 */
static int key_file_check_directory(const char *path, const struct stat *st,
	const char *directory, struct buf *errmsg)
{
	const char *quote = key_file_quote_for(directory);

	if (!key_file_is_ours(st))
		return errmsg_set(errmsg, -EACCES,
			"the key in %s is not used, because its directory %s belongs to "
			"another user (%u), and they could replace the file: move it to "
			"a directory of your own",
			path, directory, st->st_uid);
	if (st->st_mode & (S_IWGRP | S_IWOTH) && !(st->st_mode & S_ISVTX))
		return errmsg_set(errmsg, -EACCES,
			"the key in %s is not used, because others can write to its "
			"directory (mode %04o) and replace the file: chmod go-w %s%s%s",
			path, st->st_mode & 07777, quote, directory, quote);
	return 0;
}

/*
 * Returns the directory part of a file's path, or NULL if memory is short. The caller
 * frees it.
 */
static char *key_file_directory_of(const char *file)
{
	const char *slash = strrchr(file, '/');

	if (!slash)
		return strdup(".");
	return slash == file ? strdup("/") : strndup(file, (size_t)(slash - file));
}

/*
 * Returns the kernel's path for an open directory, for messages; or NULL if memory is
 * short. The caller frees it.
 */
static char *key_file_name_of(int fd)
{
	char link[64];
	char name[PATH_MAX];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, name, sizeof(name) - 1);
	return len < 0 ? strdup("?") : strndup(name, (size_t)len);
}

/*
 * Opens and checks the directory of `file`, which is resolved from `at`. `shown` is the
 * file's path for messages, or NULL to use the kernel's path of the directory. Returns a
 * descriptor or a negative errno.
 */
static int key_file_open_directory(const struct keyplace *place, int at, const char *file,
	const char *shown, struct buf *errmsg)
{
	CLEANUP_FREE char *directory = key_file_directory_of(file);
	CLEANUP_CLOSE int fd =
		directory ? openat(at, directory, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct stat st;

	if (!directory)
		return errmsg_set(errmsg, -ENOMEM, "out of memory");
	if (fd < 0 || fstat(fd, &st) < 0) {
		int err = -errno;

		return errmsg_set(errmsg, err,
			"the key in %s is not used, because its directory cannot be "
			"accessed (%s)",
			place->path, strerror(-err));
	}

	CLEANUP_FREE char *name = shown ? key_file_directory_of(shown)
					: key_file_name_of(fd);
	int err = name ? key_file_check_directory(place->path, &st, name, errmsg)
		       : errmsg_set(errmsg, -ENOMEM, "out of memory");
	int opened = fd;

	if (err)
		return err;
	fd = -1;
	return opened;
}

/*
 * Checks the directories of the file and of each symbolic link that leads to it. Each one
 * is opened from the one before: resolved from the root, a mount could cover it by now.
 */
static int key_file_check_directories(const struct keyplace *place, struct buf *errmsg)
{
	CLEANUP_FREE char *file = strdup(place->name);
	CLEANUP_CLOSE int before = -1;
	char target[PATH_MAX];

	for (int links = 0; file && links <= LINKS_MAX; links++) {
		const char *slash = strrchr(file, '/');
		int dir = key_file_open_directory(place, links ? before : place->at, file,
			links ? NULL : place->path, errmsg);

		if (dir < 0)
			return dir;
		if (before >= 0)
			close(before);
		before = dir;

		ssize_t len = readlinkat(
			dir, slash ? slash + 1 : file, target, sizeof(target) - 1);

		if (len < 0)
			return 0; /* not a link: this is the file itself */
		free(file);
		file = strndup(target, (size_t)len);
	}
	return errmsg_set(errmsg, file ? -ELOOP : -ENOMEM,
		"the key in %s is not used, because its path cannot be resolved",
		place->path);
}

int key_file_check(const struct keyplace *place, int fd, struct buf *errmsg)
{
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0) {
		err = -errno;
		return errmsg_set(errmsg, err, "cannot access the key file %s (%s)",
			place->path, strerror(-err));
	}
	err = key_file_check_file(place, fd, &st, errmsg);
	return err ? err : key_file_check_directories(place, errmsg);
}
