/* SPDX-License-Identifier: MIT */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

#include "catalog/catalog.h"
#include "compressor.h"
#include "crash_marker.h"
#include "db_file.h"
#include "room.h"

/* The prepared statements. Their SQL is in a table in schema.c. */
enum statement {
	SQL_BEGIN,
	SQL_BEGIN_READING,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_RESERVE_ROWS,
	SQL_TOTALS,
	SQL_TOTALS_ADD,
	SQL_PAGES,
	SQL_FREE_PAGES,
	SQL_VACUUM,
	SQL_JOB_BY_ROW,
	SQL_JOB_BY_INO,
	SQL_JOB_BY_NODE,
	SQL_JOBS_NEXT_BY_INO,
	SQL_JOB_INSERT,
	SQL_JOB_UPDATE,
	SQL_JOB_FACTS,
	SQL_JOB_FACTS_CLEAR,
	SQL_JOBS_ANY,
	SQL_JOBS_BY_NAME,
	SQL_JOB_SEEN,
	SQL_JOBS_UNFINISHED,
	SQL_JOBS_SEEN_BEFORE,
	SQL_JOB_USED,
	SQL_JOB_RETIRE,
	SQL_TEXT_HEAD,
	SQL_TEXTS_OLDEST,
	SQL_CHUNKS,
	SQL_CHUNK_PUT,
	SQL_CHUNKS_DELETE,
	SQL_SPOOL_EVICT,
	SQL_METADATA,
	SQL_METADATA_PUT,
	SQL_METADATA_DELETE,
	SQL_LISTING_BY_KEY,
	SQL_LISTING_INSERT,
	SQL_LISTING_DELETE,
	SQL_LISTINGS_CLEAR,
	SQL_LISTINGS_TRIM,
	SQL_NEWEST,
	SQL_NEWEST_PUT,
	SQL_NEWEST_TRIM,
	STATEMENTS,
};

/* Changes of the totals by the open transaction; may be negative. */
struct totals_change {
	int64_t jobs;
	int64_t bytes;      /* size of all jobs' JSON files, as far as it is known */
	int64_t text_bytes; /* size of all cached texts, in bytes as they are stored */
};

struct catalog {
	sqlite3 *db;
	sqlite3_vfs vfs; /* see vfs.c */
	sqlite3_vfs *system_vfs;
	int temporary_dir; /* descriptor of the directory for temporary files */
	sqlite3_stmt *statements[STATEMENTS];
	const struct clock *clock;
	const struct log *log;
	struct db_file db_file;
	struct crash_marker crash_marker;
	struct compressor *compressor;
	uint64_t texts_max;
	uint64_t headroom;   /* see catalog_set_headroom() */
	int64_t spool_bytes; /* size of the spool, as far as this process has filled it */
	struct totals_change change;
	int64_t last_row;  /* highest row returned in the open transaction; 0: none */
	int64_t busy_ms;   /* monotonic time since which we wait for another mount */
	int64_t waited_ms; /* total time spent waiting for other mounts */
	int64_t reserved_rowid; /* rows up to this one were returned in a lost transaction
				 * and must not be reused; 0: none */
	bool excess;            /* the file is larger than it should be */
	bool in_transaction;
	bool reading;        /* a read transaction is open (catalog_read_begin()) */
	bool lost;           /* a write since the last commit was rolled back */
	bool error_logged;   /* an error was logged, and no commit has succeeded since */
	bool lock_timed_out; /* another mount has locked the file for too long, and no
			      * transaction has begun since */
	bool set_aside;      /* the file was damaged and has been renamed */
	bool unlinked;       /* the file was renamed or removed: only we still use it */
	struct room room;    /* disk space when last checked */
	int64_t page_size;   /* in bytes; 8192 in files of older versions */
	int64_t pages;       /* size of the file in pages, without the open transaction */
	int64_t full_logged_ms; /* monotonic time when a full disk was last logged */
	int64_t refused_ms;     /* monotonic time when a write last failed; 0: never */
	bool refused_all;       /* then no file could be created or opened for writing */
	int64_t dropped_ms;     /* see catalog_dropped_ms() */
	int64_t retired_ms;     /* wall time of the last texts_retire(); 0: never */
	bool unsaved;           /* the disk had no space for the open transaction */
	bool unjournaled; /* the journal is in memory, because the disk may be full */
};

