/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/log.h"

/*
 * Where a database on disk is: a file of ours alone in a directory that may also be used
 * by other mounts of the same account. All that is done there is relative to the
 * directory's descriptor: a mount that covers its path later does not matter.
 */
struct place {
	int dir;    /* descriptor (O_PATH) of the directory */
	char *name; /* of the file in it */
	char *path; /* without symbolic links, for sentences; NULL: no place, the database
		       is a temporary one */
	char *file; /* the path by the descriptor, for SQLite */
	dev_t dev;  /* of the file claimed */
	ino_t ino;
};

/* 0, -ENOENT and the like where there is no such directory, -ENOMEM. */
int place_init(struct place *place, const char *path);

/* What was never inited, but is all zeros, is fine. */
void place_done(struct place *place);

/* Opens the directory for flock(2) and fsync(2). Returns a descriptor or -errno. */
int place_open_dir(const struct place *place);

/*
 * Keeps other mounts from opening, making or setting aside databases here, until what it
 * returns is given back. Waits for them, but not for one that hangs: after
 * CATALOG_BUSY_MS it goes on without, as it does where locks do not work.
 */
int place_lock(const struct place *place);
void place_unlock(int lock);

/*
 * flock(2) that waits, but not for one that hangs: CATALOG_BUSY_MS. 0; -EWOULDBLOCK, or
 * what says that locks do not work there.
 */
int place_flock(int fd, int how);

/*
 * Makes the file if there is none, and sees to it that nobody else can read it whatever
 * the umask. 0; a negative errno, with a reason for people: it cannot be written, is a
 * symbolic link, no file, or another user's.
 */
int place_claim(struct place *place, const char **ret_why);

/* Whether the file claimed is no longer what its name stands for. One lstat(2). */
bool place_is_moved(const struct place *place);

/*
 * Renames the file claimed, and its journal, to PATH.damaged, with a sentence in the log
 * whose predicate is `why`. Another mount's new one is left alone. 0 or a negative errno.
 * To be called with the lock held.
 */
#define PLACE_DAMAGED "is damaged or not this version's"
#define PLACE_CUT     "was in use when the machine went down, and may not be whole"
int place_set_aside(const struct place *place, const struct log *log, const char *why);
