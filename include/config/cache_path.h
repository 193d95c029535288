/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

/*
 * Returns the path of the database file for `origin` and `key` (SEMANTICS 7.4), and
 * creates its directory (mode 0700) with all parents. The directory is `cache_dir` if not
 * NULL, else $XDG_CACHE_HOME/gladiafs or ~/.cache/gladiafs (home.h says whose HOME is
 * used), or /var/cache/gladiafs for root without HOME. If that is on a network or FUSE
 * filesystem, which can stop answering, /var/tmp/gladiafs-UID is used instead, unless
 * that is on one, too. The file's name is a hash that reveals neither `origin` nor `key`.
 *
 * If the directory is not the usual one, or can stop answering, `note` is set to a
 * message for the user that explains it; else it stays empty.
 *
 * Returns 0, and the caller frees `ret_path`. Returns -EPERM if other users could change
 * the directory's content, -ENOTDIR if it is not a directory, -ENOENT if there is no home
 * directory, -ENOMEM, or the errno of creating it; `errmsg` is then an error message.
 */
int cache_path_find(const char *cache_dir, const char *origin, const char *key,
	char **ret_path, struct buf *note, struct buf *errmsg);

/*
 * Calls `fn` with each directory that may have caches of this user: `cache_dir` if not
 * NULL, else the usual one and the one in /var/tmp. A directory that another user owns or
 * can change is left out. Returns 0, or a negative errno and an error message.
 */
int cache_path_each(const char *cache_dir, void (*fn)(void *ctx, const char *directory),
	void *ctx, struct buf *errmsg);

/*
 * Sets `note` to a message for the user if temporary files in `directory` would be on a
 * network or FUSE filesystem, which can stop answering; else leaves it empty.
 */
void cache_path_check_temporary(const char *directory, struct buf *note);
