/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"
#include "gladia/job.h"

/*
 * The cache of an account's jobs, an SQLite database. It is either a file, which survives
 * the mount and can be shared by several mounts, or private and temporary. No function
 * waits for the network. Any of them can block on the disk, and up to CATALOG_BUSY_MS
 * on another process that is writing to the same file.
 *
 * Writes are collected in a transaction, which catalog_commit() ends.
 */
struct catalog;

enum { CATALOG_BUSY_MS = 1000 };

struct catalog_config {
	const char *path;   /* database file; NULL: private and temporary */
	const char *origin; /* API URL of the account, which is stored; or NULL */
	uint64_t texts_max; /* maximum size of all cached texts, compressed, in bytes; the
			     * last one is never evicted */
	const char *boot;   /* id of the current boot of this machine; NULL: ask the
			     * system; "": not known */
};

/* Returns the version of SQLite. */
const char *catalog_library_version(void);

/*
 * Opens the database and creates it if necessary, with mode 0600. If the file is damaged,
 * is not ours or has another schema version, or if it was in use when the machine crashed
 * (we do not sync it while it is in use), it is renamed to PATH.damaged and replaced by a
 * new one. If the file cannot be written (read-only or full disk, permissions), a
 * temporary database is used instead. Both cases are logged.
 *
 * `clock` and `log` must stay valid until catalog_close(). Returns 0, -EIO or -ENOMEM.
 */
int catalog_open(const struct catalog_config *config, const struct clock *clock,
	const struct log *log, struct catalog **ret_catalog);

/*
 * Returns the directory for the files of a temporary database, which SQLite creates when
 * its memory (8 MiB) is full: $TMPDIR if it is writable, else /var/tmp or /tmp. The
 * caller must not free the string, which is valid until the environment changes.
 */
const char *catalog_temporary_dir(void);

/*
 * Commits and closes the database, and frees the catalog. Does nothing if `catalog` is
 * NULL. If syncing to the disk takes longer than half a second, returns and leaves a
 * child process that finishes it.
 */
void catalog_close(struct catalog *catalog);

/*
 * Commits the open transaction, if there is one. If there are too many texts or the disk
 * is nearly full, it also evicts the least recently used ones, but per call at most as
 * many bytes as were added plus some megabytes. If the disk has no space for the
 * transaction, it stays open in memory and the next call tries again; it is lost if there
 * is still no space when the catalog is closed.
 *
 * Returns 0, or -EIO if the writes since the last commit were lost. The rows that were
 * returned for them do not exist then (-ENOENT).
 */
int catalog_commit(struct catalog *catalog);

/*
 * True if the file is larger than it should be: it has texts beyond a `texts_max` that
 * was lowered, or more than 8 MiB of unused pages. On a nearly full disk, any unused page
 * counts, and any text that must be evicted to keep some space free.
 */
bool catalog_has_excess(const struct catalog *catalog);

/*
 * Lets the texts exceed their maximum size by `bytes`, while texts wait for a reader that
 * goes through many: otherwise they would displace others, or each other. If this lowers
 * the maximum, the file has excess until catalog_trim() was called.
 */
void catalog_set_headroom(struct catalog *catalog, uint64_t bytes);

/*
 * Makes a file that has excess smaller by one step, which takes some milliseconds. Takes
 * effect with the next catalog_commit(). Does nothing while another process is writing.
 */
void catalog_trim(struct catalog *catalog);

/*
 * Starts a read transaction: until catalog_read_end() all reads see the same state of the
 * database. They also cost less, because otherwise SQLite locks the file and checks for
 * changes by other mounts for every row. Other processes cannot commit in the meantime,
 * so use it for one reply, not for a whole turn of the event loop. A write ends it early.
 * Returns false if it was not started, also because one is open: then do not end it.
 */
bool catalog_read_begin(struct catalog *catalog);

/* Ends the read transaction, if one is open. */
void catalog_read_end(struct catalog *catalog);

/* Returns the total time spent waiting for other processes to unlock the database. */
int64_t catalog_waited_ms(const struct catalog *catalog);

/*
 * Returns a wall time after which no text was used that this process has evicted, will
 * evict to end an excess, or could not write; 0 if there are none. It can be up to five
 * minutes later than the last use.
 */
int64_t catalog_dropped_ms(struct catalog *catalog);

/* True if the latest writes are in memory only, because the disk has no space. */
bool catalog_is_unsaved(const struct catalog *catalog);

/* Totals over all jobs that are not deleted. */
struct catalog_totals {
	uint64_t jobs;
	uint64_t bytes;      /* size of all jobs' JSON files, as far as it is known */
	uint64_t text_bytes; /* size of all cached texts, compressed, in bytes */
};

/*
 * Returns by how many bytes all cached texts can grow before any is evicted: up to
 * `texts_max`, or until the disk is nearly full. A disk on the network counts as empty,
 * because asking it may take long.
 */
uint64_t catalog_free_bytes(struct catalog *catalog);

/* Reads the totals, including the writes that are not committed yet. */
void catalog_totals(struct catalog *catalog, struct catalog_totals *ret_totals);
