/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "request.h"
#include "sync/job_delete.h"

/*
 * Handles what would change something. On a read-only mount the kernel refuses all of it
 * by itself. With allow_delete the mount has to be writable, and we refuse every call
 * here except the removal of a job's file (SEMANTICS 5.3, 10.1).
 */

static int write_handle_unlink(struct request *request)
{
	struct fs *fs = request->fs;
	const struct dir *dir = directories_find(&fs->directories, request->ino);
	const struct fuse_ctx *ctx = fuse_req_ctx(request->req);
	const struct removal_caller caller = {.uid = ctx->uid, .pid = ctx->pid};
	struct wait_queue *queue;
	struct tree_entry entry;
	struct catalog_job job;
	bool matches;

	/* The deletion that the request waited for is done. */
	if (request->fetched) {
		fuse_reply_err(request->req, 0);
		return 0;
	}

	int err = dir ? tree_resolve(&dir->tree, request->name, &entry) : -ESTALE;

	/* The files in .gladiafs/ cannot be removed. */
	if (dir && dir->tree.kind == TREE_CONTROL)
		err = -EROFS;
	if (!err && !entry.is_job)
		err = -EISDIR;
	/* Files in other formats are rendered from the job and disappear with it. */
	if (!err && entry.format != FORMAT_JSON)
		err = -EROFS;
	if (!err)
		err = jobs_by_id(fs->catalog, entry.id, &job);
	if (!err)
		err = jobs_match(fs->catalog, &dir->tree.query, &job, &matches);
	/* The kernel may not know yet that the name is out of date. */
	if (!err && (job.deleted || !matches))
		err = -ENOENT;
	if (!err)
		err = job_delete_start(fs->sync, &job, &caller, &queue);
	if (err)
		return err;
	request->fetched = true;
	return request_park(request, queue);
}

void fs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct fs *fs = fuse_req_userdata(req);

	if (fs->config.allow_delete)
		request_start(req, name,
			&(struct request){.handle = write_handle_unlink, .ino = parent});
	else
		fuse_reply_err(req, EROFS);
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

void fs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int which,
	struct fuse_file_info *info)
{
	(void)ino;
	(void)attr;
	(void)which;
	(void)info;
	fuse_reply_err(req, EROFS);
}

void fs_mknod(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	(void)parent;
	(void)name;
	(void)mode;
	(void)device;
	fuse_reply_err(req, EROFS);
}

void fs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *info)
{
	(void)parent;
	(void)name;
	(void)mode;
	(void)info;
	fuse_reply_err(req, EROFS);
}

void fs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)parent;
	(void)name;
	(void)mode;
	fuse_reply_err(req, EROFS);
}

void fs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent;
	(void)name;
	fuse_reply_err(req, EROFS);
}

void fs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target;
	(void)parent;
	(void)name;
	fuse_reply_err(req, EROFS);
}

void fs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags)
{
	(void)parent;
	(void)name;
	(void)new_parent;
	(void)new_name;
	(void)flags;
	fuse_reply_err(req, EROFS);
}

void fs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
	(void)ino;
	(void)new_parent;
	(void)new_name;
	fuse_reply_err(req, EROFS);
}

void fs_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
	struct fuse_file_info *info)
{
	(void)ino;
	(void)data;
	(void)size;
	(void)offset;
	(void)info;
	fuse_reply_err(req, EROFS);
}

void fs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
	size_t size, int flags)
{
	(void)ino;
	(void)name;
	(void)value;
	(void)size;
	(void)flags;
	fuse_reply_err(req, EROFS);
}

void fs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	(void)ino;
	(void)name;
	fuse_reply_err(req, EROFS);
}
