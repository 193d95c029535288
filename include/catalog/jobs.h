/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "catalog/catalog.h"
#include "gladia/query.h"

/*
 * A job as the catalog has it.
 *
 * `ino` is the job's for ever, `node` names one version of its text: what was read under
 * a node never mixes with another version (SPEC 7.3). A job whose text changes gets
 * another node; one whose text merely becomes known keeps it. The node of the first
 * version is `ino`.
 *
 * A gone job is one the API has no more. Its row stays, so that a listing that is open
 * still has its name, until a later catalog_open() drops it.
 */
struct catalog_job {
	int64_t row; /* its number in this database; never used again for another job */
	uint64_t ino;
	uint64_t node;
	int64_t version; /* of its text; from 0 */
	struct job job;
	int64_t size;    /* bytes of its JSON file; -1 where only a summary is known */
	int64_t seen_ms; /* wall time at which the API last showed it; 0: doubted */
	bool kept;       /* its text can be read here */
	bool gone;
};

/* Bytes of a job's text. */
enum { JOB_TEXT_MAX = 1 << 30 };

/*
 * A job's inode number, derived from its id alone and so the same on every mount. Bit 62
 * is set (directories have it clear) and the two lowest bits are clear: they tell the
 * formats of one job apart. Nodes are made alike.
 */
uint64_t job_ino(const char *id);

enum catalog_change {
	CATALOG_SAME,
	CATALOG_NEW,     /* not known before, or gone */
	CATALOG_CHANGED, /* what its file shows, or where it belongs, is not as it was */
};

/*
 * Keeps a job the API has just shown: its whole text, or, where `text` is NULL, a
 * summary: then the text known of a job that is otherwise the same stays. One that was
 * gone is back. 0 and what became of it; -EIO (the database), -EEXIST (another id has
 * the same inode number: refused), -EFBIG (beyond JOB_TEXT_MAX).
 */
int jobs_put(struct catalog *catalog, const struct job *job, const char *text,
	size_t size, enum catalog_change *ret_change, struct catalog_job *ret_job);

/*
 * Keeps what a job's custom_metadata holds (metadata_flatten()) in place of what was
 * known of it. Of a job that jobs_put() gave as new nothing is. 0 or -EIO.
 */
int jobs_put_metadata(struct catalog *catalog, int64_t row, const char *text, size_t len);

/* Writes that into `text`; nothing for a job that is gone. 0, -ENOMEM, -EIO. */
int jobs_metadata(struct catalog *catalog, int64_t row, struct buf *text);

/* 0 and whether a job as it is known matches all of the query; -EIO. */
int jobs_match(struct catalog *catalog, const struct query *query,
	const struct catalog_job *job, bool *ret_matches);

/* 0, also for a gone job, which is marked as such; -ENOENT, -EIO. */
int jobs_by_row(struct catalog *catalog, int64_t row, struct catalog_job *ret_job);
int jobs_by_ino(struct catalog *catalog, uint64_t ino, struct catalog_job *ret_job);
int jobs_by_id(struct catalog *catalog, const char *id, struct catalog_job *ret_job);

/*
 * The job whose current version has this node. 0; -ESTALE where there is none: the
 * version is out of date, or the job gone; -EIO.
 */
int jobs_by_node(struct catalog *catalog, uint64_t node, struct catalog_job *ret_job);

/*
 * Marks a job as doubted: to be asked for before it is shown again. Does nothing to one
 * that is gone. 0 or -EIO.
 */
int jobs_doubt(struct catalog *catalog, int64_t row);

/* The API has it no more: marks it as gone and forgets its text. 0 or -EIO. */
int jobs_forget(struct catalog *catalog, int64_t row);

/*
 * The same, and what the file held of its text is overwritten with zeros when the
 * transaction ends (SPEC 10.1).
 */
int jobs_purge(struct catalog *catalog, int64_t row);

/*
 * The rows of all jobs that are not finished and not gone, in no order, in memory of
 * malloc() that is the caller's to free. 0, -ENOMEM, -EIO.
 */
int jobs_unfinished(struct catalog *catalog, int64_t **ret_rows, size_t *ret_len);

/*
 * In the same way the rows of all jobs, but those gone, that the API showed last before
 * this wall time. Looks at every job there is.
 */
int jobs_seen_before(
	struct catalog *catalog, int64_t wall_ms, int64_t **ret_rows, size_t *ret_len);

/*
 * Whether the query's statuses and spans hold any job that is neither gone nor doubted;
 * its metadata is not looked at. Looks at every job until one is found. Returns 0 or
 * -EIO.
 */
int jobs_any(struct catalog *catalog, const struct query *query, bool *ret_any);

/*
 * Copies up to `len` bytes of a job's text from `offset` on; past its end that is 0
 * bytes. `job` is as one of the above gave it; only row and node are looked at. 0;
 * -ENODATA where the text is not kept (never seen, or let go); -ESTALE where that version
 * is out of date (another mount may have changed it a moment ago) or the job gone; -EIO.
 */
int bodies_read(struct catalog *catalog, const struct catalog_job *job, uint64_t offset,
	void *data, size_t len, size_t *ret_len);
