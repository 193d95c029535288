/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "catalog/catalog.h"
#include "gladia/facts.h"
#include "gladia/query.h"

/*
 * A job as stored in the catalog.
 *
 * `ino` never changes. `node` identifies one version of the job's text, so that reads of
 * one node never mix two versions (SEMANTICS 7.3). When the text of a job changes, the
 * job gets a new node; when its text becomes known for the first time, the job keeps its
 * node. The node of the first version is `ino`.
 *
 * A deleted job (`deleted`) no longer exists at the API. Its row remains until a later
 * catalog_open() drops it, because an open listing may still refer to it.
 */
struct catalog_job {
	int64_t row;     /* row number in this database; never reused for another job */
	uint64_t ino;    /* inode number of the job */
	uint64_t node;   /* node number of the current version of its text */
	int64_t version; /* version of its text, counted from 0 */
	struct job job;
	int64_t size; /* size of its JSON file; -1 if only a summary is known */
	/*
	 * Wall time of the request to which the API last returned it; 0 if invalidated.
	 * If deleted, the time at which this was found out.
	 */
	int64_t seen_ms;
	bool has_text;  /* its text is cached */
	bool deleted;   /* it was deleted at the API */
	bool has_facts; /* false if an older version of gladiafs stored it */
};

/* Maximum size of a job's text, in bytes. */
enum { JOB_TEXT_MAX = 1 << 30 };

/*
 * Returns a job's inode number. It is derived from the job's id alone, so it is the same
 * on every mount. Bit 62 is set, which is clear for directories; the bits of
 * JOB_FILES_MASK are clear, because they distinguish the files of a job: its formats and
 * translations (fs/rendition.h). Node numbers have the same form.
 */
enum { JOB_FILES_MASK = 0xff };
uint64_t job_ino(const char *id);

enum catalog_change {
	CATALOG_SAME,    /* nothing changed */
	CATALOG_NEW,     /* the job was not known before, or was marked as deleted */
	CATALOG_CHANGED, /* its text, status or timestamps changed */
};

/* The state of a job as the API has returned it. */
struct job_state {
	const struct job *job;
	const char *text; /* its JSON file; NULL if only a summary is known */
	size_t size;      /* of `text`, in bytes */
	const struct job_facts *facts; /* NULL if they are not known */
	/* Wall time at which the request was sent: the state may be as old as that. A
	 * time in the future counts as now. */
	int64_t asked_ms;
};

/*
 * Stores a job. If a summary shows no change, a cached text and the facts from it remain
 * valid. A job that is marked as deleted exists again if the request was not sent before
 * that; otherwise nothing is stored, and `ret_job` is the deleted job, unchanged
 * (CATALOG_SAME).
 *
 * Returns 0 and what changed, -EEXIST if another job has the same inode number (the job
 * is not stored then), -EFBIG if the text is longer than JOB_TEXT_MAX, or -EIO.
 */
int jobs_put(struct catalog *catalog, const struct job_state *state,
	enum catalog_change *ret_change, struct catalog_job *ret_job);

/*
 * Reads the facts of a job, also of a deleted one until its row is dropped. They are all
 * unknown if none were stored, or if jobs_erase() has deleted them. Returns 0, -ENOENT if
 * there is no such row, or -EIO.
 */
int jobs_facts(struct catalog *catalog, int64_t row, struct job_facts *ret_facts);

/*
 * Returns the rows of the jobs that are done, not deleted, have this name of their
 * recording (NAME of view_name.h, `len` bytes) and an id that begins with `id`; the
 * newest first. The array is allocated with malloc(); the caller frees it. Returns 0,
 * -ENOMEM or -EIO.
 */
int jobs_by_name(struct catalog *catalog, const char *name, size_t len, const char *id,
	int64_t **ret_rows, size_t *ret_len);

/*
 * Replaces a job's stored custom_metadata; `text` is from metadata_flatten(). A job that
 * jobs_put() reported as CATALOG_NEW has none stored yet. Returns 0 or -EIO.
 */
int jobs_put_metadata(struct catalog *catalog, int64_t row, const char *text, size_t len);

/*
 * Replaces `text` with a job's stored custom_metadata, as metadata_flatten() wrote it.
 * The text is empty if the job is deleted. Returns 0, -ENOMEM or -EIO.
 */
int jobs_metadata(struct catalog *catalog, int64_t row, struct buf *text);

