/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/array.h"
#include "base/recent_log.h"
#include "gladia/timestamp.h"
#include "request.h"

/* Marks the node of a snapshot: the nodes of jobs and directories have 63 bits. */
#define SNAPSHOT_BIT (UINT64_C(1) << 63)

struct control_snapshot {
	struct list link;
	uint64_t node;
	uint64_t ino;
	uint64_t lookups;
	int64_t changed_ms;
	struct buf text;
};

struct printing {
	struct buf *out;
	int error;
};

static void control_print_line(void *ctx, int64_t wall_ms, const char *text)
{
	struct printing *printing = ctx;
	char instant[TIMESTAMP_TEXT];

	timestamp_print(wall_ms, instant);
	if (!printing->error)
		printing->error = buf_printf(printing->out, "%s %s\n", instant, text);
}

static int control_print_errors(struct fs *fs, struct buf *out)
{
	struct printing printing = {.out = out};

	if (fs->log->recent)
		recent_log_each(fs->log->recent, control_print_line, &printing);
	return printing.error;
}

static void control_take_time(void *ctx, int64_t wall_ms, const char *text)
{
	int64_t *last_ms = ctx;

	(void)text;
	*last_ms = wall_ms;
}

static int64_t control_errors_changed(const struct request *request)
{
	int64_t last_ms = request->fs->made_ms;

	if (request->fs->log->recent)
		recent_log_each(request->fs->log->recent, control_take_time, &last_ms);
	return last_ms;
}

static int control_print_config(struct fs *fs, struct buf *out)
{
	return buf_append_str(out, fs->config.text);
}

static int64_t control_config_changed(const struct request *request)
{
	return request->fs->made_ms;
}

static int64_t control_stats_changed(const struct request *request)
{
	return request->arrived_wall_ms;
}

/*
 * The mtime of a file is the time of the text, not of the lookup: tar(1) and rsync(1)
 * report a changed file if the mtime differs between two lookups of the same text.
 */
static const struct control_file {
	const char *name;
	int (*print)(struct fs *fs, struct buf *out);
	int64_t (*changed_ms)(const struct request *request);
} files[] = {
	{"config", control_print_config, control_config_changed},
	{"errors", control_print_errors, control_errors_changed},
	{"stats", stats_print, control_stats_changed},
};

const char *control_file_name(size_t index)
{
	return index < ARRAY_SIZE(files) ? files[index].name : NULL;
}

void control_init(struct control *control)
{
	*control = (struct control){0};
	list_init(&control->snapshots);
}

static void control_drop(struct control *control, struct control_snapshot *snapshot)
{
	list_remove(&snapshot->link);
	control->len--;
	buf_done(&snapshot->text);
	free(snapshot);
}

void control_done(struct control *control)
{
	list_for_each_safe (link, &control->snapshots)
		control_drop(control, list_entry(link, struct control_snapshot, link));
}

bool control_is_node(uint64_t node)
{
	return node & SNAPSHOT_BIT;
}

static struct control_snapshot *control_find(const struct control *control, uint64_t node)
{
	list_for_each (link, &control->snapshots) {
		struct control_snapshot *snapshot = list_entry(
			link, struct control_snapshot, link);

		if (snapshot->node == node)
			return snapshot;
	}
	return NULL;
}

static int control_make(struct request *request, const struct control_file *file,
	struct control_snapshot **ret_snapshot)
{
	struct fs *fs = request->fs;
	struct control_snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot)
		return -ENOMEM;
	buf_init(&snapshot->text, CONTROL_TEXT_MAX);

	int err = file->print(fs, &snapshot->text);

	if (err) {
		buf_done(&snapshot->text);
		free(snapshot);
		return err;
	}
	snapshot->node = SNAPSHOT_BIT | ++fs->control.last;
	snapshot->ino = directories_child_ino(request->ino, file->name);
	snapshot->changed_ms = file->changed_ms(request);
	snapshot->lookups = 1;
	list_append(&fs->control.snapshots, &snapshot->link);
	if (++fs->control.len > CONTROL_SNAPSHOTS_MAX)
		control_drop(&fs->control, list_entry(fs->control.snapshots.next,
						   struct control_snapshot, link));
	*ret_snapshot = snapshot;
	return 0;
}

static const struct control_file *control_find_file(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(files[i].name, name) == 0)
			return &files[i];
	return NULL;
}

int control_lookup(struct request *request)
{
	const struct control_file *file = control_find_file(request->name);
	struct fuse_entry_param entry = {.entry_timeout = file ? 0 : FS_FOREVER};
	struct fs *fs = request->fs;
	struct control_snapshot *snapshot;
	int err = file ? control_make(request, file, &snapshot) : 0;

	if (err)
		return err;
	if (file) {
		entry.ino = snapshot->node;
		entry.attr_timeout = FS_FOREVER;
		attr_of_text(fs, snapshot->ino, snapshot->text.len, snapshot->changed_ms,
			&entry.attr);
	}
	/* If the kernel did not take the reply, it will send no FORGET. */
	if (fuse_reply_entry(request->req, &entry) == -ENOENT)
		control_forget(&fs->control, entry.ino, 1);
	return 0;
}

int control_getattr(struct request *request)
{
	const struct control_snapshot *snapshot = control_find(
		&request->fs->control, request->ino);
	struct stat attr;

	if (!snapshot)
		return -ESTALE;
	attr_of_text(request->fs, snapshot->ino, snapshot->text.len, snapshot->changed_ms,
		&attr);
	fuse_reply_attr(request->req, &attr, FS_FOREVER);
	return 0;
}

int control_read(struct request *request)
{
	const struct control_snapshot *snapshot = control_find(
		&request->fs->control, request->ino);

	return snapshot ? request_reply_part(request, &snapshot->text) : -ESTALE;
}

void control_forget(struct control *control, uint64_t node, uint64_t count)
{
	struct control_snapshot *snapshot = control_find(control, node);

	if (!snapshot)
		return;
	snapshot->lookups -= MIN(count, snapshot->lookups);
	if (!snapshot->lookups)
		control_drop(control, snapshot);
}
