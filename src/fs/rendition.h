/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/list.h"
#include "catalog/jobs.h"
#include "render/render.h"

struct fs;
struct request;

/*
 * Jobs as other formats than JSON (SPEC 8.1): made when somebody looks one up, and again
 * when somebody reads one that is no longer in memory. A version of a job gives the same
 * bytes each time.
 */
struct renditions {
	struct list texts; /* the one used last is the last */
	size_t len;
	size_t bytes;
};

void renditions_init(struct renditions *renditions);
void renditions_done(struct renditions *renditions);

/* The number (inode or node) of a job's, in a format: catalog/jobs.h leaves two bits. */
static inline uint64_t rendition_number(uint64_t number, enum format format)
{
	return number | format;
}

/* The format that a number stands for; FORMAT_JSON also for those of directories. */
enum format rendition_format(uint64_t number);

/*
 * A job as `format`, valid until the next call. 0; -ENODATA where the job's text has to
 * be fetched first; -ESTALE where the job has changed a moment ago; -EFBIG; -ENOMEM,
 * -EIO.
 */
int rendition_get(struct fs *fs, const struct catalog_job *job, enum format format,
	const struct buf **ret_text);

/* Handlers of READ and GETATTR for a node that has such a format. */
void rendition_read(struct request *request);
void rendition_getattr(struct request *request);
