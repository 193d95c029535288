/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

/* A database file of an account, or one that was set aside (PATH.damaged). */
struct cache_file {
	char *path;
	char *origin;    /* API URL of the account; NULL if it is not known */
	int64_t jobs;    /* number of jobs; -1 if it is not known */
	uint64_t bytes;  /* size of the file on the disk */
	int64_t used_ms; /* wall time when it was last opened, written or closed */
	bool in_use;     /* a mount has it open */
};

/*
 * Lists the database files in a directory, the one used last first. Files of other users
 * and symbolic links are left out. Reads each file, and waits for up to CATALOG_BUSY_MS
 * if a mount is writing it.
 *
 * Returns 0, -ENOMEM, or the errno of reading the directory or a file's status. The
 * caller frees `ret_files` with cache_files_free().
 */
int cache_files_list(
	const char *directory, struct cache_file **ret_files, size_t *ret_len);

void cache_files_free(struct cache_file *files, size_t len);

/*
 * Removes a database file and the files that belong to it. Returns 0, -EBUSY if a mount
 * has it open, or another negative errno.
 */
int cache_files_remove(const char *path);

/*
 * True if there is no file `path`, but another database in its directory, so that
 * cache_files_adopt() may find one of the same account.
 */
bool cache_files_may_adopt(const char *path);

/*
 * Gives the name `path` to a database of the same account, whose key was another one: it
 * is for the API URL `origin`, if that is known, and contains one of the jobs `ids`,
 * which are the newest ones of the account. Does nothing if `path` exists, or if the
 * other database is in use. Logs what was done.
 */
void cache_files_adopt(const char *path, const char *origin, const char *const *ids,
	size_t len, const struct log *log);
