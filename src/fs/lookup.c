/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/param.h>
#include <sys/statvfs.h>

#include "alias.h"
#include "control.h"
#include "jobs_csv.h"
#include "request.h"
#include "sync/job_fetch.h"
#include "sync/listing.h"
#include "view.h"

/* Handles LOOKUP, GETATTR, FORGET, BATCH_FORGET and STATFS. */

/*
 * The kernel may cache the name of a key or value for at least this long. Otherwise `ls
 * -l` with ttl=0 would read the whole account twice for each name it shows.
 */
enum { LISTED_MIN_MS = 1000 };

/*
 * Replies with a directory. The kernel may cache its name for `timeout` seconds. Returns
 * 0 or -ENOMEM.
 */
static int lookup_reply_dir(struct request *request, struct dir *parent,
	const struct tree_dir *tree, double timeout)
{
	struct fs *fs = request->fs;
	struct dir *dir = directories_learn(
		&fs->directories, parent, request->name, tree);

	if (!dir)
		return -ENOMEM;

	struct fuse_entry_param entry = {
		.ino = dir->ino,
		.attr_timeout = FS_FOREVER,
		.entry_timeout = timeout,
	};

	attr_of_dir(fs, dir, &entry.attr);
	/* If the kernel did not take the reply, it will send no FORGET. */
	if (fuse_reply_entry(request->req, &entry) == -ENOENT)
		directories_forget(&fs->directories, entry.ino, 1);
	return 0;
}

/*
 * Replies that there is no such name. The kernel may cache that for `timeout` seconds.
 * Returns 0.
 */
static int lookup_reply_nothing(struct request *request, double timeout)
{
	const struct fuse_entry_param nothing = {.entry_timeout = timeout};

	fuse_reply_entry(request->req, &nothing);
	return 0;
}

/*
 * Finds which of a job's files in a format has been looked up. Returns 0, -ENODATA if the
 * job has to be fetched first, -ENOENT if it has no such translation, or -EIO.
 */
static int lookup_find_translation(
	struct fs *fs, const struct job_file *file, unsigned *ret_translation)
{
	struct job_facts facts;

	if (!*file->language) {
		*ret_translation = 0;
		return 0;
	}

	int err = jobs_facts(fs->catalog, file->job.row, &facts);

	if (err)
		return err;
	if (!file->job.has_facts)
		return -ENODATA;
	*ret_translation = job_file_translation(&facts, file->language);
	return *ret_translation ? 0 : -ENOENT;
}

/*
 * Replies with a job's file other than JSON, or parks the request until the job's text is
 * fetched.
 */
static int lookup_reply_rendition(
	struct request *request, const struct job_file *file, enum format format)
{
	struct fs *fs = request->fs;
	struct variant variant = {.format = format};
	struct fuse_entry_param entry;
	const struct buf *text;
	int err = lookup_find_translation(fs, file, &variant.translation);

	if (err == -ENODATA)
		return request_want_text(request, &file->job);
	if (!err)
		err = rendition_get(request, &file->job, variant, &text);
	if (err == -ENOENT)
		return lookup_reply_nothing(request, (double)fs->config.ttl_ms / 1000);
	if (err)
		return err;
	attr_entry_of_rendition(fs, &file->job, variant, text->len, &entry);
	fuse_reply_entry(request->req, &entry);
	rendition_replied(request, &file->job, format);
	return 0;
}

static int lookup_reply_json(struct request *request, const struct catalog_job *job)
{
	struct fuse_entry_param entry;

	attr_entry_of_job(request->fs, job, &entry);
	fuse_reply_entry(request->req, &entry);
	return 0;
}

