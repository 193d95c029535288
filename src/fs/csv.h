/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "catalog/jobs.h"

/*
 * A table of jobs as CSV (SEMANTICS 8.2): RFC 4180, UTF-8, newest job first. After some
 * fixed columns it has one for each key of the jobs' custom_metadata, so its first line
 * is known only when all jobs have been added.
 */
enum {
	CSV_TEXT_MAX = 64 << 20, /* bytes of the CSV, and of the values it is made from */
	CSV_KEYS_MAX = 4096,
};

struct csv;

/* Creates an empty table. Returns NULL if out of memory. */
struct csv *csv_new(void);

/* Frees a table. NULL is allowed. */
void csv_free(struct csv *csv);

/*
 * Adds a job. `metadata` is its custom_metadata as metadata_flatten() writes it. Returns
 * 0, -EFBIG if the table becomes too large, or -ENOMEM.
 */
int csv_add_job(struct csv *csv, const struct job *job, const struct job_facts *facts,
	const char *metadata, size_t len);

/* Returns the number of jobs that were added. */
size_t csv_len(const struct csv *csv);

/* Sorts the rows: newest first, and equally old ones in the order of csv_add_job(). */
void csv_sort(struct csv *csv);

/*
 * Each appends a line to `out`: the names of the columns, or row number `row` from 0.
 * Returns 0, -EFBIG if `out` becomes too large, or -ENOMEM.
 */
int csv_print_header(const struct csv *csv, struct buf *out);
int csv_print_row(struct csv *csv, size_t row, struct buf *out);
