/* SPDX-License-Identifier: MIT */
#include "view.h"

#include <errno.h>
#include <sys/param.h>
#include <sys/stat.h>

/* Replies with a symbolic link, which is as old as the listing that it was found in. */
static int view_reply_link(
	struct request *request, const char *target, const struct catalog_job *job)
{
	const struct snapshot_attr attr = {
		.ino = directories_child_ino(request->ino, request->name),
		.type = S_IFLNK,
		.changed_ms = job_mtime_ms(&job->job),
	};
	int64_t left_ms = request->fs->config.ttl_ms - listing_age_ms(request->listing);
	struct buf text;

	buf_init(&text, FILENAME_BYTES_MAX + 1);

	int err = buf_append_str(&text, target);

	if (err) {
		buf_done(&text);
		return err;
	}
	return snapshot_reply(request, &attr, &text, (double)MAX(left_ms, 0) / 1000);
}

static int view_reply_nothing(struct request *request)
{
	/* A new job may have this name at any time. */
	static const struct fuse_entry_param nothing = {.entry_timeout = 0};

	fuse_reply_entry(request->req, &nothing);
	return 0;
}

/* Takes a reference to the directory's listing and keeps it until the request ends. */
static int view_hold_listing(struct request *request, const struct dir *dir)
{
	int err = request->listing ? 0 : request_failed_before(request);

	if (err || request->listing)
		return err;
	return listing_get(
		request->fs->sync, LISTING_JOBS, &dir->tree.query, &request->listing);
}

int view_lookup(struct request *request, const struct dir *dir,
	const struct tree_entry *entry, struct job_file *file)
{
	const struct fs *fs = request->fs;
	char target[FILENAME_BYTES_MAX + 1];
	struct catalog_job job;
	int err = view_hold_listing(request, dir);

	while (!err) {
		struct listing *listing = request->listing;

		err = job_file_find(fs, dir, entry, file);
		if (err || file->known)
			return err;
		err = job_file_find_newest(fs, dir, entry, listing, target, &job);
		if (!err)
			return view_reply_link(request, target, &job);
		if (err == -EAGAIN || err == -ENOENT)
			err = listing_want(listing, listing_len(listing));
	}
	if (err == -EAGAIN)
		return request_park(request, listing_queue(request->listing));
	return err == -ENOENT ? view_reply_nothing(request) : err;
}
