/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/log.h"

/*
 * The database file: its path, lock and owner. Only this user can read it, but other
 * mounts of the same account may share it. All accesses are relative to the descriptor of
 * its directory, so a mount that covers the path later does no harm.
 */
struct db_file {
	int dir;    /* descriptor (O_PATH) of the directory */
	char *name; /* name of the file in the directory */
	char *path; /* path without symbolic links, for messages; NULL: the database is
		       temporary and has no file */
	char *file; /* path through the descriptor in /proc/self/fd, for SQLite */
	bool is_remote; /* it is on a network or FUSE filesystem */
	dev_t dev;      /* device of the claimed file */
	ino_t ino;      /* inode number of the claimed file */
};

/*
 * Opens the directory of `path`. On success the caller calls db_file_done(). Returns 0,
 * -ENOMEM, or -ENOENT or another error of opening the directory.
 */
int db_file_init(struct db_file *place, const char *path);

/* Closes the directory and frees the strings. Does nothing if `place` is all zeros. */
void db_file_done(struct db_file *place);

/* Opens the directory for flock(2) and fsync(2). Returns a descriptor or -errno. */
int place_open_dir(const struct db_file *place);

/*
 * Locks the directory, so that no other mount opens, creates or sets aside a database in
 * it. Blocks for CATALOG_BUSY_MS at most, in case another mount hangs. Returns a lock for
 * db_file_unlock(), or -1 if the directory could not be locked; the caller then goes on
 * without the lock.
 */
int db_file_lock(const struct db_file *place);

/* Releases a lock; does nothing if it is -1. */
void db_file_unlock(int lock);

/*
 * Calls flock(2) with operation `how`, and waits for the lock for CATALOG_BUSY_MS at
 * most. Returns 0, -EWOULDBLOCK if another process still holds the lock, or another error
 * if the filesystem has no locks.
 */
int db_file_flock(int fd, int how);

/*
 * Claims the file: creates it if necessary, and makes sure that it has mode 0600 whatever
 * the umask is. Returns 0, or a negative errno and a reason for messages (a static
 * string) if the file cannot be written, is a symbolic link or not a regular file, or
 * belongs to another user.
 */
int db_file_claim(struct db_file *place, const char **ret_why);

/* True if the file's name no longer refers to the claimed file. Costs one lstat(2). */
bool db_file_is_moved(const struct db_file *place);

/*
 * Renames the claimed file to PATH.damaged, and its journal likewise, and logs that.
 * `why` is the rest of the message after the path: PLACE_DAMAGED or PLACE_CUT. Does
 * nothing if another mount has already replaced the file. Call it with the directory
 * locked. Returns 0 or a negative errno.
 */
#define PLACE_DAMAGED "is damaged or not this version's"
#define PLACE_CUT     "was in use when the machine went down, and may not be whole"
int db_file_set_aside(
	const struct db_file *place, const struct log *log, const char *errmsg);
