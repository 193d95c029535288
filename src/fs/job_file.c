/* SPDX-License-Identifier: MIT */
#include "job_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gladia/view_name.h"

/* A stem as it can be read: whole, or with a language at its end. */
struct reading {
	size_t len;
	const char *language;
};

/* Returns the number of ways in which the stem of a name can be read. */
static unsigned job_file_readings(
	const struct tree_entry *entry, struct reading ret_readings[static 2])
{
	const char *stem = entry->stem;

	ret_readings[0] = (struct reading){strlen(stem), ""};
	ret_readings[1] = (struct reading){
		entry->language_at, stem + entry->language_at + 1};
	return entry->language_at ? 2 : 1;
}

int job_file_stem(const struct tree_dir *tree, const char *id,
	const struct job_facts *facts, char stem[static FILENAME_BYTES_MAX + 1])
{
	int err = tree_is_by_name(tree) ? view_name_print(id, facts, stem)
					: filename_escape(id, FILENAME_WORD, "", stem);

	return err ? -ENOENT : 0;
}

int job_file_name(const char *stem, const char *language, enum format format,
	char name[static FILENAME_BYTES_MAX + 1])
{
	const char *suffix = format_suffix(format);
	size_t len = strlen(stem) + strlen(language) + (*language != '\0') +
		     strlen(suffix);

	if (len > FILENAME_BYTES_MAX)
		return -ENAMETOOLONG;
	strcpy(name, stem);
	if (*language)
		strcat(strcat(name, "."), language);
	strcat(name, suffix);
	return 0;
}

bool job_file_language(const struct job_facts *facts, unsigned translation,
	char language[static RENDER_LANGUAGE_MAX + 1])
{
	const char *list = job_fact(facts, JOB_TRANSLATIONS);
	size_t len;

	for (; *list && translation > 1; translation--) {
		list += strcspn(list, ",");
		list += *list == ',';
	}
	len = strcspn(list, ",");
	if (!len || len > RENDER_LANGUAGE_MAX)
		return false;
	memcpy(language, list, len);
	language[len] = '\0';
	return true;
}

unsigned job_file_translations(const struct job_facts *facts)
{
	const char *list = job_fact(facts, JOB_TRANSLATIONS);
	unsigned len = *list != '\0';

	for (; *list; list++)
		len += *list == ',';
	return len;
}

unsigned job_file_translation(const struct job_facts *facts, const char *language)
{
	char other[RENDER_LANGUAGE_MAX + 1];

	for (unsigned n = 1; job_file_language(facts, n, other); n++)
		if (strcmp(language, other) == 0)
			return n;
	return 0;
}

/* Finds the job of a file in a directory of TREE_IDS. Returns 0 or -EIO. */
static int job_file_find_by_id(
	const struct fs *fs, const struct tree_entry *entry, struct job_file *ret_file)
{
	struct reading readings[2];
	unsigned len = job_file_readings(entry, readings);

	for (unsigned i = 0; i < len; i++) {
		memcpy(ret_file->id, entry->stem, readings[i].len);
		ret_file->id[readings[i].len] = '\0';
		strcpy(ret_file->language, readings[i].language);

		int err = jobs_by_id(fs->catalog, ret_file->id, &ret_file->job);

		ret_file->known = !err;
		if (err != -ENOENT)
			return err;
	}
	return 0;
}

/* Finds out whether `stem` is that of the job in a view. Returns 0 or -EIO. */
static int job_file_has_stem(const struct fs *fs, const struct dir *dir,
	const struct catalog_job *job, const char *stem, size_t len, bool *ret_has)
{
	char other[FILENAME_BYTES_MAX + 1];
	struct job_facts facts;
	int err = jobs_facts(fs->catalog, job->row, &facts);

	if (err)
		return err;
	*ret_has = !job_file_stem(&dir->tree, job->job.id, &facts, other) &&
		   strlen(other) == len && memcmp(other, stem, len) == 0;
	return 0;
}

/*
 * Chooses among jobs with the same name and the same beginning of a UUID: the newest one
 * that belongs to the directory, or else the newest.
 */
static int job_file_choose(const struct fs *fs, const struct dir *dir,
	const struct tree_entry *entry, size_t stem_len, size_t name_len, const char *id,
	struct job_file *ret_file)
{
	CLEANUP_FREE int64_t *rows = NULL;
	bool matches = false;
	size_t len;
	int err = jobs_by_name(fs->catalog, entry->stem, name_len, id, &rows, &len);

	for (size_t i = 0; !err && !matches && i < len; i++) {
		struct catalog_job job;
		bool has_stem;

		err = jobs_by_row(fs->catalog, rows[i], &job);
		if (!err)
			err = job_file_has_stem(
				fs, dir, &job, entry->stem, stem_len, &has_stem);
		if (!err && has_stem)
			err = jobs_match(fs->catalog, &dir->tree.query, &job, &matches);
		if (err || !has_stem || (ret_file->known && !matches))
			continue;
		ret_file->known = true;
		ret_file->job = job;
		strcpy(ret_file->id, job.job.id);
	}
	return err;
}

/* Finds the job of "NAME~ID" if ID is no beginning of a UUID. Returns 0 or -EIO. */
static int job_file_find_whole_id(const struct fs *fs, const struct dir *dir,
	const struct tree_entry *entry, size_t stem_len, const char *id,
	struct job_file *ret_file)
{
	struct catalog_job job;
	bool has_stem = false;
	int err = jobs_by_id(fs->catalog, id, &job);