/* Replies with a file of the job that the name means, if it belongs to the directory. */
static int lookup_job_file(struct request *request, const struct dir *dir,
	const struct tree_entry *name, const struct job_file *file)
{
	const struct catalog_job *job = &file->job;
	struct fs *fs = request->fs;
	double ttl = (double)fs->config.ttl_ms / 1000;
	bool matches;
	int err;

	if (!file->known && !filename_is_uuid(file->id))
		return lookup_reply_nothing(request, 0);
	/*
	 * Note a lookup only once, even if the handler runs again. Lookups of other
	 * formats come in an order of their own: finding each of them in its listing
	 * would cost more than it gains.
	 */
	if (file->known && !job->deleted && !request->fetched &&
		(name->format == FORMAT_JSON || job->size < 0))
		job_fetch_prefetch(fs->sync, &dir->tree.query, job->row);

	bool current = file->known && job->size >= 0 &&
		       sync_is_fresh(fs->sync, job, request->arrived_wall_ms);

	if (!current && !request->fetched)
		return request_want_job(request, file->id);
	if (!file->known || job->deleted || job->size < 0)
		return file->known && job->deleted ? -ENOENT : -EIO;
	err = jobs_match(fs->catalog, &dir->tree.query, job, &matches);
	if (err)
		return err;
	if (!matches || (name->format != FORMAT_JSON && job->job.status != JOB_DONE))
		return lookup_reply_nothing(request, job_finished(&job->job) ? ttl : 0);
	return name->format == FORMAT_JSON
		       ? lookup_reply_json(request, job)
		       : lookup_reply_rendition(request, file, name->format);
}

static int lookup_job_name(
	struct request *request, const struct dir *dir, const struct tree_entry *name)
{
	struct job_file file;
	int err = job_file_find(request->fs, dir, name, &file);

	if (!err && !file.known && tree_is_by_name(&dir->tree)) {
		err = view_lookup(request, dir, name, &file);
		if (err || !file.known)
			return err;
	}
	return err ? err : lookup_job_file(request, dir, name, &file);
}

/* Without one read transaction for all of its reads, a lookup takes twice as long. */
static int lookup_job(
	struct request *request, const struct dir *dir, const struct tree_entry *name)
{
	struct catalog *catalog = request->fs->catalog;
	bool reading = catalog_read_begin(catalog);
	int err = lookup_job_name(request, dir, name);

	if (reading)
		catalog_read_end(catalog);
	return err;
}

/* True if each word of a path component, "word[,word...]", is in the listing so far. */
static bool lookup_lists_words(const struct listing *listing, const char *words)
{
	char word[FILENAME_BYTES_MAX + 1];

	while (filename_next_word(&words, word))
		if (!listing_has_name(listing, word))
			return false;
	return true;
}

/*
 * Takes a reference to the listing of the directory's names and keeps it until the
 * request ends: with ttl=0 the next run of the handler would get a new listing. Returns
 * 0, -ENOMEM or -EIO.
 */
static int lookup_hold_names(struct request *request, const struct dir *dir)
{
	enum listing_kind kind =
		tree_shows(&dir->tree) == TREE_SHOWS_KEYS ? LISTING_KEYS : LISTING_VALUES;

	request->timeout_message = request_late_metadata;
	if (request->listing)
		return 0;
	return listing_get(request->fs->sync, kind, &dir->tree.query, &request->listing);
}

/*
 * Looks up a key or value below metadata/. It exists if a job of the surrounding
 * directory has it, which the listing of names shows. If the listing has the name
 * already, the reply does not wait for the rest (SEMANTICS 3.3).
 */
static int lookup_listed(
	struct request *request, struct dir *dir, const struct tree_dir *tree)
{
	const struct fs *fs = request->fs;

	int err = request->listing ? 0 : request_failed_before(request);

	if (!err)
		err = lookup_hold_names(request, dir);
	while (!err && !lookup_lists_words(request->listing, request->name))
		err = listing_want(request->listing, listing_len(request->listing));
	if (err == -EAGAIN)
		return request_park(request, listing_queue(request->listing));
	/* A new job may bring the name at any time, and asking again costs little. */
	if (err == -ENOENT)
		return lookup_reply_nothing(request, 0);
	if (err)
		return err;

	int64_t left_ms = fs->config.ttl_ms - listing_age_ms(request->listing);

	return lookup_reply_dir(
		request, dir, tree, (double)MAX(left_ms, LISTED_MIN_MS) / 1000);
}

