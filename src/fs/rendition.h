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
 * looked up, and again if it is read after its text was evicted from memory. Only for a
 * reader whose texts are fetched again, it is rendered ahead (rendition_spool()).
 * Subtitles in both formats are rendered together. One version of a job gives the same
 * bytes each time.
 */
struct renditions {
	struct list texts; /* least recently used first */
	size_t len;
	size_t bytes; /* memory allocated for all texts */
};

void renditions_init(struct renditions *renditions);
void renditions_done(struct renditions *renditions);

/* Which file of a job: its transcription, or one of its translations, in a format. */
struct variant {
	enum format format;
	unsigned translation; /* 0 for the transcription; see format_render() */
};

/*
 * Returns the number (inode or node) of a job's file. The format is in the three lowest
 * bits and the translation in the five above them; all of these are clear in the job's
 * own number, which is that of its JSON file (catalog/jobs.h).
 */
uint64_t rendition_number(uint64_t number, struct variant variant);

/* True if the number (inode or node) is that of a job's file other than JSON. */
bool rendition_is_number(uint64_t number);

/*
 * Gives a file of a job, rendering it if it is neither in memory nor in the spool
 * (catalog/spool.h). If it is a subtitle file, the one in the other format may be in
 * memory as well then. `ret_text` is valid until the next call.
 *
 * Returns 0; -EAGAIN after parking the request if the job's JSON text has to be fetched;
 * -ENOENT if the job has no such translation; -ESTALE if the job has changed a moment
 * ago; -EFBIG if the result is too long; or another negative errno.
 */
int rendition_get(struct request *request, const struct catalog_job *job,
	struct variant variant, const struct buf **ret_text);

/*
 * To be called after the reply to a request that has called rendition_get(). If the job's
 * text had been evicted, its reader may go through a directory: prefetches what follows.
 */
void rendition_replied(
	const struct request *request, const struct catalog_job *job, enum format format);

/*
 * Renders the files of a job in these formats (a bit each), those of its translations
 * included, and puts them in the spool. Does nothing if the job's text is not cached.
 */
void rendition_spool(struct fs *fs, const struct catalog_job *job, unsigned formats);

/* Handlers of READ and GETATTR for a node in another format than JSON (request.h). */
int rendition_read(struct request *request);
int rendition_getattr(struct request *request);
