/* SPDX-License-Identifier: MIT */
#pragma once

#include "internal.h"

/*
 * Names of jobs' files in a directory, and the jobs that they mean (SEMANTICS 3.5, 3.7).
 * A name has a stem, perhaps a language, and a format.
 */

/* The job that a name means, as far as the catalog knows it. */
struct job_file {
	char id[FILENAME_BYTES_MAX + 1]; /* "": not known from the name */
	bool known;                      /* the catalog has `job` */
	struct catalog_job job;
	char language[RENDER_LANGUAGE_MAX + 1]; /* "": the transcription */
};

/*
 * Finds the job of a file. A name "NAME~ID" in a view is found if the catalog has the
 * job, as done; if it has several, the newest one that belongs to the directory. Returns
 * 0, also if the job is not known; -ENOMEM or -EIO.
 */
int job_file_find(const struct fs *fs, const struct dir *dir,
	const struct tree_entry *entry, struct job_file *ret_file);

/*
 * Finds the target of "NAME.FORMAT" or "NAME.LANGUAGE.FORMAT" in a view: the file name of
 * the newest job with this name. `listing` is that of the directory, and knows which jobs
 * there are. Sets `ret_job` to the job.
 *
 * Returns 0; -ENOENT if there is no such job; -EAGAIN if the listing must be read further
 * to know; -ENOMEM or -EIO.
 */
int job_file_find_newest(const struct fs *fs, const struct dir *dir,
	const struct tree_entry *entry, const struct listing *listing,
	char target[static FILENAME_BYTES_MAX + 1], struct catalog_job *ret_job);

/*
 * Writes the stem of a job's files in a directory. `facts` are only used in a view.
 * Returns 0, or -ENOENT if the job has no files there.
 */
int job_file_stem(const struct tree_dir *tree, const char *id,
	const struct job_facts *facts, char stem[static FILENAME_BYTES_MAX + 1]);

/*
 * Writes a file name. `language` is "" for the transcription. Returns 0, or
 * -ENAMETOOLONG.
 */
int job_file_name(const char *stem, const char *language, enum format format,
	char name[static FILENAME_BYTES_MAX + 1]);

/*
 * Copies the language of the n-th translation of a job, counted from 1. Returns false if
 * there are less.
 */
bool job_file_language(const struct job_facts *facts, unsigned translation,
	char language[static RENDER_LANGUAGE_MAX + 1]);

/* Returns the number of a job's translations. */
unsigned job_file_translations(const struct job_facts *facts);

/*
 * Returns the number of the translation in a language, or 0 if the job has none.
 */
unsigned job_file_translation(const struct job_facts *facts, const char *language);
