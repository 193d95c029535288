/* SPDX-License-Identifier: MIT */
#pragma once

#include "job_file.h"

/*
 * The files that a directory lists for each job. Each job has the same number of slots:
 * one for each format, and one more for each translation that a format can have. A slot
 * is empty if the job has no such file.
 */
struct slots {
	unsigned formats; /* one bit for each enum format */
	unsigned len;     /* slots of a job */
};

void slots_init(struct slots *slots, unsigned formats);

/* Returns the file in a slot, which must be less than slots->len. */
struct variant slots_variant(const struct slots *slots, unsigned slot);

/* A job whose names are printed. The job that was read last is not read again. */
struct slots_job {
	int64_t row; /* 0: none was read */
	struct catalog_job job;
	unsigned translations;
	struct job_facts facts; /* only if the view or the formats need them */
	char stem[FILENAME_BYTES_MAX + 1];
};

/*
 * Reads the job of a row for a directory, unless `job` has it. Returns 0, -ENOENT if the
 * job has no files there, or another negative errno.
 */
int slots_read_job(const struct fs *fs, const struct tree_dir *tree,
	const struct slots *slots, int64_t row, struct slots_job *job);

/*
 * Writes the name of a job's file. Returns 0, -ENOENT if the job has no such file, or
 * another negative errno.
 */
int slots_print_name(const struct fs *fs, const struct tree_dir *tree,
	const struct slots_job *job, struct variant variant,
	char name[static FILENAME_BYTES_MAX + 1]);
