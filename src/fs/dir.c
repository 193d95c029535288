/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/cleanup.h"
#include "gladia/timestamp.h"
#include "request.h"
#include "slots.h"
#include "sync/listing.h"

/* Handles OPENDIR, READDIR, READDIRPLUS and RELEASEDIR. */

/*
 * An open directory. Its entries have positions: 0 is ".", 1 is "..", then follow the
 * fixed names, or the members of a listing to which we hold a reference until RELEASEDIR.
 * Each member has one position for each file that a job can have (struct slots), even if
 * the job lacks some of them. The cookie of an entry is the position after it, so it
 * keeps its meaning as long as the directory is open (SEMANTICS 6.4).
 */
struct open_dir {
	struct list link; /* in fs->open_dirs */
	struct dir *dir;
	struct listing *listing; /* NULL if it has fixed names or is empty */
	bool cached;             /* the kernel caches the names it reads */
	struct slots slots;      /* positions per member */
};

/*
 * Number of positions before the first name; size of the longest READDIR reply, for the
 * kernel asks for up to 1 MiB.
 */
enum { DOTS = 2, REPLY_MAX = 1 << 20 };

/* The cached_id of a directory with fixed names. */
enum { FIXED_ID = UINT32_MAX };

static size_t dir_member_at(const struct open_dir *open, uint64_t position)
{
	return (position - DOTS) / open->slots.len;
}

/*
 * Directories of jobs have positions for each listed format; all others have one per
 * member.
 */
static void dir_choose_formats(const struct fs *fs, struct open_dir *open)
{
	bool jobs = tree_shows(&open->dir->tree) == TREE_SHOWS_JOBS;

	slots_init(&open->slots, jobs ? tree_formats(&open->dir->tree, fs->config.formats)
				      : 1u << FORMAT_JSON);
}

bool dir_listing_kind(const struct tree_dir *tree, enum listing_kind *ret_kind)
{
	static const enum listing_kind kinds[] = {
		[TREE_SHOWS_DAYS] = LISTING_DAYS,
		[TREE_SHOWS_KEYS] = LISTING_KEYS,
		[TREE_SHOWS_VALUES] = LISTING_VALUES,
		[TREE_SHOWS_JOBS] = LISTING_JOBS,
	};
	enum tree_shows shows = tree_shows(tree);

	if (shows == TREE_SHOWS_NAMES || query_is_empty(&tree->query))
		return false;
	*ret_kind = kinds[shows];
	return true;
}

static int dir_take_listing(struct fs *fs, struct open_dir *open)
{
	const struct tree_dir *tree = &open->dir->tree;
	enum listing_kind kind;

	dir_choose_formats(fs, open);

	if (!dir_listing_kind(tree, &kind))
		return 0;
	return listing_get(fs->sync, kind, &tree->query, &open->listing);
}

/*
 * The kernel has one cache of names per directory, however often the directory is open.
 * It may be filled from one listing only, or the names of two listings would mix: an open
 * that gets another listing while the cache is in use does not use the cache. A later
 * open may keep the cache only once we know that the kernel has emptied it for the first
 * one.
 */
static void dir_decide_caching(struct open_dir *open, struct fuse_file_info *info)
{
	struct dir *dir = open->dir;
	uint64_t id = open->listing ? listing_id(open->listing) : FIXED_ID;

	if (dir->cached_opens && dir->cached_id != id)
		return;
	if (dir->cached_id != id)
		dir->cache_begun = false;
	info->cache_readdir = true;
	info->keep_cache = dir->cache_begun;
	dir->cached_id = id;
	dir->cached_opens++;
	open->cached = true;
}

/*
 * The kernel applies the OPENDIR reply before it sends READDIR or RELEASEDIR, so from
 * here on its cache of names may be kept.
 */
static void dir_note_opened(struct open_dir *open)
{
	struct dir *dir = open->dir;

	if (open->cached)
		dir->cache_begun = dir->cached_id != 0;
}

static void dir_release(struct fs *fs, struct open_dir *open)
{
	if (open->listing)
		listing_put(open->listing);
	open->dir->opens--;
	if (open->cached)
		open->dir->cached_opens--;
	dir_note_opened(open);
	directories_forget(&fs->directories, open->dir->ino, 0);
	list_remove(&open->link);
	free(open);
}

void fs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct fs *fs = fuse_req_userdata(req);
	struct dir *dir = directories_find(&fs->directories, ino);
	struct open_dir *open = dir ? calloc(1, sizeof(*open)) : NULL;
	int err = dir ? -ENOMEM : -ESTALE;

	if (open) {
		open->dir = dir;
		err = dir_take_listing(fs, open);
	}
	if (err) {
		free(open);
		fuse_reply_err(req, -err);
		return;
	}
	dir->opens++;
	list_append(&fs->open_dirs, &open->link);
	if (open->listing && tree_shows(&dir->tree) == TREE_SHOWS_JOBS)
		prefetch_opened(&fs->prefetch, dir->ino, open->listing);
	dir_decide_caching(open, info);
	info->fh = (uint64_t)(uintptr_t)open;
	/* If the kernel did not take the reply, it will send no RELEASEDIR. */
	if (fuse_reply_open(req, info) == -ENOENT) {
		dir->cached_id = 0;
		dir_release(fs, open);
	}
}

