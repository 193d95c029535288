/* SPDX-License-Identifier: MIT */
#include "alias.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "gladia/relative_time.h"
#include "request.h"
#include "snapshot.h"

/* Returns the filter by time whose values the names in a directory are, or -ENOENT. */
static int alias_filter(const struct dir *dir, enum query_filter *ret_filter)
{
	switch (dir->tree.kind) {
	case TREE_DATE:
		*ret_filter = QUERY_DATE;
		return 0;
	case TREE_AFTER:
		*ret_filter = QUERY_AFTER;
		return 0;
	case TREE_BEFORE:
		*ret_filter = QUERY_BEFORE;
		return 0;
	default:
		return -ENOENT;
	}
}

int alias_lookup(struct request *request, const struct dir *dir)
{
	const double timeout = 1;
	enum query_filter filter = QUERY_DATE;
	char target[FILENAME_BYTES_MAX + 1];
	struct tree_entry entry;
	struct buf text;
	int err = alias_filter(dir, &filter);

	if (!err)
		err = relative_time_print(dir->tree.query.zone, filter, request->name,
			request->arrived_wall_ms, target);
	if (!err)
		err = tree_resolve(&dir->tree, target, &entry);
	if (err)
		return err;
	buf_init(&text, sizeof(target));
	err = buf_append_str(&text, target);
	if (err) {
		buf_done(&text);
		return err;
	}

	const struct snapshot_attr attr = {
		.ino = directories_child_ino(dir->ino, request->name),
		.type = S_IFLNK,
		.changed_ms = request->arrived_wall_ms,
	};

	return snapshot_reply(request, &attr, &text, timeout);
}