/* Checks whether a job matches the whole query, including metadata. Returns 0 or -EIO. */
int jobs_match(struct catalog *catalog, const struct query *query,
	const struct catalog_job *job, bool *ret_matches);

/*
 * Finds a job by its row number. Returns 0 (also for a deleted job, which has `deleted`
 * set), -ENOENT or -EIO. It is -EIO, too, if the job may have been stored in a
 * transaction that was lost, until catalog_commit() has reported that.
 */
int jobs_by_row(struct catalog *catalog, int64_t row, struct catalog_job *ret_job);

/*
 * Finds a job by its inode number. Returns 0 (also for a deleted job, which has `deleted`
 * set), -ENOENT or -EIO.
 */
int jobs_by_ino(struct catalog *catalog, uint64_t ino, struct catalog_job *ret_job);

/*
 * Finds a job by its id. Returns 0 (also for a deleted job, which has `deleted` set),
 * -ENOENT or -EIO.
 */
int jobs_by_id(struct catalog *catalog, const char *id, struct catalog_job *ret_job);

/*
 * Finds the job whose current version has this node. Returns 0, -ESTALE if there is none
 * because the version is out of date or the job is deleted, or -EIO.
 */
int jobs_by_node(struct catalog *catalog, uint64_t node, struct catalog_job *ret_job);

/*
 * Invalidates a job, so that it is requested from the API before it is used again. Does
 * nothing if the job is deleted. Returns 0 or -EIO.
 */
int jobs_invalidate(struct catalog *catalog, int64_t row);

/* Marks a job as deleted at the API and deletes its cached text. Returns 0 or -EIO. */
int jobs_mark_deleted(struct catalog *catalog, int64_t row);

/*
 * Marks a job as deleted at the API and deletes its cached text and facts. When the
 * transaction ends, they are overwritten with zeros in the database file, as is all that
 * is deleted (SEMANTICS 10.1). Returns 0 or -EIO.
 */
int jobs_erase(struct catalog *catalog, int64_t row);

/*
 * Returns the rows of the first jobs whose inode number is greater than `ino`, at most
 * JOBS_NEXT_MAX, deleted ones included, in the order of their inode numbers. Returns 0 or
 * -EIO.
 */
enum { JOBS_NEXT_MAX = 64 };
int jobs_next_by_ino(struct catalog *catalog, uint64_t ino,
	int64_t ret_rows[static JOBS_NEXT_MAX], size_t *ret_len);

/*
 * Returns the rows of all jobs that are neither finished nor deleted, in no particular
 * order. The array is allocated with malloc(); the caller frees it. Returns 0, -ENOMEM or
 * -EIO.
 */
int jobs_unfinished(struct catalog *catalog, int64_t **ret_rows, size_t *ret_len);

/*
 * Returns the rows of all jobs that are not deleted and that the API last returned before
 * the given wall time. Reads every row. The array is allocated with malloc(); the caller
 * frees it. Returns 0, -ENOMEM or -EIO.
 */
int jobs_seen_before(
	struct catalog *catalog, int64_t wall_ms, int64_t **ret_rows, size_t *ret_len);

/*
 * Checks whether any job that is neither deleted nor invalidated matches the statuses and
 * time spans of the query; its metadata filter is ignored. Reads rows until it finds one.
 * Returns 0 or -EIO.
 */
int jobs_any(struct catalog *catalog, const struct query *query, bool *ret_any);

/*
 * Copies up to `len` bytes of a job's text, starting at `offset`; 0 bytes if that is past
 * the end. Of `job` only the row and the node are used.
 *
 * Returns 0, -ENODATA if the text is not cached (never fetched, or evicted), -ESTALE if
 * the job is deleted or its node is out of date (another mount may just have stored a new
 * version), or -EIO.
 */
int texts_read(struct catalog *catalog, const struct catalog_job *job, uint64_t offset,
	void *data, size_t len, size_t *ret_len);

/*
 * Records that a text was fetched again for a reader that goes through many, and that
 * this reader has read it: it counts as last used a week ago, so it is evicted before all
 * texts that were used since then (SEMANTICS 7.4.11). If it is read once more, it is like
 * any other text. Does nothing if the job is unfinished or has no text, or while another
 * process is writing.
 */
void texts_retire(struct catalog *catalog, int64_t row);