void fs_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct fs *fs = fuse_req_userdata(req);

	dir_release(fs, (struct open_dir *)(uintptr_t)info->fh);

	const struct dir *dir = directories_find(&fs->directories, ino);

	/* The mtime did not change while the directory was open (attr_of_dir()). */
	if (dir && !fs->shutting_down)
		attr_changed(fs, dir);
	fuse_reply_err(req, 0);
}

void dir_release_all(struct fs *fs)
{
	while (!list_empty(&fs->open_dirs))
		dir_release(fs, list_entry(fs->open_dirs.next, struct open_dir, link));
}

void dir_each_listing(struct fs *fs,
	void (*fn)(void *ctx, const struct dir *dir, struct listing *listing), void *ctx)
{
	list_for_each (link, &fs->open_dirs) {
		struct open_dir *open = list_entry(link, struct open_dir, link);

		if (open->listing)
			fn(ctx, open->dir, open->listing);
	}
}

static void dir_forget_cache(struct dir *dir, void *ctx)
{
	(void)ctx;
	dir->cached_id = 0;
}

void dir_forget_caches(struct fs *fs)
{
	directories_each(&fs->directories, dir_forget_cache, NULL);
}

/* A directory entry in the form in which the kernel gets it. */
struct entry {
	char name[FILENAME_BYTES_MAX + 1];
	struct fuse_entry_param param;
};

/* Fills in only type and inode number: the kernel must look the name up to learn more. */
static void dir_set_bare(struct entry *entry, mode_t type, uint64_t ino)
{
	entry->param = (struct fuse_entry_param){
		.attr = {.st_ino = ino, .st_mode = type},
	};
}

/*
 * Fills in the entry of a job's file. Only the name is given in formats other than JSON,
 * so that a listing renders nothing. Returns 0, -ENOENT if the job has no such file, or
 * another negative errno.
 */
static int dir_job_entry(const struct request *request, const struct open_dir *open,
	struct variant variant, struct slots_job *job, struct entry *ret_entry)
{
	const struct fs *fs = request->fs;
	bool matches = false;
	int err = slots_print_name(fs, &open->dir->tree, job, variant, ret_entry->name);

	if (!err && request->plus && variant.format == FORMAT_JSON)
		err = jobs_match(
			fs->catalog, &open->dir->tree.query, &job->job, &matches);
	if (err)
		return err;
	if (matches && job->job.size >= 0 &&
		sync_is_fresh(fs->sync, &job->job, request->arrived_wall_ms))
		attr_entry_of_job(fs, &job->job, &ret_entry->param);
	else
		dir_set_bare(ret_entry, S_IFREG, rendition_number(job->job.ino, variant));
	return 0;
}

static int dir_fixed_entry(
	const struct open_dir *open, uint64_t position, struct entry *ret_entry)
{
	const char *name = tree_shows(&open->dir->tree) == TREE_SHOWS_NAMES
				   ? tree_name(&open->dir->tree, position - DOTS)
				   : NULL;

	if (!name)
		return -ENODATA;
	strcpy(ret_entry->name, name);
	dir_set_bare(ret_entry, open->dir->tree.kind == TREE_CONTROL ? S_IFREG : S_IFDIR,
		directories_child_ino(open->dir->ino, name));
	return 0;
}

/*
 * Fills in the entry at a position. Returns 0, -ENOENT if this position has no entry,
 * -ENODATA if none is known from here on, or another negative errno.
 */
static int dir_entry_at(const struct request *request, const struct open_dir *open,
	uint64_t position, struct slots_job *job, struct entry *ret_entry)
{
	if (position < DOTS) {
		strcpy(ret_entry->name, position ? ".." : ".");
		dir_set_bare(ret_entry, S_IFDIR,
			position ? open->dir->parent : open->dir->ino);
		return 0;
	}
	if (!open->listing)
		return dir_fixed_entry(open, position, ret_entry);

	size_t at = dir_member_at(open, position);

	if (at >= listing_len(open->listing))
		return -ENODATA;

	int64_t member = listing_member(open->listing, at);
	enum tree_shows shows = tree_shows(&open->dir->tree);

	if (shows == TREE_SHOWS_JOBS) {
		unsigned slot = (unsigned)((position - DOTS) % open->slots.len);
		int err = slots_read_job(
			request->fs, &open->dir->tree, &open->slots, member, job);

		return err ? err
			   : dir_job_entry(request, open,
				     slots_variant(&open->slots, slot), job, ret_entry);
	}
	if (shows == TREE_SHOWS_DAYS)
		day_print(member - LISTING_DAY_BASE, ret_entry->name);
	else
		strcpy(ret_entry->name, listing_name(open->listing, at));
	dir_set_bare(ret_entry, S_IFDIR,
		directories_child_ino(open->dir->ino, ret_entry->name));
	return 0;
}

