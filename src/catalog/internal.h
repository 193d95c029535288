/* SPDX-License-Identifier: MIT */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

#include "catalog/catalog.h"
#include "crash_marker.h"
#include "db_file.h"
#include "room.h"

/* One prepared statement per question; their texts are the table in schema.c. */
enum statement {
	SQL_BEGIN,
	SQL_BEGIN_READING,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_BURN_ROWS,
	SQL_TOTALS,
	SQL_TOTALS_ADD,
	SQL_PAGES,
	SQL_FREE_PAGES,
	SQL_VACUUM,
	SQL_JOB_BY_ROW,
	SQL_JOB_BY_INO,
	SQL_JOB_BY_NODE,
	SQL_JOB_INSERT,
	SQL_JOB_UPDATE,
	SQL_JOBS_ANY,
	SQL_JOB_SEEN,
	SQL_JOBS_UNFINISHED,
	SQL_JOBS_SEEN_BEFORE,
	SQL_JOB_USED,
	SQL_INODES_RECENT_PART,
	SQL_INODES_RECENT_COPY,
	SQL_INODES_RECENT_DELETE,
	SQL_BODY_HEAD,
	SQL_BODIES_OLDEST,
	SQL_PIECES,
	SQL_PIECE_PUT,
	SQL_PIECES_DELETE,
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

/* What the open transaction has added to the totals; may be negative. */
struct totals_change {
	int64_t jobs;
	int64_t bytes;  /* of jobs whose size is known */
	int64_t kept;   /* bytes of bodies */
	int64_t recent; /* entries of inodes_recent */
};

struct catalog {
	sqlite3 *db;
	sqlite3_vfs vfs; /* see vfs.c */
	sqlite3_vfs *system_vfs;
	int temporary_dir; /* descriptor of the directory for temporary files */
	sqlite3_stmt *statements[STATEMENTS];
	const struct clock *clock;
	const struct log *log;
	struct place place;
	struct dirty dirty;
	uint64_t bodies_max;
	struct totals_change change;
	int64_t merged;    /* inodes_recent has been merged up to this inode number */
	int64_t last_row;  /* the highest given out in the open transaction; 0: none */
	int64_t busy_ms;   /* monotonic: since when another is waited for */
	int64_t waited_ms; /* for others, in all */
	int64_t burnt;     /* given out in one that was lost: never to be used again */
	bool excess;       /* there is something to be trimmed */
	bool in_transaction;
	bool reading;    /* between catalog_read_begin() and _end() */
	bool lost;       /* a write since the last commit was undone */
	bool complained; /* a failure was already logged; until a commit succeeds */
	bool impatient;  /* another mount kept the file locked for too long; until it lets
			    go */
	bool set_aside;  /* the file was found damaged */
	bool orphaned;   /* nobody else can open it any more */
	struct room room;     /* at the last look */
	int64_t pages;        /* of the file, before the open transaction */
	int64_t told_full_ms; /* monotonic: when it was logged that the disk is full */
	int64_t refused_ms; /* monotonic: when the disk last refused to take something */
	bool unjournaled;   /* its journal is in memory, as the disk may not take it */
};

/*
 * Opens the database as sqlite3_open_v2() does, for names below a directory's descriptor
 * in /proc/self/fd, which are kept as they are; temporary files go to
 * `catalog->temporary_dir`. The catalog must not move. Returns SQLite's code.
 */
int vfs_open(struct catalog *catalog, const char *path, int flags);

enum { SCHEMA_PAGE_SIZE = 8192 };

/*
 * Opens `path` ("" for a temporary database), makes or checks the schema, prepares the
 * statements. 0; -EUCLEAN where the file is not a sound database of ours; -EIO, -ENOMEM.
 */
int schema_open(struct catalog *catalog, const char *path);
void schema_close(struct catalog *catalog);

/* Whether an SQLite result means that the file itself is no good. */
bool schema_is_damage(int code);

/*
 * The statement, reset and with no bindings left. A write (anything that changes a row)
 * asks catalog_begin() first.
 */
sqlite3_stmt *catalog_statement(struct catalog *catalog, enum statement which);

/* Opens the transaction if none is open. 0 or -EIO. */
int catalog_begin(struct catalog *catalog);

/* The same for what can be left undone: does not wait for other mounts, nor complain. */
bool catalog_try_begin(struct catalog *catalog);

/*
 * SQLite's busy handler, of the catalog in `ctx`: waits for another mount, up to
 * CATALOG_BUSY_MS in all. SQLite's own waits longer and longer from one look to the next,
 * a dozen times a second; one that lists writes nearly all the time, in turns of some
 * milliseconds, and would hardly be caught between two.
 */
int catalog_wait_for_other(void *ctx, int tries);

/* Runs a statement that gives no rows, and resets it. 0 or -EIO, logged. */
int catalog_run(struct catalog *catalog, sqlite3_stmt *statement);

/*
 * The database failed at `what`: logs it, once until it works again, and undoes the open
 * transaction, so that none is ever committed by halves. A damaged file is set aside at
 * once: the next to open it begins a new one. Gives -EIO.
 */
int catalog_failed(struct catalog *catalog, const char *what);

/* The same for what SQLite does not see: a row that none of us can have written. */
int catalog_damaged(struct catalog *catalog, const char *what);

/*
 * To be called before a commit that adds `came` jobs, with which inodes_recent has
 * `recent` entries: past a maximum, moves at least as many into inodes as came. What it
 * takes from `recent` stands in `catalog->change` afterwards. 0 or -EIO.
 */
int inodes_merge(struct catalog *catalog, int64_t came, int64_t recent);

/*
 * Lets the least recently used go until `max` of the `kept` bytes are left, but never the
 * last one. 0 or -EIO.
 */
int bodies_evict(struct catalog *catalog, uint64_t kept, uint64_t max);

/* The wall clock in milliseconds, as last uses are noted. */
int64_t bodies_now(const struct catalog *catalog);

/*
 * The same for a text that has just come. Those of unfinished jobs go last: they are few,
 * and one that was let go cannot be compared with what comes again, so that it would be a
 * new version, and stale for who reads it (SPEC 7.3).
 */
int64_t bodies_used(const struct catalog *catalog, const struct job *job);

/*
 * Lets go of what is too much of the `kept` bytes of bodies, but of no more than came in
 * this transaction and a step (16 MiB). 0 or -EIO.
 */
int trim_bodies(struct catalog *catalog, uint64_t kept, uint64_t came);

/* Returns the number of pages of the file (SQL_PAGES), or of those that are not used. */
int64_t trim_pages(struct catalog *catalog, enum statement which);

/* Makes the file smaller by a step, if it has free pages. Returns 0 or -EIO. */
int trim_vacuum(struct catalog *catalog);

/* Looks whether there is something to be trimmed, where `kept` bytes of bodies are left.
 */
void trim_look(struct catalog *catalog, uint64_t kept);

/* Writes or deletes a text; whether there is one is noted in the job's row. 0 or -EIO. */
int bodies_put(struct catalog *catalog, int64_t row, const char *text, size_t size);
int bodies_delete(struct catalog *catalog, int64_t row);

/* 0 and whether the `size` bytes kept for `row` are these; -EIO. */
int bodies_equal(struct catalog *catalog, int64_t row, const char *text, size_t size,
	bool *ret_equal);