static int lookup_dir(
	struct request *request, struct dir *dir, const struct tree_dir *tree)
{
	enum tree_shows shows = tree_shows(&dir->tree);

	if (shows != TREE_SHOWS_KEYS && shows != TREE_SHOWS_VALUES)
		return lookup_reply_dir(request, dir, tree, FS_FOREVER);
	if (query_is_empty(&dir->tree.query))
		return lookup_reply_nothing(request, FS_FOREVER);
	return lookup_listed(request, dir, tree);
}

static int lookup_handle(struct request *request)
{
	struct fs *fs = request->fs;
	struct dir *dir = directories_find(&fs->directories, request->ino);
	struct tree_entry entry;

	if (!dir)
		return -ESTALE;
	if (dir->tree.kind == TREE_CONTROL)
		return control_lookup(request);
	if (jobs_csv_is_name(dir, request->name))
		return jobs_csv_lookup(request, dir);

	int err = tree_resolve(&dir->tree, request->name, &entry);

	if (err == -ENOENT) {
		int alias_err = alias_lookup(request, dir);

		if (alias_err != -ENOENT)
			return alias_err;
	}
	if (!err && entry.is_job)
		fs->formats_reported |= 1u << entry.format;
	if (err == -ENOENT || (!err && entry.is_job && query_is_empty(&dir->tree.query)))
		return lookup_reply_nothing(request, FS_FOREVER);
	if (err)
		return err;
	return entry.is_job ? lookup_job(request, dir, &entry)
			    : lookup_dir(request, dir, &entry.dir);
}

void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	request_start(
		req, name, &(struct request){.handle = lookup_handle, .ino = parent});
}

/* Handles GETATTR of a directory or of a job's JSON file. */
static int lookup_getattr(struct request *request)
{
	struct fs *fs = request->fs;
	struct dir *dir = directories_find(&fs->directories, request->ino);
	struct catalog_job job;
	struct stat attr;
	int err = dir ? 0 : jobs_by_node(fs->catalog, request->ino, &job);

	if (err)
		return err;
	/* A job without a known size was never given to the kernel. */
	if (!dir && job.size < 0)
		return -ESTALE;
	if (dir)
		attr_of_dir(fs, dir, &attr);
	else
		attr_of_job(fs, &job, &attr);
	fuse_reply_attr(request->req, &attr, FS_FOREVER);
	return 0;
}

void fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	(void)info;
	request_start(req, "",
		&(struct request){
			.handle = snapshot_is_node(ino)      ? snapshot_getattr
				  : rendition_is_number(ino) ? rendition_getattr
							     : lookup_getattr,
			.ino = ino,
		});
}

static void lookup_forget(struct fs *fs, uint64_t node, uint64_t count)
{
	if (snapshot_is_node(node))
		snapshot_forget(&fs->snapshots, node, count);
	else
		directories_forget(&fs->directories, node, count);
}

void fs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	lookup_forget(fuse_req_userdata(req), ino, count);
	fuse_reply_none(req);
}

void fs_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct fs *fs = fuse_req_userdata(req);

	for (size_t i = 0; i < count; i++)
		lookup_forget(fs, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

/*
 * Reports the known jobs, the sum of their sizes, and the space that is left in the cache
 * (SEMANTICS 5.4).
 */
void fs_statfs(fuse_req_t req, fuse_ino_t ino)
{
	enum { BLOCK = 4096 };
	struct fs *fs = fuse_req_userdata(req);
	struct catalog_totals totals;

	(void)ino;
	catalog_totals(fs->catalog, &totals);

	const uint64_t unused = catalog_free_bytes(fs->catalog) / BLOCK;
	const struct statvfs answer = {
		.f_bsize = BLOCK,
		.f_frsize = BLOCK,
		.f_blocks = (totals.bytes + BLOCK - 1) / BLOCK + unused,
		.f_bfree = unused,
		.f_bavail = unused,
		.f_files = totals.jobs,
		.f_namemax = FILENAME_BYTES_MAX,
	};

	fuse_reply_statfs(req, &answer);
}