/*
 * Adds an entry to `buf`. Returns the space that it needs; if that exceeds `room`,
 * nothing was added.
 */
static size_t dir_add_entry(const struct request *request, const struct entry *entry,
	uint64_t cookie, char *buf, size_t room)
{
	if (request->plus)
		return fuse_add_direntry_plus(request->req, buf, room, entry->name,
			&entry->param, (off_t)cookie);
	return fuse_add_direntry(
		request->req, buf, room, entry->name, &entry->param.attr, (off_t)cookie);
}

/*
 * Fills in the first entry at or after `position`, and moves `position` to it. Positions
 * are empty if the catalog has dropped the job. Returns 0, -ENODATA if no more entries
 * are known, or another negative errno.
 */
static int dir_next_entry(const struct request *request, const struct open_dir *open,
	uint64_t *position, struct slots_job *job, struct entry *ret_entry)
{
	int err;

	while ((err = dir_entry_at(request, open, *position, job, ret_entry)) == -ENOENT)
		++*position;
	return err;
}

/*
 * Adds as many entries to `buf` as are known and fit. Returns 0 if at least one was
 * added. Otherwise returns why the first one could not be added, and moves the request's
 * position to it.
 */
static int dir_fill(
	struct request *request, const struct open_dir *open, char *buf, size_t *ret_len)
{
	uint64_t position = request->offset;
	size_t len = 0;
	struct slots_job job = {0};
	struct entry entry;
	int err;

	while (!(err = dir_next_entry(request, open, &position, &job, &entry))) {
		size_t room = request->size - len;
		size_t size = dir_add_entry(
			request, &entry, position + 1, buf + len, room);

		if (size > room) {
			/* getdents(2) fails like this if not even one entry fits. */
			err = -EINVAL;
			break;
		}
		len += size;
		position++;
	}
	if (!len)
		request->offset = position;
	*ret_len = len;
	return len ? 0 : err;
}

/*
 * Makes sure the member at the request's position is there. What follows it is not
 * fetched before a reader asks for it (SEMANTICS 6.2).
 *
 * Returns 0, -ENODATA if the listing ends before this position, -EAGAIN if the member is
 * being fetched, or another negative errno.
 */
static int dir_want(const struct request *request, struct open_dir *open)
{
	if (!open->listing || request->offset < DOTS)
		return 0;

	int err = listing_want(open->listing, dir_member_at(open, request->offset));

	return err == -ENOENT ? -ENODATA : err;
}

static int dir_want_and_fill(
	struct request *request, struct open_dir *open, char *buf, size_t *ret_len)
{
	int err = dir_want(request, open);

	while (!err) {
		err = dir_fill(request, open, buf, ret_len);
		if (err != -ENODATA || !open->listing)
			break;
		/* All fetched jobs from here on were dropped: does the listing go on? */
		err = dir_want(request, open);
	}
	return err;
}

static int dir_handle_readdir(struct request *request)
{
	struct open_dir *open = request->open;
	CLEANUP_FREE char *buf = malloc(request->size + !request->size);
	size_t len = 0;
	int err = -ENOMEM;

	if (buf) {
		catalog_read_begin(request->fs->catalog);
		err = dir_want_and_fill(request, open, buf, &len);
		catalog_read_end(request->fs->catalog);
	}
	if (err == -EAGAIN)
		return request_park(request, listing_queue(open->listing));
	if (err && err != -ENODATA)
		return err;
	fuse_reply_buf(request->req, buf, len);
	return 0;
}

static void dir_start_readdir(fuse_req_t req, size_t size, off_t offset,
	const struct fuse_file_info *info, bool plus)
{
	struct open_dir *open = (struct open_dir *)(uintptr_t)info->fh;
	const struct tree_dir *tree = &open->dir->tree;
	bool selects = *tree->query.metadata || tree_shows(tree) == TREE_SHOWS_KEYS;

	dir_note_opened(open);
	request_start(req, "",
		&(struct request){
			.handle = dir_handle_readdir,
			.size = MIN(size, REPLY_MAX),
			.offset = (uint64_t)offset,
			.open = open,
			.plus = plus,
			.timeout_message = selects ? request_late_metadata : NULL,
		});
}

void fs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *info)
{
	(void)ino;
	dir_start_readdir(req, size, offset, info, false);
}

void fs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *info)
{
	(void)ino;
	dir_start_readdir(req, size, offset, info, true);
}
