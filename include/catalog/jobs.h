/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "catalog/catalog.h"

/* A job as the catalog has it. */
struct catalog_job {
	int64_t row; /* its number in this database; never used again for another job */
	uint64_t ino;
	struct job job;
	int64_t size;    /* bytes of its JSON file; -1 where only a summary is known */
	int64_t seen_ms; /* wall time at which the API last showed it; 0: doubted */
};

/*
 * A job's inode number, derived from its id alone and so the same on every mount. Bit 62
 * is set (directories have it clear) and the two lowest bits are clear: they tell the
 * formats of one job apart.
 */
uint64_t job_ino(const char *id);

enum catalog_change {
	CATALOG_SAME,
	CATALOG_NEW,     /* not known before */
	CATALOG_CHANGED, /* what its file shows, or where it belongs, is not as it was */
};

/*
 * Keeps a job the API has just shown: its whole text, or, where `text` is NULL, a
 * summary: then what is known of a finished job stays. 0 and what became of it; -EIO
 * (the database), -EEXIST (another id has the same inode number: refused).
 */
int jobs_put(struct catalog *catalog, const struct job *job, const char *text,
	size_t size, enum catalog_change *ret_change, struct catalog_job *ret_job);

/* 0, -ENOENT, -EIO. */
int jobs_by_row(struct catalog *catalog, int64_t row, struct catalog_job *ret_job);
int jobs_by_ino(struct catalog *catalog, uint64_t ino, struct catalog_job *ret_job);
int jobs_by_id(struct catalog *catalog, const char *id, struct catalog_job *ret_job);

/* Marks a job as doubted: to be asked for before it is shown again. 0 or -EIO. */
int jobs_doubt(struct catalog *catalog, int64_t row);

/* The API has it no more: forgets it and its body. 0 or -EIO. */
int jobs_forget(struct catalog *catalog, int64_t row);

/*
 * Copies up to `len` bytes of a job's text from `offset` on; past its end that is 0
 * bytes. 0; -ENODATA where the text is not kept (never seen, or let go); -EIO.
 */
int bodies_read(struct catalog *catalog, int64_t row, uint64_t offset, void *data,
	size_t len, size_t *ret_len);
