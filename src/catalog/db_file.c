/* SPDX-License-Identifier: MIT */
/*
 * Finds, locks, claims and sets aside the database file.
 */
#include "db_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/remote.h"
#include "catalog/catalog.h"

enum { LOCK_STEP_MS = 10 }; /* interval between two attempts to take a lock */

int db_file_init(struct db_file *place, const char *path)
{
	CLEANUP(db_file_done) struct db_file made = {0};
	const char *slash = strrchr(path, '/');
	CLEANUP_FREE char *above = slash ? strndup(path, (size_t)(slash - path) + 1)
					 : strdup(".");

	if (!above)
		return -ENOMEM;

	CLEANUP_FREE char *dir = realpath(above, NULL);
	CLEANUP_CLOSE int fd = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0)
		return -errno;

	const char *type;

	made.is_remote = remote_type(fd, &type) < 0 || type;
	made.name = strdup(slash ? slash + 1 : path);
	if (!made.name)
		return -ENOMEM;
	if (asprintf(&made.file, "/proc/self/fd/%d/%s", fd, made.name) < 0) {
		made.file = NULL;
		return -ENOMEM;
	}
	if (asprintf(&made.path, "%s/%s", dir, made.name) < 0) {
		made.path = NULL;
		return -ENOMEM;
	}
	made.dir = fd;
	fd = -1;
	*place = made;
	made = (struct db_file){0};
	return 0;
}

void db_file_done(struct db_file *place)
{
	if (place->path)
		close(place->dir);
	free(place->name);
	free(place->path);
	free(place->file);
	*place = (struct db_file){0};
}

int place_open_dir(const struct db_file *place)
{
	int fd = openat(place->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int db_file_flock(int fd, int how)
{
	const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000};

	for (int waited = 0; flock(fd, how | LOCK_NB) < 0; waited += LOCK_STEP_MS) {
		if (errno != EWOULDBLOCK || waited >= CATALOG_BUSY_MS)
			return -errno;
		nanosleep(&step, NULL);
	}
	return 0;
}

int db_file_lock(const struct db_file *place)
{
	CLEANUP_CLOSE int fd = place_open_dir(place);

	if (fd < 0 || db_file_flock(fd, LOCK_EX) < 0)
		return -1;

	int taken = fd;

	fd = -1;
	return taken;
}

void db_file_unlock(int lock)
{
	if (lock >= 0)
		close(lock);
}

/*
 * Checks type and owner of the file, sets its mode to 0600 and notes its identity.
 * Returns 0, or a negative errno and, in some cases, a reason for messages.
 */
static int db_file_check_file(struct db_file *place, int fd, const char **ret_why)
{
	struct stat status;

	*ret_why = NULL;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode)) {
		*ret_why = "it is not a regular file";
		return -EINVAL;
	}
	if (status.st_uid != geteuid()) {
		*ret_why = "it belongs to another user";
		return -EPERM;
	}
	if ((status.st_mode & 07777) != 0600 && fchmod(fd, 0600) < 0)
		return -errno;
	place->dev = status.st_dev;
	place->ino = status.st_ino;
	return 0;
}

int db_file_claim(struct db_file *place, const char **ret_why)
{
	/* O_NONBLOCK: if the file is a FIFO, opening it must not block. */
	CLEANUP_CLOSE int fd = openat(place->dir, place->name,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	int err = fd < 0 ? -errno : db_file_check_file(place, fd, ret_why);

	if (err == -ELOOP)
		*ret_why = "it is a symbolic link";
	else if (err && (fd < 0 || !*ret_why))
		*ret_why = strerror(-err);
	return err;
}

/* Renames the file NAME plus `suffix`, if there is one, to NAME.damaged plus `suffix`. */
static int db_file_move_aside(const struct db_file *place, const char *suffix)
{
	CLEANUP_FREE char *from = NULL;
	CLEANUP_FREE char *to = NULL;

	if (asprintf(&from, "%s%s", place->name, suffix) < 0 ||
		asprintf(&to, "%s.damaged%s", place->name, suffix) < 0)
		return -ENOMEM;
	/* The journal of a file that was set aside earlier must not remain beside it. */
	if (unlinkat(place->dir, to, 0) < 0 && errno != ENOENT)
		return -errno;
	return renameat(place->dir, from, place->dir, to) < 0 && errno != ENOENT ? -errno
										 : 0;
}

bool db_file_is_moved(const struct db_file *place)
{
	struct stat status;

	if (fstatat(place->dir, place->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || errno == ENOTDIR;
	return status.st_dev != place->dev || status.st_ino != place->ino;
}

int db_file_set_aside(
	const struct db_file *place, const struct log *log, const char *errmsg)
{
	if (db_file_is_moved(place))
		return 0;

	/* The journal is first, because it must never lie beside another database. */
	int err = db_file_move_aside(place, "-journal");

	if (!err)
		err = db_file_move_aside(place, "");
	if (err)
		return err;
	log_warning(log, "the cache %s %s: renamed to %s.damaged", place->path, errmsg,
		place->path);
	return 0;
}
