/* SPDX-License-Identifier: MIT */
#include "slots.h"

#include <errno.h>
#include <stdio.h>

/* Returns the number of files of a job in this format: translations have files, too. */
static unsigned slots_of(enum format format)
{
	return format_has_translations(format) ? 1 + RENDER_TRANSLATIONS_MAX : 1;
}

void slots_init(struct slots *slots, unsigned formats)
{
	*slots = (struct slots){.formats = formats};
	for (unsigned i = 0; i < FORMATS; i++)
		if (formats & 1u << i)
			slots->len += slots_of((enum format)i);
}

struct variant slots_variant(const struct slots *slots, unsigned slot)
{
	struct variant variant = {FORMAT_JSON, slot};

	for (unsigned i = 0; i < FORMATS; i++) {
		if (!(slots->formats & 1u << i))
			continue;
		variant.format = (enum format)i;
		if (variant.translation < slots_of(variant.format))
			break;
		variant.translation -= slots_of(variant.format);
	}
	return variant;
}

int slots_read_job(const struct fs *fs, const struct tree_dir *tree,
	const struct slots *slots, int64_t row, struct slots_job *job)
{
	bool translated = slots->len > FORMATS;
	int err;

	if (job->row == row)
		return 0;
	job->row = 0;
	job->translations = 0;
	err = jobs_by_row(fs->catalog, row, &job->job);
	/* The facts of a deleted job may have been erased, and its name with them. */
	if (!err && job->job.deleted && tree_is_by_name(tree))
		err = -ENOENT;
	if (!err && (tree_is_by_name(tree) || translated))
		err = jobs_facts(fs->catalog, row, &job->facts);
	if (!err && translated)
		job->translations = job_file_translations(&job->facts);
	if (!err)
		err = job_file_stem(tree, job->job.job.id, &job->facts, job->stem);
	if (!err)
		job->row = row;
	return err;
}

int slots_print_name(const struct fs *fs, const struct tree_dir *tree,
	const struct slots_job *job, struct variant variant,
	char name[static FILENAME_BYTES_MAX + 1])
{
	char language[RENDER_LANGUAGE_MAX + 1] = "";
	struct catalog_job other;
	char id[FILENAME_BYTES_MAX + RENDER_LANGUAGE_MAX + 2];
	int err;

	if (variant.translation > job->translations ||
		(variant.format != FORMAT_JSON && job->job.job.status != JOB_DONE))
		return -ENOENT;
	if (variant.translation &&
		!job_file_language(&job->facts, variant.translation, language))
		return -ENOENT;
	err = job_file_name(job->stem, language, variant.format, name);
	if (err || !variant.translation || tree_is_by_name(tree))
		return err ? -ENOENT : 0;
	/* A job with the id "ID.LANGUAGE" has this name, too, and gets it
	 * (SEMANTICS 3.6). */
	(void)snprintf(id, sizeof(id), "%s.%s", job->job.job.id, language);
	err = jobs_by_id(fs->catalog, id, &other);
	return err == -ENOENT ? 0 : err ? err : -ENOENT;
}
