/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/recent_log.h"
#include "gladia/timestamp.h"
#include "request.h"

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

static const struct control_file *control_find_file(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(files[i].name, name) == 0)
			return &files[i];
	return NULL;
}

int control_lookup(struct request *request)
{
	static const struct fuse_entry_param nothing = {.entry_timeout = FS_FOREVER};
	const struct control_file *file = control_find_file(request->name);
	struct buf text;

	if (!file) {
		fuse_reply_entry(request->req, &nothing);
		return 0;
	}
	buf_init(&text, CONTROL_TEXT_MAX);

	const struct snapshot_attr attr = {
		.ino = directories_child_ino(request->ino, file->name),
		.type = S_IFREG,
		.changed_ms = file->changed_ms(request),
	};
	int err = file->print(request->fs, &text);

	if (err) {
		buf_done(&text);
		return err;
	}
	/* The kernel does not cache the name, so the next lookup shows the state then. */
	return snapshot_reply(request, &attr, &text, 0);
}
