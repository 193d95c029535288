/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "fs/fs.h"
#include "tree.h"

/*
 * The directories that the kernel knows, by inode number. The number is derived from the
 * path, so it is the same on every mount (SEMANTICS 5.2). Bit 62 is clear; in the inode
 * numbers of jobs it is set.
 */
struct dir {
	struct list link;
	uint64_t ino;
	uint64_t parent;
	char *name; /* name in the parent; NULL for the root */
	struct tree_dir tree;
	uint64_t lookups; /* references that the kernel holds */
	unsigned opens;   /* open handles (struct open_dir) */
	int64_t mtime_ms; /* mtime that was last given to the kernel (attr.c) */
	/* Id of the listing that filled the kernel's cache of names; 0: none is known. */
	uint64_t cached_id;
	unsigned cached_opens; /* open handles that use the kernel's cache of names */
	bool cache_begun;      /* the kernel has emptied its cache for this listing */
};

enum { DIRECTORIES_BUCKETS = 1024 };

struct directories {
	struct list buckets[DIRECTORIES_BUCKETS];
	struct dir root;
};

void directories_init(struct directories *dirs, enum zone zone);
void directories_done(struct directories *dirs);

/* Returns the directory, or NULL if the kernel does not know it. */
struct dir *directories_find(struct directories *dirs, uint64_t ino);

/* Returns the inode number of a child directory or of a file in .gladiafs/. */
uint64_t directories_child_ino(uint64_t parent, const char *name);

/*
 * Returns the directory `name` of `parent`, adding it if it is new, and counts one more
 * reference of the kernel. Returns NULL if out of memory.
 */
struct dir *directories_learn(struct directories *dirs, const struct dir *parent,
	const char *name, const struct tree_dir *tree);

/*
 * Appends the directory's path in the mount, without a leading slash. Returns 0, -ENOENT
 * if the kernel has forgotten a directory above it, or an error of buf_append().
 */
int directories_path(struct directories *dirs, const struct dir *dir, struct buf *out);

/*
 * Drops `count` of the kernel's references. Frees the directory if none is left and it is
 * not open.
 */
void directories_forget(struct directories *dirs, uint64_t ino, uint64_t count);

/* Calls `fn` with each directory. `fn` must not add or remove directories. */
void directories_each(
	struct directories *dirs, void (*fn)(struct dir *dir, void *ctx), void *ctx);
