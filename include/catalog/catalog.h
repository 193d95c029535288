/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"
#include "gladia/job.h"

/*
 * What is known of an account's jobs: an SQLite database, on disk (it then survives and
 * may be shared by several mounts) or private and temporary. Nothing here waits for the
 * network; a call can wait for the disk, and up to CATALOG_BUSY_MS for another process
 * that writes to the same file.
 *
 * Writes are gathered in a transaction that is ended by catalog_commit().
 */
struct catalog;

enum { CATALOG_BUSY_MS = 1000 };

struct catalog_config {
	const char *path;    /* NULL: private and temporary */
	uint64_t bodies_max; /* bytes of bodies to keep; the last one used always stays */
	const char *boot; /* "HOST ID", of this start of this machine; NULL: the system's,
			   * "": not known */
};

/*
 * Opens or makes the database (mode 0600). One that is damaged, foreign or of another
 * schema, or was in use when the machine went down (it is never synced meanwhile), is
 * renamed to PATH.damaged, with a sentence in the log, and begun anew. One
 * that cannot be written (read-only or full disk, permissions) is done without: a
 * temporary one takes its place, with a sentence. 0 or -EIO, -ENOMEM.
 */
int catalog_open(const struct catalog_config *config, const struct clock *clock,
	const struct log *log, struct catalog **ret_catalog);

/*
 * The directory for the files of a temporary database, which SQLite makes when memory
 * (8 MiB) does not suffice: $TMPDIR if it can be written, else /var/tmp or /tmp. It is
 * not the caller's, and lives until the environment changes.
 */
const char *catalog_temporary_dir(void);

/*
 * Commits and closes. Where the disk has not taken all within half a second, a child is
 * left that waits for it. NULL is fine.
 */
void catalog_close(struct catalog *catalog);

/*
 * Ends the transaction, if one is open, and lets the least recently used bodies go where
 * there are too many, or the disk is nearly full: as many as came, and some megabytes
 * more. If the disk has no space for it, the transaction stays open, in memory, and the
 * next call tries again; at the end it may be lost. 0 or -EIO: what was
 * written since the last commit is lost, and of the rows that were given out for it
 * nothing is known (-ENOENT).
 */
int catalog_commit(struct catalog *catalog);

/*
 * Whether the file holds more than it should: bodies beyond a `bodies_max` that was
 * lowered, or more than 8 MiB that nothing uses. One step, some milliseconds, makes it
 * smaller; it ends with catalog_commit(). Where another process writes, it does nothing.
 */
bool catalog_has_excess(const struct catalog *catalog);
void catalog_trim(struct catalog *catalog);

/*
 * What is read between these is of one moment, and costs less: SQLite would else lock the
 * file, and look whether another mount has changed it, for each row. Others cannot commit
 * meanwhile, so it is for one reply, not for a turn. A write in between ends it.
 */
void catalog_read_begin(struct catalog *catalog);
void catalog_read_end(struct catalog *catalog);

/* How long other processes were waited for that had the database locked, in all. */
int64_t catalog_waited_ms(const struct catalog *catalog);

/* Of all jobs but the gone. */
struct catalog_totals {
	uint64_t jobs;
	uint64_t bytes; /* of those whose size is known */
	uint64_t kept;  /* bytes of bodies */
};
void catalog_totals(struct catalog *catalog, struct catalog_totals *ret_totals);
