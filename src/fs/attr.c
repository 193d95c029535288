/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "gladia/timestamp.h"
#include "internal.h"

/*
 * Fills in the attributes of files and directories, and how long the kernel may cache
 * them (SEMANTICS 5).
 */

enum { BLOCK = 512, IO_SIZE = 128 * 1024 };

static struct timespec attr_to_timespec(int64_t ms)
{
	int64_t seconds = ms / 1000 - (ms % 1000 < 0);

	return (struct timespec){
		.tv_sec = seconds,
		.tv_nsec = (long)(ms - seconds * 1000) * 1000000,
	};
}

/*
 * Link counts. A job is in all/, usually in one directory of status/ and one of date/,
 * and in any number below metadata/. The count is the same for all jobs; it only has to
 * be more than 1, so that du(1) counts each job once. A directory has one link, as in
 * btrfs, which tells programs that its subdirectories are not counted.
 */
enum { DIR_LINKS = 1, JOB_LINKS = 3 };

/*
 * The mode of files. On a read-only mount the owner's write permission does no harm, and
 * copies that keep the mode can be changed and removed. With allow_delete the mount is
 * writable, and the kernel must refuse to open a file for writing by its mode.
 */
static mode_t attr_file_mode(const struct fs *fs)
{
	return S_IFREG | (fs->config.allow_delete ? 0444 : 0644);
}

static void attr_of(const struct fs *fs, mode_t mode, nlink_t links, uint64_t ino,
	int64_t time_ms, struct stat *ret)
{
	*ret = (struct stat){
		.st_ino = ino,
		.st_mode = mode & ~fs->config.umask,
		.st_nlink = links,
		.st_uid = fs->config.uid,
		.st_gid = fs->config.gid,
		.st_blksize = IO_SIZE,
	};
	ret->st_atim = ret->st_mtim = ret->st_ctim = attr_to_timespec(time_ms);
}

void attr_of_job(const struct fs *fs, const struct catalog_job *job, struct stat *ret)
{
	attr_of(fs, attr_file_mode(fs), JOB_LINKS, job->ino, job_mtime_ms(&job->job),
		ret);
	ret->st_size = job->size;
	ret->st_blocks = (job->size + BLOCK - 1) / BLOCK;
}

void attr_of_rendition(const struct fs *fs, const struct catalog_job *job,
	struct variant variant, size_t size, struct stat *ret)
{
	struct catalog_job shown = *job;

	shown.ino = rendition_number(job->ino, variant);
	shown.size = (int64_t)size;
	attr_of_job(fs, &shown, ret);
}

void attr_of_text(
	const struct fs *fs, uint64_t ino, size_t size, int64_t time_ms, struct stat *ret)
{
	attr_of(fs, attr_file_mode(fs), 1, ino, time_ms, ret);
	ret->st_size = (off_t)size;
	ret->st_blocks = ((off_t)size + BLOCK - 1) / BLOCK;
}

/*
 * Returns a directory's ctime: for .gladiafs/ the time of mounting, for a day the
 * beginning of that day. All others date from 1970, which is the same on every mount:
 * otherwise a backup would find them changed.
 */
static int64_t attr_dir_ctime_ms(const struct fs *fs, const struct dir *dir)
{
	const struct query *query = &dir->tree.query;
	const struct span *span = &query->spans[0];

	if (dir->tree.kind == TREE_CONTROL)
		return fs->made_ms;
	if (query->spans_len != 1 || span->to_ms > span->from_ms + 2 * (int64_t)DAY_MS)
		return 0;

	int64_t day = zone_day(query->zone, span->from_ms);

	return span->from_ms == zone_day_begin(query->zone, day) &&
			       span->to_ms == zone_day_begin(query->zone, day + 1)
		       ? span->from_ms
		       : 0;
}

/*
 * Returns a directory's mtime: the newest change that a complete listing has shown. If
 * there is no such listing, it is the ctime.
 */
static int64_t attr_dir_mtime_ms(const struct fs *fs, const struct dir *dir)
{
	int64_t newest_ms = JOB_NO_TIME;
	enum listing_kind kind;

	if (dir_listing_kind(&dir->tree, &kind))
		newest_ms = listing_newest_ms(fs->sync, kind, &dir->tree.query);
	return newest_ms != JOB_NO_TIME ? newest_ms : attr_dir_ctime_ms(fs, dir);
}

void attr_changed(const struct fs *fs, const struct dir *dir)
{
	if (!dir->opens && attr_dir_mtime_ms(fs, dir) != dir->mtime_ms &&
		!notifier_forget_attr(fs->notifier, dir->ino))
		fs_forget_names(fs);
}

void attr_of_dir(const struct fs *fs, struct dir *dir, struct stat *ret)
{
	/* tar(1) fails if the mtime or ctime of a directory changes while it reads. */
	if (!dir->opens)
		dir->mtime_ms = attr_dir_mtime_ms(fs, dir);

	/* Deleting a file requires write permission for its directory. */
	const mode_t mode = S_IFDIR | 0755;

	attr_of(fs, mode, DIR_LINKS, dir->ino, dir->mtime_ms, ret);
	ret->st_ctim = attr_to_timespec(attr_dir_ctime_ms(fs, dir));
}

/* Returns the number of seconds for which the kernel may cache a job's name. */
static double attr_name_timeout(const struct fs *fs, const struct catalog_job *job)
{
	if (job_finished(&job->job))
		return FS_FOREVER;

	int64_t age_ms = clock_wall_ms(loop_clock(fs->loop)) - job->seen_ms;

	if (age_ms < 0 || age_ms >= fs->config.ttl_ms)
		return 0;
	return (double)(fs->config.ttl_ms - age_ms) / 1000;
}

void attr_entry_of_job(const struct fs *fs, const struct catalog_job *job,
	struct fuse_entry_param *ret_entry)
{
	/* A node is one version of the file, so its attributes never change. */
	*ret_entry = (struct fuse_entry_param){
		.ino = job->node,
		.attr_timeout = FS_FOREVER,
		.entry_timeout = attr_name_timeout(fs, job),
	};
	attr_of_job(fs, job, &ret_entry->attr);
}

void attr_entry_of_rendition(const struct fs *fs, const struct catalog_job *job,
	struct variant variant, size_t size, struct fuse_entry_param *ret_entry)
{
	attr_entry_of_job(fs, job, ret_entry);
	ret_entry->ino = rendition_number(job->node, variant);
	attr_of_rendition(fs, job, variant, size, &ret_entry->attr);
}
