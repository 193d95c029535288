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
#include "snapshot.h"
#include "stats.h"
#include "sync/listing.h"
#include "trace.h"

struct fuse_out_header;

/*
 * A timeout for the kernel's caches, in seconds, that means "for ever". A finished job's
 * file and a directory do not change by themselves, and when one is deleted we notify the
 * kernel (SEMANTICS 7.3).
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
	int64_t made_ms;  /* wall time of creation, shown as mtime in .gladiafs/ */
	int64_t began_ms; /* monotonic time of creation */

	struct fuse_session *session;
	struct fuse_buf message; /* libfuse's buffer for a message, reused */
	bool mounted;
	bool init_received; /* INIT has been received; the next write is its reply */
	bool answered_init; /* the reply to INIT has been written */
	bool has_epochs;    /* the kernel can invalidate all names at once */
	bool ready;         /* on_ready() has been called */
	bool shutting_down; /* fs_free() has begun; new requests fail */

	struct directories directories;
	struct list open_dirs;
	struct list parked; /* requests that wait (struct request) */
	struct recent_failures recent_failures;
	struct notifier *notifier;
	struct prefetch prefetch;
	struct renditions renditions;
	unsigned formats_reported; /* formats in which a name was looked up, one bit each
				    */
	struct snapshots snapshots;
	struct counts counts;
	struct trace trace; /* used only with -d */
};

/* Handlers by which sync reports changes of the catalog; their context is the fs. */
extern const struct sync_handlers changes_handlers;

/* Fills in what stat(2) shows for a job's JSON file. */
void attr_of_job(const struct fs *fs, const struct catalog_job *job, struct stat *ret);

/*
 * Fills in what stat(2) shows for a directory, and records the mtime in `dir`. As long as
 * the directory is open, the mtime stays.
 */
void attr_of_dir(const struct fs *fs, struct dir *dir, struct stat *ret);

/*
 * Invalidates the kernel's attributes of a directory if its mtime has changed and it is
 * not open.
 */
void attr_changed(const struct fs *fs, const struct dir *dir);

/* Fills in what stat(2) shows for a job's file other than JSON, `size` bytes long. */
void attr_of_rendition(const struct fs *fs, const struct catalog_job *job,
	struct variant variant, size_t size, struct stat *ret);

/* Fills in what stat(2) shows for a file in .gladiafs/, `size` bytes long. */
void attr_of_text(const struct fs *fs, uint64_t ino, size_t size, int64_t time_ms,
	struct stat *ret);

/* Fills in the reply to LOOKUP for a job's JSON file, or its entry for READDIRPLUS. */
void attr_entry_of_job(const struct fs *fs, const struct catalog_job *job,
	struct fuse_entry_param *ret_entry);

/* Fills in the reply to LOOKUP for a job's file other than JSON, `size` bytes long. */
void attr_entry_of_rendition(const struct fs *fs, const struct catalog_job *job,
	struct variant variant, size_t size, struct fuse_entry_param *ret_entry);

/*
 * Makes the kernel look up all names again. Removes the names in the notifier's queue,
 * which it forgets as well.
 */
void fs_forget_names(const struct fs *fs);

/*
 * Forgets which listings filled the kernel's caches of names, so that the next OPENDIR of
 * each directory empties its cache. Sends nothing to the kernel.
 */
void dir_forget_caches(struct fs *fs);

/*
 * Closes the directories that are still open. The kernel must not send requests any more.
 */
void dir_release_all(struct fs *fs);

/*
 * Returns true and the kind of listing if the directory shows one. A directory whose
 * query matches nothing has no listing.
 */
bool dir_listing_kind(const struct tree_dir *tree, enum listing_kind *ret_kind);

/* Calls `fn` for each open handle of a directory that shows a listing. */
void dir_each_listing(struct fs *fs,
	void (*fn)(void *ctx, const struct dir *dir, struct listing *listing), void *ctx);

/*
 * Reads as many of `size` bytes of a job's JSON text, from `offset` on, as there are,
 * possibly none. The caller frees `ret_data`. Returns 0, -ENODATA if the text has to be
 * fetched, -ESTALE if the job has changed, or another negative errno.
 */
int file_read_text(const struct fs *fs, const struct catalog_job *job, uint64_t offset,
	size_t size, char **ret_data, size_t *ret_len);

/*
 * True if a message with this opcode would write and must be refused with EROFS. The
 * kernel refuses all of these by itself if the mount is read-only.
 */
bool write_is_refused(const struct fs *fs, uint32_t opcode);

/* Sends the kernel a reply or notification that consists of its header. */
void fs_send_header(const struct fs *fs, const struct fuse_out_header *header);

/* Handlers of the kernel's messages, registered in session.c. */
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
void fs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void fs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void fs_readlink(fuse_req_t req, fuse_ino_t ino);
void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *info);
