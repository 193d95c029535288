/* SPDX-License-Identifier: MIT */
#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/param.h>
#include <sys/stat.h>

#include "request.h"

/* Marks the node of a snapshot: the nodes of jobs and directories have 63 bits. */
#define SNAPSHOT_BIT (UINT64_C(1) << 63)

struct snapshot {
	struct list link;
	uint64_t node;
	uint64_t lookups;
	struct snapshot_attr attr;
	struct buf text;
};

void snapshots_init(struct snapshots *snapshots)
{
	*snapshots = (struct snapshots){0};
	list_init(&snapshots->list);
}

static void snapshot_drop(struct snapshots *snapshots, struct snapshot *snapshot)
{
	list_remove(&snapshot->link);
	snapshots->len--;
	snapshots->bytes -= snapshot->text.cap;
	buf_done(&snapshot->text);
	free(snapshot);
}

void snapshots_done(struct snapshots *snapshots)
{
	list_for_each_safe (link, &snapshots->list)
		snapshot_drop(snapshots, list_entry(link, struct snapshot, link));
}

bool snapshot_is_node(uint64_t node)
{
	return node & SNAPSHOT_BIT;
}

static struct snapshot *snapshot_find(const struct snapshots *snapshots, uint64_t node)
{
	list_for_each (link, &snapshots->list) {
		struct snapshot *snapshot = list_entry(link, struct snapshot, link);

		if (snapshot->node == node)
			return snapshot;
	}
	return NULL;
}

static void snapshot_fill_attr(
	const struct fs *fs, const struct snapshot *snapshot, struct stat *ret)
{
	const struct snapshot_attr *attr = &snapshot->attr;

	attr_of_text(fs, attr->ino, snapshot->text.len, attr->changed_ms, ret);
	/* lstat(2) shows the same mode for every symbolic link. */
	if (S_ISLNK(attr->type))
		ret->st_mode = S_IFLNK | 0777;
}

static void snapshot_keep(struct snapshots *snapshots, struct snapshot *snapshot)
{
	list_append(&snapshots->list, &snapshot->link);
	snapshots->len++;
	snapshots->bytes += snapshot->text.cap;
	while (snapshots->len > 1 && (snapshots->len > SNAPSHOTS_MAX ||
					     snapshots->bytes > SNAPSHOTS_BYTES_MAX))
		snapshot_drop(snapshots,
			list_entry(snapshots->list.next, struct snapshot, link));
}

int snapshot_reply(struct request *request, const struct snapshot_attr *attr,
	struct buf *text, double timeout)
{
	struct snapshots *snapshots = &request->fs->snapshots;
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	struct fuse_entry_param entry = {
		.attr_timeout = FS_FOREVER, .entry_timeout = timeout};

	if (!snapshot) {
		buf_done(text);
		return -ENOMEM;
	}
	snapshot->node = SNAPSHOT_BIT | ++snapshots->last;
	snapshot->lookups = 1;
	snapshot->attr = *attr;
	snapshot->text = *text;
	snapshot_keep(snapshots, snapshot);
	entry.ino = snapshot->node;
	snapshot_fill_attr(request->fs, snapshot, &entry.attr);
	/* If the kernel did not take the reply, it will send no FORGET. */
	if (fuse_reply_entry(request->req, &entry) == -ENOENT)
		snapshot_forget(snapshots, entry.ino, 1);
	return 0;
}

int snapshot_getattr(struct request *request)
{
	const struct snapshot *snapshot = snapshot_find(
		&request->fs->snapshots, request->ino);
	struct stat attr;

	if (!snapshot)
		return -ESTALE;
	snapshot_fill_attr(request->fs, snapshot, &attr);
	fuse_reply_attr(request->req, &attr, FS_FOREVER);
	return 0;
}

int snapshot_read(struct request *request)
{
	const struct snapshot *snapshot = snapshot_find(
		&request->fs->snapshots, request->ino);

	return snapshot ? request_reply_part(request, &snapshot->text) : -ESTALE;
}

int snapshot_readlink(struct request *request)
{
	const struct snapshot *snapshot = snapshot_find(
		&request->fs->snapshots, request->ino);

	if (!snapshot)
		return -ESTALE;
	if (!S_ISLNK(snapshot->attr.type))
		return -EINVAL;
	fuse_reply_readlink(request->req, snapshot->text.data);
	return 0;
}

void snapshot_forget(struct snapshots *snapshots, uint64_t node, uint64_t count)
{
	struct snapshot *snapshot = snapshot_find(snapshots, node);

	if (!snapshot)
		return;
	snapshot->lookups -= MIN(count, snapshot->lookups);
	if (!snapshot->lookups)
		snapshot_drop(snapshots, snapshot);
}
