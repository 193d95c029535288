/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "gladia/view_name.h"
#include "job_file.h"

/*
 * Notifies the kernel of what sync has changed in the catalog: deleted and changed jobs,
 * whose names it must look up again, and the mtimes of directories.
 */

/* A job whose names the kernel must forget. */
struct names_to_forget {
	struct fs *fs;
	const struct catalog_job *job;
	struct job_facts facts;
};

static void changes_forget_name(const struct names_to_forget *forget,
	const struct dir *dir, const char *stem, const char *language, enum format format)
{
	char name[FILENAME_BYTES_MAX + 1];

	/* The kernel does not know a name that would be too long. */
	if (job_file_name(stem, language, format, name))
		return;
	if (!notifier_forget_name(forget->fs->notifier, dir->ino, name))
		fs_forget_names(forget->fs);
}

/* Forgets the names of a job's files, or of symbolic links, in one directory. */
static void changes_forget_stem(
	const struct names_to_forget *forget, const struct dir *dir, const char *stem)
{
	const struct fs *fs = forget->fs;
	char language[RENDER_LANGUAGE_MAX + 1];

	for (unsigned i = 0; i < FORMATS; i++) {
		enum format format = (enum format)i;

		/*
		 * The kernel learns JSON names from READDIRPLUS, too, other names only
		 * from LOOKUP.
		 */
		if (format != FORMAT_JSON && !(fs->formats_reported & 1u << i))
			continue;
		changes_forget_name(forget, dir, stem, "", format);
		if (!format_has_translations(format))
			continue;
		for (unsigned n = 1; job_file_language(&forget->facts, n, language); n++)
			changes_forget_name(forget, dir, stem, language, format);
	}
}

static void changes_forget_in(struct dir *dir, void *ctx)
{
	const struct names_to_forget *forget = ctx;
	bool by_name = tree_is_by_name(&dir->tree);
	struct query query = dir->tree.query;
	char stem[FILENAME_BYTES_MAX + 1];

	if (tree_shows(&dir->tree) != TREE_SHOWS_JOBS || query_is_empty(&query))
		return;
	/*
	 * The job may have been listed here with another status or other metadata, but
	 * not with another date.
	 */
	query.statuses = QUERY_ALL_STATUSES;
	if (!query_matches(&query, &forget->job->job))
		return;
	if (!job_file_stem(&dir->tree, forget->job->job.id, &forget->facts, stem))
		changes_forget_stem(forget, dir, stem);
	if (!by_name)
		return;
	/* The link "NAME.txt" may have led to this job. */
	view_name_recording(&forget->facts, stem);
	changes_forget_stem(forget, dir, stem);
}

static void changes_on_job_changed(void *ctx, const struct catalog_job *job)
{
	struct fs *fs = ctx;
	struct names_to_forget forget = {.fs = fs, .job = job};

	/* Until then the kernel knows no names. */
	if (!fs->ready)
		return;
	if (jobs_facts(fs->catalog, job->row, &forget.facts))
		job_facts_init(&forget.facts);
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

static void changes_on_followed(void *ctx, const struct listing *listing)
{
	prefetch_followed(ctx, listing);
}

const struct sync_handlers changes_handlers = {
	.on_job_changed = changes_on_job_changed,
	.on_listed = changes_on_listed,
	.on_followed = changes_on_followed,
};
