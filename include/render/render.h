/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/buf.h"

/*
 * What a job can be read as (SPEC 8.1). Texts are made of the job's JSON text alone, so
 * that one version of a job always gives the same bytes. Pure functions; nothing waits.
 *
 * The numbers are part of inode numbers (catalog/jobs.h: two bits).
 */
enum format {
	FORMAT_JSON, /* the job itself */
	FORMAT_TXT,  /* what was said */
	FORMAT_SRT,  /* SubRip subtitles */
	FORMAT_VTT,  /* WebVTT subtitles */
	FORMATS,
};

enum { FORMAT_TEXT_MAX = 64 << 20 }; /* bytes of a text that is made */

/* "json" ...; and with a dot: the end of a file's name. */
const char *format_name(enum format format);
const char *format_suffix(enum format format);

/* By its name, `len` bytes. 0 or -ENOENT. */
int format_find(const char *name, size_t len, enum format *ret_format);

/*
 * Appends a job as another format than JSON. `job` is its whole text as json_print()
 * gives it. What is missing in it, or not of the type the API says, counts as absent: the
 * text made is then shorter, and sound all the same.
 *
 * 0; -EBADMSG where that is no JSON object; -EMSGSIZE or -ENOMEM from `out`, -ENOMEM.
 * What `out` holds after a failure is of no use.
 */
int format_render(enum format format, const char *job, size_t len, struct buf *out);
