/* SPDX-License-Identifier: MIT */
#pragma once

#include <fuse_lowlevel.h>

#include "control.h"
#include "directories.h"
#include "fs/fs.h"
#include "notify.h"
#include "prefetch.h"
#include "recent_failures.h"
#include "render/render.h"
#include "rendition.h"
#include "sync/listing.h"

struct fuse_out_header;

/*
 * For ever, in seconds: a finished job's file and a directory do not change by
 * themselves, and what goes is told to the kernel (SPEC 7.3).
 */
#define FS_FOREVER (365.0 * 24 * 60 * 60)

struct fs {
	struct loop *loop;
	const struct log *log;
	struct catalog *catalog;
	struct sync *sync;
	struct fs_config config;
	struct fs_handlers handlers;
	void *ctx;
	int64_t made_ms;  /* wall time: what .gladiafs/ shows as its own */
	int64_t began_ms; /* monotonic: the same */

	struct fuse_session *session;
	struct fuse_buf message; /* libfuse's, kept from one to the next */
	bool mounted;
	bool heard_init;    /* what is written next is the answer to it */
	bool answered_init; /* it has been written */
	bool has_epochs;    /* the kernel can forget all names at once */
	bool ready;         /* and on_ready called */
	bool ending;        /* nothing waits any more */

	struct dirs dirs;
	struct list open_dirs;
	struct list parked; /* requests */
	struct failed failed;
	struct notifier *notifier;
	struct ahead ahead;
	struct renditions renditions;
	unsigned formats_told; /* of the names of which the kernel was told anything */
	struct control control;
	struct counts counts;
};

/* A job's file and a directory as stat(2) shows them. */
void attr_of_job(const struct fs *fs, const struct catalog_job *job, struct stat *ret);
void attr_of_dir(const struct fs *fs, struct dir *dir, struct stat *ret);

/* Has the kernel ask for a directory's attributes again if they have changed. */
void attr_changed(const struct fs *fs, const struct dir *dir);

/* The same of a job as another format, `size` bytes of it. */
void attr_of_rendition(const struct fs *fs, const struct catalog_job *job,
	enum format format, size_t size, struct stat *ret);

/* A file that holds a text of our own. */
void attr_of_text(const struct fs *fs, uint64_t ino, size_t size, int64_t time_ms,
	struct stat *ret);

/* How long the kernel may keep a job's name, in seconds. */
double attr_name_timeout(const struct fs *fs, const struct catalog_job *job);

/* A job's file as LOOKUP and READDIRPLUS tell of it. */
void attr_entry_of_job(const struct fs *fs, const struct catalog_job *job,
	struct fuse_entry_param *ret_entry);
void attr_entry_of_rendition(const struct fs *fs, const struct catalog_job *job,
	enum format format, size_t size, struct fuse_entry_param *ret_entry);

/* Wakes nobody: forgets what the kernel's caches of directories were filled from. */
void dir_forget_caches(struct fs *fs);

/* Closes the directories that are still open; the kernel must not ask any more. */
void dir_release_all(struct fs *fs);

/* True if the directory shows a listing, and its kind. The empty query has none. */
bool dir_listing_kind(const struct tree_dir *tree, enum listing_kind *ret_kind);

/* Calls fn with each directory that is open and shows a listing. */
void dir_each_listing(struct fs *fs,
	void (*fn)(void *ctx, const struct dir *dir, struct listing *listing), void *ctx);

/* An answer or a notification without a body. */
void fs_send_header(const struct fs *fs, const struct fuse_out_header *header);

/* The requests of the kernel, by file. */
void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);
void fs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count);
void fs_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void fs_statfs(fuse_req_t req, fuse_ino_t ino);
void fs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);
void fs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *info);
void fs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *info);
void fs_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);
void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);
void fs_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
	struct fuse_file_info *info, unsigned flags, const void *in, size_t in_size,
	size_t out_size);
void fs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);
void fs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int which,
	struct fuse_file_info *info);
void fs_mknod(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void fs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *info);
void fs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void fs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void fs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags);
void fs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name);
void fs_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
	struct fuse_file_info *info);
void fs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
	size_t size, int flags);
void fs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);
void fs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void fs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *info);
