/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

/*
 * Where the catalog of `origin` and `key` is kept (SPEC 7.4): in `cache_dir` if not NULL,
 * else in $XDG_CACHE_HOME/gladiafs or ~/.cache/gladiafs (home.h says whose HOME counts);
 * for root without HOME in /var/cache/gladiafs. If that is on a network or FUSE
 * filesystem, which can stop answering, it is in /var/tmp/gladiafs-UID instead, unless
 * that is, too. The directory is made (0700), those above it, too. The name is a hash
 * that tells neither origin nor key.
 *
 * If the directory is not the usual one, or can stop answering, `note` gets a sentence
 * for the user that says why (no newline); else it is left empty.
 *
 * 0, `ret_path` is owned by the caller; -errno where the directory cannot be had, or
 * others than we could change what is in it (-EPERM), and one sentence in `why` (no
 * newline).
 */
int cachefile_path(const char *cache_dir, const char *origin, const char *key,
	char **ret_path, struct buf *note, struct buf *why);
