/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/list.h"
#include "catalog/jobs.h"
#include "render/render.h"

struct fs;
struct request;

/*
 * Jobs in other formats than JSON (SEMANTICS 8.1). A job is rendered when its name is
 * looked up, and again if it is read after its text was evicted from memory. One version
 * of a job gives the same bytes each time.
 */
struct renditions {
	struct list texts; /* least recently used first */
	size_t len;
	size_t bytes; /* memory allocated for all texts */
};

void renditions_init(struct renditions *renditions);
void renditions_done(struct renditions *renditions);

/*
 * Returns the number (inode or node) of a job's file in a format. The format is in the
 * two lowest bits, which are clear in the job's own number (catalog/jobs.h).
 */
static inline uint64_t rendition_number(uint64_t number, enum format format)
{
	return number | format;
}

/*
 * Returns the format of a file by its number (inode or node). Returns
 * FORMAT_JSON for a directory.
 */
enum format rendition_format(uint64_t number);

/*
 * Gives a job as `format`, rendering it if it is not in memory. `ret_text` is valid until
 * the next call.
 *
 * Returns 0, -ENODATA if the job's JSON text has to be fetched first, -ESTALE if the job
 * has changed a moment ago, -EFBIG if the result is too long, -EIO or -ENOMEM.
 */
int rendition_get(struct fs *fs, const struct catalog_job *job, enum format format,
	const struct buf **ret_text);

/* Handlers of READ and GETATTR for a node in another format than JSON (request.h). */
int rendition_read(struct request *request);
int rendition_getattr(struct request *request);