/*
 * Opens the database like sqlite3_open_v2(), but does not resolve the symbolic link if
 * `path` begins with a descriptor in /proc/self/fd. Temporary files are created in
 * `catalog->temporary_dir`. `catalog` must stay at its address while the database is
 * open. Returns SQLite's result code.
 */
int vfs_open(struct catalog *catalog, const char *path, int flags);

enum { SCHEMA_CACHE_SIZE = 8 << 20 };

/*
 * Opens the database `path` ("" for a temporary one), creates or checks the schema, and
 * prepares the statements. The caller calls schema_close() on success and on failure.
 * Returns 0, -EUCLEAN if the file is damaged or not a database of ours, -EIO or -ENOMEM.
 */
int schema_open(struct catalog *catalog, const char *path);

/*
 * Stores the account's API URL in the database, for gladiafs --cache. If that fails, it
 * stays unknown.
 */
void schema_store_origin(const struct catalog *catalog, const char *origin);

/* Closes the database. Does nothing if it is not open. */
void schema_close(struct catalog *catalog);

/* True if an SQLite result code means that the file itself is damaged. */
bool schema_is_damage(int code);

/*
 * Returns a prepared statement, reset and without bindings. Before a statement that
 * changes rows, call catalog_begin().
 */
sqlite3_stmt *catalog_statement(struct catalog *catalog, enum statement which);

/*
 * Updates `catalog->room` for a database of `pages` pages. Does not look at the disk if
 * it is not needed, because a network filesystem may not answer.
 */
void disk_space_update(struct catalog *catalog, int64_t pages);

/*
 * Logs that the disk is full or cannot be written, unless that was logged a short time
 * ago.
 */
void disk_space_report(struct catalog *catalog);

/*
 * Records that SQLite failed with this result code. If that means that the disk is full
 * or cannot be written, disk_space_update() takes it into account.
 */
void disk_space_note_failure(struct catalog *catalog, int code);

/*
 * Begins a transaction if none is open. Waits up to CATALOG_BUSY_MS for another mount
 * that is writing. Returns 0 or -EIO, which was logged.
 */
int catalog_begin(struct catalog *catalog);

/*
 * Like catalog_begin(), for optional writes: returns false instead of waiting for another
 * mount, and logs nothing.
 */
bool catalog_try_begin(struct catalog *catalog);

/*
 * SQLite's busy handler; `ctx` is the catalog. Waits a tenth of a millisecond for another
 * mount, later a millisecond, and returns 0 if we have waited for CATALOG_BUSY_MS in all.
 * SQLite's own handler waits longer from one attempt to the next, up to a tenth of a
 * second. A mount that fills a listing writes almost all the time and pauses only for
 * some milliseconds, so that handler would hardly ever succeed.
 */
int catalog_wait_for_other(void *ctx, int tries);

/* Runs a statement that returns no rows, and resets it. Returns 0 or -EIO, logged. */
int catalog_run(struct catalog *catalog, sqlite3_stmt *statement);

/*
 * Handles an error of the database; `what` is what it failed to do. Logs the error unless
 * one was logged since the last successful commit, and rolls the open transaction back,
 * so that it is never committed in part. A damaged file is set aside at once: the next
 * process that opens it creates a new one. Returns -EIO.
 */
int catalog_failed(struct catalog *catalog, const char *what);

/*
 * Handles damage that SQLite does not detect, such as a row that this program cannot have
 * written, in the way of catalog_failed(). Returns -EIO.
 */
int catalog_damaged(struct catalog *catalog, const char *what);

/*
 * Evicts the least recently used texts until at most `max` of the `text_bytes` bytes are
 * left, but never the last text. Returns 0 or -EIO.
 */
