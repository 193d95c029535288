/* SPDX-License-Identifier: MIT */
#include "fs/refresh.h"

#include <errno.h>
#include <linux/fuse.h>
#include <unistd.h>

#include "internal.h"

/* Refreshes a directory or the whole mount, by ioctl(2) or SIGHUP. */

/* FUSE_NOTIFY_INC_EPOCH, since version 7.44 of the protocol (Linux 6.16). */
enum { NOTIFY_INC_EPOCH = 8 };

/*
 * Makes the kernel look up all names again. Sent from the event loop, because the kernel
 * takes no locks for it.
 */
static void refresh_begin_epoch(const struct fs *fs)
{
	const struct fuse_out_header header = {
		.len = sizeof(header), .error = NOTIFY_INC_EPOCH};

	fs_send_header(fs, &header);
}

/*
 * For a kernel without epochs: makes it forget the names in the root, and with each of
 * them everything below. A process whose working directory is below has no path until the
 * name is looked up again.
 */
static void refresh_forget_root(const struct fs *fs)
{
	const struct tree_dir *root = &fs->directories.root.tree;
	const char *name;
	bool queued = true;

	for (size_t i = 0; (name = tree_name(root, i)); i++)
		queued = notifier_forget_name(fs->notifier, FS_ROOT_INO, name) && queued;
	if (!queued)
		log_error(fs->log, "out of memory: the kernel may show deleted jobs for "
				   "too long");
}

void fs_forget_names(const struct fs *fs)
{
	/* The names in the queue are among those that are forgotten. */
	notifier_drop_names(fs->notifier);
	if (fs->has_epochs)
		refresh_begin_epoch(fs);
	else
		refresh_forget_root(fs);
}

void fs_refresh(struct fs *fs)
{
	dir_forget_caches(fs);
	if (fs->ready)
		fs_forget_names(fs);
}

static int refresh_dir(struct fs *fs, struct dir *dir)
{
	if (dir->tree.kind == TREE_ROOT || dir->tree.kind == TREE_CONTROL) {
		sync_refresh(fs->sync);
		fs_refresh(fs);
		return 0;
	}

	int err = sync_refresh_query(fs->sync, &dir->tree.query);

	if (err)
		return err;
	dir->cached_id = 0;
	if (fs->has_epochs || !notifier_forget_name(fs->notifier, dir->parent, dir->name))
		fs_forget_names(fs);
	return 0;
}

/*
 * True if the caller may refresh. That causes requests to the API, so permission to read
 * is not enough.
 */
static bool refresh_is_allowed(const struct fs *fs, fuse_req_t req)
{
	uid_t uid = fuse_req_ctx(req)->uid;

	return uid == 0 || uid == geteuid() || uid == fs->config.uid;
}

void fs_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
	struct fuse_file_info *info, unsigned flags, const void *in, size_t in_size,
	size_t out_size)
{
	struct fs *fs = fuse_req_userdata(req);
	struct dir *dir = directories_find(&fs->directories, ino);

	(void)arg, (void)info, (void)flags, (void)in, (void)in_size, (void)out_size;
	if (!dir || cmd != FS_IOC_REFRESH) {
		fuse_reply_err(req, ENOTTY);
		return;
	}
	if (!refresh_is_allowed(fs, req)) {
		fuse_reply_err(req, EPERM);
		return;
	}

	int err = refresh_dir(fs, dir);

	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_ioctl(req, 0, NULL, 0);
}