	if (!err)
		err = job_file_has_stem(fs, dir, &job, entry->stem, stem_len, &has_stem);
	if (err || !has_stem)
		return err == -ENOENT ? 0 : err;
	ret_file->known = true;
	ret_file->job = job;
	strcpy(ret_file->id, id);
	return 0;
}

static int job_file_find_by_name(const struct fs *fs, const struct dir *dir,
	const struct tree_entry *entry, struct job_file *ret_file)
{
	struct reading readings[2];
	unsigned len = job_file_readings(entry, readings);
	int err = 0;

	for (unsigned i = 0; !err && !ret_file->known && i < len; i++) {
		const struct reading *reading = &readings[i];
		char id[FILENAME_BYTES_MAX + 1];
		size_t name_len;

		if (view_name_split(entry->stem, reading->len, &name_len, id))
			continue;
		strcpy(ret_file->language, reading->language);
		err = strlen(id) == VIEW_ID_LEN
			      ? job_file_choose(fs, dir, entry, reading->len, name_len,
					id, ret_file)
			      : job_file_find_whole_id(
					fs, dir, entry, reading->len, id, ret_file);
	}
	return err;
}

int job_file_find(const struct fs *fs, const struct dir *dir,
	const struct tree_entry *entry, struct job_file *ret_file)
{
	ret_file->id[0] = '\0';
	ret_file->known = false;
	ret_file->language[0] = '\0';
	return tree_is_by_name(&dir->tree)
		       ? job_file_find_by_name(fs, dir, entry, ret_file)
		       : job_file_find_by_id(fs, entry, ret_file);
}

/*
 * Finds out whether no job that the listing has not read yet can be newer than the one of
 * `row`, which it has: it is complete, or newest first as far as that row. Returns 0 or
 * -EIO.
 */
static int job_file_is_settled(const struct fs *fs, const struct listing *listing,
	int64_t row, bool *ret_settled)
{
	int64_t before_ms = INT64_MAX;
	int64_t member = 0;

	*ret_settled = true;
	for (size_t i = 0; !listing_is_complete(listing) && member != row; i++) {
		struct catalog_job job;

		member = listing_member(listing, i);

		int err = jobs_by_row(fs->catalog, member, &job);

		if (err && err != -ENOENT)
			return err;
		if (err)
			continue;
		*ret_settled = *ret_settled && job.job.created_ms <= before_ms;
		before_ms = job.job.created_ms;
	}
	return 0;
}

/* A job that a link may lead to. */
struct candidate {
	int64_t row;
	size_t rank; /* 0 is the newest */
};

static int job_file_by_row(const void *a, const void *b)
{
	const struct candidate *one = a;
	const struct candidate *other = b;

	return one->row < other->row ? -1 : one->row > other->row;
}

/*
 * Finds the first of `rows` that the listing has. It is searched once, however many rows
 * there are. Returns 0 and its index, or `len` if there is none; or -ENOMEM.
 */
static int job_file_find_listed(
	const struct listing *listing, const int64_t *rows, size_t len, size_t *ret_first)
{
	size_t members = listing_len(listing);
	CLEANUP_FREE struct candidate *candidates = malloc(
		(len + !len) * sizeof(*candidates));
	size_t first = len;

	if (!candidates)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++)
		candidates[i] = (struct candidate){rows[i], i};
	qsort(candidates, len, sizeof(*candidates), job_file_by_row);
	for (size_t i = 0; first && i < members; i++) {
		const struct candidate key = {.row = listing_member(listing, i)};
		const struct candidate *found = bsearch(
			&key, candidates, len, sizeof(key), job_file_by_row);

		if (found && found->rank < first)
			first = found->rank;
	}
	*ret_first = first;
	return 0;
}

/*
 * Finds the newest job of a name that the listing has. Returns 0, -ENOENT if the listing
 * is complete and has none, -EAGAIN if it must be read further, -ENOMEM or -EIO.
 */
static int job_file_newest(const struct fs *fs, const char *name, size_t name_len,
	const struct listing *listing, struct catalog_job *ret_job)
{
	CLEANUP_FREE int64_t *rows = NULL;
	bool settled = false;
	size_t len, first;
	int err = jobs_by_name(fs->catalog, name, name_len, "", &rows, &len);

	if (!err)
		err = job_file_find_listed(listing, rows, len, &first);
	if (err)
		return err;
	if (first == len)
		return listing_is_complete(listing) ? -ENOENT : -EAGAIN;
	err = job_file_is_settled(fs, listing, rows[first], &settled);
	if (!err && !settled)
		err = -EAGAIN;
	return err ? err : jobs_by_row(fs->catalog, rows[first], ret_job);
}

int job_file_find_newest(const struct fs *fs, const struct dir *dir,
	const struct tree_entry *entry, const struct listing *listing,
	char target[static FILENAME_BYTES_MAX + 1], struct catalog_job *ret_job)
{
	char stem[FILENAME_BYTES_MAX + 1];
	struct reading readings[2];
	unsigned len = job_file_readings(entry, readings);
	struct job_facts facts;
	int err = -ENOENT;
	unsigned i = 0;

	for (; i < len; i++) {
		err = job_file_newest(fs, entry->stem, readings[i].len, listing, ret_job);
		if (err != -ENOENT && err != -EAGAIN)
			break;
	}
	if (!err)
		err = jobs_facts(fs->catalog, ret_job->row, &facts);
	if (!err)
		err = job_file_stem(&dir->tree, ret_job->job.id, &facts, stem);
	if (err)
		return err;
	if (*readings[i].language && !job_file_translation(&facts, readings[i].language))
		return -ENOENT;
	return job_file_name(stem, readings[i].language, entry->format, target);
}
