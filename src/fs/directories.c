/* SPDX-License-Identifier: MIT */
#include "directories.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/sha256.h"

static struct list *directories_bucket(struct directories *dirs, uint64_t ino)
{
	return &dirs->buckets[ino % DIRECTORIES_BUCKETS];
}

void directories_init(struct directories *dirs, enum zone zone)
{
	for (unsigned i = 0; i < DIRECTORIES_BUCKETS; i++)
		list_init(&dirs->buckets[i]);
	dirs->root = (struct dir){.ino = FS_ROOT_INO, .parent = FS_ROOT_INO};
	tree_root(&dirs->root.tree);
	dirs->root.tree.query.zone = zone;
	list_append(directories_bucket(dirs, FS_ROOT_INO), &dirs->root.link);
}

static void directories_drop(struct directories *dirs, struct dir *dir)
{
	list_remove(&dir->link);
	if (dir == &dirs->root)
		return;
	free(dir->name);
	free(dir);
}

void directories_done(struct directories *dirs)
{
	for (unsigned i = 0; i < DIRECTORIES_BUCKETS; i++) {
		list_for_each_safe (link, &dirs->buckets[i])
			directories_drop(dirs, list_entry(link, struct dir, link));
	}
}

struct dir *directories_find(struct directories *dirs, uint64_t ino)
{
	list_for_each (link, directories_bucket(dirs, ino)) {
		struct dir *dir = list_entry(link, struct dir, link);

		if (dir->ino == ino)
			return dir;
	}
	return NULL;
}

uint64_t directories_child_ino(uint64_t parent, const char *name)
{
	char text[16 + 1 + FILENAME_BYTES_MAX + 1];

	(void)snprintf(text, sizeof(text), "%016" PRIx64 "/%s", parent, name);

	uint64_t ino = sha256_u63("dir", text) & ~(1ull << 62);

	/* 0 means no inode, and 1 is the root. */
	return ino > FS_ROOT_INO ? ino : FS_ROOT_INO + 1;
}

struct dir *directories_learn(struct directories *dirs, const struct dir *parent,
	const char *name, const struct tree_dir *tree)
{
	uint64_t ino = directories_child_ino(parent->ino, name);
	struct dir *dir = directories_find(dirs, ino);

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
		list_append(directories_bucket(dirs, ino), &dir->link);
	}
	dir->lookups++;
	return dir;
}

int directories_path(struct directories *dirs, const struct dir *dir, struct buf *out)
{
	const struct dir *parent = directories_find(dirs, dir->parent);

	if (!parent)
		return -ENOENT;
	if (dir == &dirs->root)
		return buf_append_str(out, "");

	int err = directories_path(dirs, parent, out);

	if (err)
		return err;
	return buf_printf(out, "%s%s", out->len ? "/" : "", dir->name);
}

void directories_forget(struct directories *dirs, uint64_t ino, uint64_t count)
{
	struct dir *dir = directories_find(dirs, ino);

	if (!dir || dir == &dirs->root)
		return;
	dir->lookups -= MIN(count, dir->lookups);
	if (!dir->lookups && !dir->opens)
		directories_drop(dirs, dir);
}

void directories_each(
	struct directories *dirs, void (*fn)(struct dir *dir, void *ctx), void *ctx)
{
	for (unsigned i = 0; i < DIRECTORIES_BUCKETS; i++) {
		list_for_each (link, &dirs->buckets[i])
			fn(list_entry(link, struct dir, link), ctx);
	}
}
