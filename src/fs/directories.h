/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "tree.h"

/*
 * The directories the kernel knows, by inode number. A number is derived from the path,
 * so it is the same on every mount (SPEC 5.2); bit 62, which jobs have, is clear.
 */
enum { DIRS_ROOT = 1 };

struct dir {
	struct list link;
	uint64_t ino;
	uint64_t parent;
	char *name; /* in its parent; NULL: the root */
	struct tree_dir tree;
	uint64_t lookups; /* times the kernel has been told of it and not forgotten it */
	unsigned opens;
	int64_t mtime_ms; /* that the kernel was given last (attr.c) */
	/* What the kernel's cache of its names was filled from (dir.c). */
	uint64_t cached_id;
	unsigned cached_opens;
	bool cache_begun;
};

enum { DIRS_BUCKETS = 1024 };

struct dirs {
	struct list buckets[DIRS_BUCKETS];
	struct dir root;
};

void dirs_init(struct dirs *dirs);
void dirs_done(struct dirs *dirs);

/* NULL where the kernel does not know it. */
struct dir *dirs_find(struct dirs *dirs, uint64_t ino);

/* The number of a directory's child directory. */
uint64_t dirs_child_ino(uint64_t parent, const char *name);

/* Tells the kernel of it once more. Gives the directory, or NULL without memory. */
struct dir *dirs_learn(struct dirs *dirs, const struct dir *parent, const char *name,
	const struct tree_dir *tree);

/*
 * Appends its path in the mount, without a slash in front. 0; -ENOENT where the kernel
 * has forgotten a directory above it; buf's errors.
 */
int dirs_path(struct dirs *dirs, const struct dir *dir, struct buf *out);

/* The kernel forgets `count` of the times it was told. */
void dirs_forget(struct dirs *dirs, uint64_t ino, uint64_t count);

/* Calls fn with each directory. */
void dirs_each(struct dirs *dirs, void (*fn)(struct dir *dir, void *ctx), void *ctx);
