/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "gladia/filename.h"
#include "internal.h"

/*
 * Notifies the kernel of what sync has changed in the catalog: deleted and changed jobs,
 * whose names it must look up again, and the mtimes of directories.
 */

/* A job whose names the kernel must forget, and these names; "" if it knows none. */
struct names_to_forget {
	struct fs *fs;
	const struct catalog_job *job;
	char names[FORMATS][FILENAME_BYTES_MAX + 1];
};

static void changes_forget_in(struct dir *dir, void *ctx)
{
	const struct names_to_forget *forget = ctx;
	struct query query = dir->tree.query;

	if (tree_shows(&dir->tree) != TREE_SHOWS_JOBS || query_is_empty(&query))
		return;
	/*
	 * The job may have been listed here with another status or other metadata, but
	 * not with another date.
	 */
	query.statuses = QUERY_ALL_STATUSES;
	if (!query_matches(&query, &forget->job->job))
		return;
	for (unsigned i = 0; i < FORMATS; i++)
		if (*forget->names[i] && !notifier_forget_name(forget->fs->notifier,
						 dir->ino, forget->names[i]))
			fs_forget_names(forget->fs);
}

static void changes_on_job_changed(void *ctx, const struct catalog_job *job)
{
	struct fs *fs = ctx;
	struct names_to_forget forget = {.fs = fs, .job = job};

	/* Until then the kernel knows no names. */
	if (!fs->ready)
		return;
	/*
	 * The kernel learns JSON names from READDIRPLUS, too, other names only from
	 * LOOKUP.
	 */
	for (unsigned i = 0; i < FORMATS; i++)
		if (i == FORMAT_JSON || fs->formats_reported & 1u << i)
			(void)filename_escape(job->job.id, FILENAME_WORD,
				format_suffix((enum format)i), forget.names[i]);
	directories_each(&fs->directories, changes_forget_in, &forget);
}

/* A query whose listing is complete now, as query_key(). */
struct listed {
	const struct fs *fs;
	char key[QUERY_KEY_MAX];
};

static void changes_of_mtime_in(struct dir *dir, void *ctx)
{
	const struct listed *listed = ctx;
	char key[QUERY_KEY_MAX];

	query_key(&dir->tree.query, key);
	if (strcmp(key, listed->key) == 0)
		attr_changed(listed->fs, dir);
}

static void changes_on_listed(void *ctx, const struct query *query)
{
	struct fs *fs = ctx;
	struct listed listed = {.fs = fs};

	if (!fs->ready)
		return;
	query_key(query, listed.key);
	directories_each(&fs->directories, changes_of_mtime_in, &listed);
}

const struct sync_handlers changes_handlers = {
	.on_job_changed = changes_on_job_changed, .on_listed = changes_on_listed};
