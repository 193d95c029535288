/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <string.h>

#include "job_file.h"
#include "jobs_csv.h"
#include "request.h"
#include "sync/job_delete.h"

/*
 * Refuses all that would change something, except UNLINK with allow_delete, which deletes
 * a job (SEMANTICS 5.3, 10.1). Handles UNLINK, OPEN and RELEASE.
 */

bool write_is_refused(const struct fs *fs, uint32_t opcode)
{
	switch (opcode) {
	case FUSE_UNLINK:
		return !fs->config.allow_delete;
	case FUSE_SETATTR:
	case FUSE_MKNOD:
	case FUSE_CREATE:
	case FUSE_MKDIR:
	case FUSE_RMDIR:
	case FUSE_SYMLINK:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_LINK:
	case FUSE_WRITE:
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
		return true;
	default:
		return false;
	}
}

static int write_handle_unlink(struct request *request)
{
	struct fs *fs = request->fs;
	const struct dir *dir = directories_find(&fs->directories, request->ino);
	const struct fuse_ctx *ctx = fuse_req_ctx(request->req);
	const struct delete_caller caller = {.uid = ctx->uid, .pid = ctx->pid};
	struct wait_queue *queue;
	struct tree_entry entry;
	struct job_file file;
	bool matches;

	/* The deletion that the request waited for is done. */
	if (request->fetched) {
		fuse_reply_err(request->req, 0);
		return 0;
	}

	int err = dir ? tree_resolve(&dir->tree, request->name, &entry) : -ESTALE;

	/* The files in .gladiafs/ and jobs.csv cannot be removed. */
	if (dir &&
		(dir->tree.kind == TREE_CONTROL || jobs_csv_is_name(dir, request->name)))
		err = -EROFS;
	if (!err && !entry.is_job)
		err = -EISDIR;
	/* Files in other formats are rendered from the job and disappear with it. */
	if (!err && entry.format != FORMAT_JSON)
		err = -EROFS;
	if (!err)
		err = job_file_find(fs, dir, &entry, &file);
	/* A symbolic link cannot be removed. */
	if (!err && !file.known)
		err = tree_is_by_name(&dir->tree) ? -EROFS : -ENOENT;
	if (!err)
		err = jobs_match(fs->catalog, &dir->tree.query, &file.job, &matches);
	/* The kernel may not know yet that the name is out of date. */
	if (!err && (file.job.deleted || !matches))
		err = -ENOENT;
	if (!err)
		err = job_delete_start(fs->sync, &file.job, &caller, &queue);
	if (err)
		return err;
	request->fetched = true;
	return request_park(request, queue);
}

void fs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	request_start(req, name,
		&(struct request){.handle = write_handle_unlink, .ino = parent});
}

/*
 * Replying ENOSYS makes the kernel send no more OPEN and keep its cached contents. But on
 * a writable mount we could then not refuse a writer that the kernel admits (root) before
 * it has changed those contents. So there we answer each OPEN.
 */
void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	const struct fs *fs = fuse_req_userdata(req);

	(void)ino;
	if ((info->flags & O_ACCMODE) != O_RDONLY || info->flags & O_TRUNC) {
		fuse_reply_err(req, EROFS);
	} else if (!fs->config.allow_delete) {
		fuse_reply_err(req, ENOSYS);
	} else {
		info->keep_cache = true;
		info->noflush = true;
		fuse_reply_open(req, info);
	}
}

/* Sent only on a writable mount. There is nothing to free. */
void fs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	(void)ino;
	(void)info;
	fuse_reply_err(req, 0);
}