int texts_evict(struct catalog *catalog, uint64_t text_bytes, uint64_t max);

/*
 * Runs a statement that returns row numbers and collects them in an array, which the
 * caller frees. Returns 0, -ENOMEM or -EIO.
 */
int jobs_collect_rows(struct catalog *catalog, sqlite3_stmt *statement,
	int64_t **ret_rows, size_t *ret_len);

/* Returns the node number of a version of a job; that of version 0 is job_ino(). */
uint64_t jobs_node(const char *id, int64_t version);

/* Deletes the facts of a job. The caller has begun a transaction. Returns 0 or -EIO. */
int jobs_clear_facts(struct catalog *catalog, int64_t row);

/* Returns the wall time in milliseconds, for the time of last use of a text. */
int64_t texts_now(const struct catalog *catalog);

/*
 * Returns the time of last use to store for a text that was just fetched. For an
 * unfinished job it is in the future, so that its text is evicted last: such texts are
 * few, and if one is evicted we cannot compare it when it is fetched again. We would have
 * to treat it as a new version, and its readers would get ESTALE (SEMANTICS 7.3).
 */
int64_t texts_used(const struct catalog *catalog, const struct job *job);

/*
 * Evicts texts if their size, `text_bytes` bytes, is too large. Evicts at most `added`
 * bytes, the size of the texts that the transaction has added, plus EVICT_STEP. Returns 0
 * or -EIO.
 */
int eviction_trim(struct catalog *catalog, uint64_t text_bytes, uint64_t added);

/*
 * Returns the number of pages of the file (SQL_PAGES) or the number of those that are not
 * in use (SQL_FREE_PAGES). Returns 0 if it cannot be read.
 */
int64_t eviction_count_pages(struct catalog *catalog, enum statement which);

/* Makes the file smaller by a step, if it has free pages. Returns 0 or -EIO. */
int eviction_vacuum(struct catalog *catalog);

/*
 * Updates `catalog->excess`: checks whether the file is larger than it should be if it
 * has `text_bytes` bytes of texts.
 */
void eviction_check(struct catalog *catalog, uint64_t text_bytes);

/*
 * Stores the text of a job: it is compressed in the background, and written at the latest
 * by texts_flush(), which adds the stored size to `catalog->change.text_bytes`. The
 * caller updates the job's row, which says whether the job has text. Returns 0 or -EIO.
 */
int texts_put(struct catalog *catalog, int64_t row, const char *text, size_t size);

/*
 * Deletes the text of a job and subtracts its stored size from
 * `catalog->change.text_bytes`. The caller updates the job's row, which says whether the
 * job has text. Returns 0 or -EIO.
 */
int texts_delete(struct catalog *catalog, int64_t row);

/*
 * Stores one chunk, of up to CHUNK_SIZE bytes, like texts_put(). Returns 0 or -EIO.
 */
int texts_put_chunk(
	struct catalog *catalog, int64_t number, const char *chunk, size_t len);

/*
 * Deletes the chunks with these numbers, `to` excluded. Returns 0 and how many bytes they
 * had as they were stored, or -EIO.
 */
int texts_delete_chunks(
	struct catalog *catalog, int64_t from, int64_t to, int64_t *ret_freed);

/*
 * Runs a statement that deletes chunks and returns the size of each. Returns 0 and their
 * sum in bytes, or -EIO.
 */
int texts_run_delete(
	struct catalog *catalog, sqlite3_stmt *statement, int64_t *ret_freed);

/* Deletes the spooled files of a job (catalog/spool.h). Returns 0 or -EIO. */
int spool_delete_job(struct catalog *catalog, int64_t row);

/*
 * Writes the texts that were put. Must be called before a commit. Returns 0 or -EIO.
 */
int texts_flush(struct catalog *catalog);

/* Drops the texts that were put and not written yet. */
void texts_discard(struct catalog *catalog);

/* Compares the stored text of a job, `size` bytes, with `text`. Returns 0 or -EIO. */
int texts_equal(struct catalog *catalog, int64_t row, const char *text, size_t size,
	bool *ret_equal);
