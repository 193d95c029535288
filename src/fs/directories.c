/* SPDX-License-Identifier: MIT */
#include "directories.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"

static struct list *bucket(struct dirs *dirs, uint64_t ino)
{
	return &dirs->buckets[ino % DIRS_BUCKETS];
}

void dirs_init(struct dirs *dirs)
{
	for (unsigned i = 0; i < DIRS_BUCKETS; i++)
		list_init(&dirs->buckets[i]);
	dirs->root = (struct dir){.ino = DIRS_ROOT, .parent = DIRS_ROOT};
	tree_root(&dirs->root.tree);
	list_append(bucket(dirs, DIRS_ROOT), &dirs->root.link);
}

static void drop(struct dirs *dirs, struct dir *dir)
{
	list_remove(&dir->link);
	if (dir == &dirs->root)
		return;
	free(dir->name);
	free(dir);
}

void dirs_done(struct dirs *dirs)
{
	for (unsigned i = 0; i < DIRS_BUCKETS; i++) {
		list_for_each_safe (link, &dirs->buckets[i])
			drop(dirs, list_entry(link, struct dir, link));
	}
}

struct dir *dirs_find(struct dirs *dirs, uint64_t ino)
{
	list_for_each (link, bucket(dirs, ino)) {
		struct dir *dir = list_entry(link, struct dir, link);

		if (dir->ino == ino)
			return dir;
	}
	return NULL;
}

uint64_t dirs_child_ino(uint64_t parent, const char *name)
{
	char text[16 + 1 + NAME_BYTES_MAX + 1];

	(void)snprintf(text, sizeof(text), "%016" PRIx64 "/%s", parent, name);

	uint64_t ino = digest_u63("dir", text) & ~(1ull << 62);

	/* 0 means no inode, and 1 is the root. */
	return ino > DIRS_ROOT ? ino : DIRS_ROOT + 1;
}

struct dir *dirs_learn(struct dirs *dirs, const struct dir *parent, const char *name,
	const struct tree_dir *tree)
{
	uint64_t ino = dirs_child_ino(parent->ino, name);
	struct dir *dir = dirs_find(dirs, ino);

	if (!dir) {
		dir = calloc(1, sizeof(*dir));
		if (!dir)
			return NULL;
		dir->name = strdup(name);
		if (!dir->name) {
			free(dir);
			return NULL;
		}
		dir->ino = ino;
		dir->parent = parent->ino;
		dir->tree = *tree;
		list_append(bucket(dirs, ino), &dir->link);
	}
	dir->lookups++;
	return dir;
}

int dirs_path(struct dirs *dirs, const struct dir *dir, struct buf *out)
{
	const struct dir *parent = dirs_find(dirs, dir->parent);

	if (!parent)
		return -ENOENT;
	if (dir == &dirs->root)
		return buf_append_str(out, "");

	int err = dirs_path(dirs, parent, out);

	if (err)
		return err;
	return buf_printf(out, "%s%s", out->len ? "/" : "", dir->name);
}

void dirs_forget(struct dirs *dirs, uint64_t ino, uint64_t count)
{
	struct dir *dir = dirs_find(dirs, ino);

	if (!dir || dir == &dirs->root)
		return;
	dir->lookups -= count < dir->lookups ? count : dir->lookups;
	if (!dir->lookups && !dir->opens)
		drop(dirs, dir);
}

void dirs_each(struct dirs *dirs, void (*fn)(struct dir *dir, void *ctx), void *ctx)
{
	for (unsigned i = 0; i < DIRS_BUCKETS; i++) {
		list_for_each (link, &dirs->buckets[i])
			fn(list_entry(link, struct dir, link), ctx);
	}
}
