/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "catalog/jobs.h"

/*
 * The spool: files that were made of jobs' texts ahead of a reader that has not read them
 * yet. Each is taken out once. The spool is part of the database, but its files do not
 * count as texts: compressed they may have half of `texts_max` bytes in addition. One
 * that does not fit displaces others, in no particular order. The next catalog_open()
 * empties the spool.
 *
 * `file` says which file of the job it is, from 1 to JOB_FILES_MASK.
 */

/* Bytes of a file; a longer one is not spooled. */
enum { SPOOL_FILE_MAX = 120 << 10 };

/*
 * Puts a file of this version of the job in the spool, in place of an older copy. Does
 * nothing if it is too long, while another process is writing, or if the disk is nearly
 * full. `text` may be NULL if it is empty.
 */
void spool_put(struct catalog *catalog, const struct catalog_job *job, unsigned file,
	const char *text, size_t len);

/*
 * Takes a file of this version of the job out of the spool, and appends it to `text`.
 * Returns 0, -ENODATA if it is not there, -ENOMEM, -EMSGSIZE if `text` would become too
 * large, or -EIO.
 */
int spool_take(struct catalog *catalog, const struct catalog_job *job, unsigned file,
	struct buf *text);
