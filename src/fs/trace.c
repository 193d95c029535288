/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "internal.h"

enum { PATH_BYTES_MAX = 4096 };

/* A call of the kernel that has not been answered yet. */
struct trace_call {
	struct list link;
	uint64_t unique;
	uint32_t opcode;
	int64_t began_ms;
	char text[]; /* its name and path */
};

void trace_init(struct trace *trace)
{
	list_init(&trace->calls);
}

static void trace_drop(struct trace_call *call)
{
	list_remove(&call->link);
	free(call);
}

void trace_done(struct trace *trace)
{
	list_for_each_safe (link, &trace->calls)
		trace_drop(list_entry(link, struct trace_call, link));
}

/*
 * Appends the path of a directory, or the name of a job's file: a file is known by its
 * number, in whichever directory it was opened.
 */
static int trace_print_node(struct fs *fs, uint64_t node, struct buf *out)
{
	struct dir *dir = directories_find(&fs->directories, node);
	struct catalog_job job;

	if (node == FS_ROOT_INO)
		return buf_append_str(out, "/");
	if (dir)
		return directories_path(&fs->directories, dir, out);
	if (snapshot_is_node(node))
		return buf_append_str(out, "a control file or symbolic link");
	catalog_read_begin(fs->catalog);

	int err = jobs_by_node(fs->catalog, node & ~(uint64_t)JOB_FILES_MASK, &job);

	catalog_read_end(fs->catalog);
	if (err)
		return buf_printf(out, "node %" PRIu64, node);
	return buf_printf(out, "%s%s", job.job.id,
		rendition_is_number(node) ? " (rendered)" : ".json");
}

/* Appends the arguments of those calls that have some. */
static int trace_print_arguments(const struct fuse_in_header *in, struct buf *out)
{
	const void *body = in + 1;
	size_t len = in->len - sizeof(*in);

	switch (in->opcode) {
	case FUSE_LOOKUP:
	case FUSE_UNLINK:
		return len ? buf_printf(out, "%s%.*s",
				     out->data[out->len - 1] == '/' ? "" : "/",
				     (int)strnlen(body, len), (const char *)body)
			   : 0;
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS: {
		const struct fuse_read_in *read = body;

		return len < sizeof(*read)
			       ? 0
			       : buf_printf(out, " from %" PRIu64 ", %u bytes",
					 read->offset, read->size);
	}
	default:
		return 0;
	}
}

/* Prints the name, path and arguments of a call. */
static int trace_print(struct fs *fs, const struct fuse_in_header *in, struct buf *out)
{
	const char *name = stats_message_name(in->opcode);
	int err = name ? buf_append_str(out, name)
		       : buf_printf(out, "message %u", in->opcode);

	if (!err && in->nodeid)
		err = buf_append_str(out, " ");
	if (!err && in->nodeid)
		err = trace_print_node(fs, in->nodeid, out);
	return err ? err : trace_print_arguments(in, out);
}

void trace_begin(struct fs *fs, const struct fuse_in_header *in)
{
	CLEANUP(buf_done) struct buf text;
	struct trace_call *call;

	buf_init(&text, PATH_BYTES_MAX);
	if (trace_print(fs, in, &text))
		return; /* no memory: the call is not logged */
	for (char *c = text.data; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	if (in->opcode == FUSE_FORGET || in->opcode == FUSE_BATCH_FORGET ||
		in->opcode == FUSE_INTERRUPT) {
		log_debug(fs->log, "%s", text.data);
		return;
	}
	call = malloc(sizeof(*call) + text.len + 1);
	if (!call)
		return;
	call->unique = in->unique;
	call->opcode = in->opcode;
	call->began_ms = loop_now_ms(fs->loop);
	memcpy(call->text, text.data, text.len + 1);
	list_append(&fs->trace.calls, &call->link);
}

/* Returns the error of a reply, as the caller sees it; 0 if there is none. */
static int trace_error(
	const struct trace_call *call, const struct iovec *parts, int count)
{
	const struct fuse_out_header *out = parts->iov_base;

	/* A name that does not exist is an entry without a node, which may be cached. */
	if (!out->error && call->opcode == FUSE_LOOKUP && count > 1 &&
		parts[1].iov_len >= sizeof(struct fuse_entry_out) &&
		!((const struct fuse_entry_out *)parts[1].iov_base)->nodeid)
		return ENOENT;
	return -out->error;
}

void trace_end(struct fs *fs, const struct iovec *parts, int count)
{
	const struct fuse_out_header *out = parts->iov_base;

	if (!out->unique)
		return;
	list_for_each_safe (link, &fs->trace.calls) {
		struct trace_call *call = list_entry(link, struct trace_call, link);

		if (call->unique != out->unique)
			continue;

		int error = trace_error(call, parts, count);

		log_debug(fs->log, "%s: %s, %zu bytes, %" PRId64 " ms", call->text,
			error ? strerror(error) : "ok", out->len - sizeof(*out),
			loop_now_ms(fs->loop) - call->began_ms);
		trace_drop(call);
		return;
	}
}
