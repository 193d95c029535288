/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "db_file.h"

/*
 * The crash marker says whether a power cut may have torn a database on disk. SQLite does
 * not sync (schema.c). While the machine is up, every process sees a whole file; but
 * after a power cut any page may be in a much older state, and nothing shows that a text
 * is not the right one. Therefore, as filesystems do, we keep a marker in a file beside
 * the database (PATH-boot), which names the boot in which the database is in use. It is
 * on the disk before we write anything else, and cleared once everything is on the disk.
 *
 * On a network or FUSE filesystem there is no marker, because another machine may use the
 * file. SQLite syncs there.
 */
enum { CRASH_MARKER_BOOT_SIZE = 192 };

struct crash_marker {
	int fd;      /* descriptor of the marker; -1: there is none */
	bool is_set; /* the marker says that the database is in use */
	char boot[CRASH_MARKER_BOOT_SIZE]; /* id of the current boot */
};

/*
 * Opens the marker, and creates it if necessary. Call it with the database file locked
 * (db_file_lock()). `boot` is the id of the current boot, or NULL for the system's. If it
 * is "", or the system's is not known, no marker is used.
 *
 * Sets `ret_cut` if an earlier boot left the marker, so that the database cannot be
 * trusted. Returns 0 or a negative errno.
 */
int crash_marker_open(struct crash_marker *marker, const struct db_file *place,
	const char *boot, bool *ret_cut);

/*
 * Marks the database as in use. Must succeed before anything is written to the database.
 * Blocks until the marker is on the disk. Returns 0 or a negative errno.
 */
int crash_marker_set(struct crash_marker *marker, const struct db_file *place);

/*
 * While `doubt` is set, a process that finds the marker after we have died takes the
 * database for one that a power cut has torn. We set it while we write without a journal
 * on disk. Needs no space on the disk. Returns 0, or a negative errno if the marker
 * cannot be written.
 */
int crash_marker_doubt(const struct crash_marker *marker, bool doubt);

/*
 * Call it after the database was closed. If no other process has the database open, syncs
 * it and clears the marker. A child process does this, because a process that waits for a
 * disk cannot be killed; we wait for it for half a second at most. Closes the marker.
 * Does nothing if `fd` is -1.
 */
void crash_marker_close(struct crash_marker *marker, const struct db_file *place);
