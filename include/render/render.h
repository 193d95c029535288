/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/buf.h"

/*
 * Renditions of a job (SEMANTICS 8.1). They are made from the job's JSON text alone, so
 * the same version of a job always gives the same bytes. These functions have no side
 * effects and never block.
 *
 * The numbers are part of inode numbers, which have two bits for them (catalog/jobs.h).
 */
enum format {
	FORMAT_JSON, /* the job itself */
	FORMAT_TXT,  /* the transcript as text */
	FORMAT_SRT,  /* SubRip subtitles */
	FORMAT_VTT,  /* WebVTT subtitles */
	FORMATS,
};

enum { FORMAT_TEXT_MAX = 64 << 20 }; /* bytes of a rendition */

/* Returns the name of a format: "json", "txt", "srt" or "vtt". */
const char *format_name(enum format format);

/* Returns the end of a file name in this format: the format's name after a dot. */
const char *format_suffix(enum format format);

/*
 * Finds the format whose name is the first `len` bytes of `name`. Returns 0, or -ENOENT
 * if there is none.
 */
int format_find(const char *name, size_t len, enum format *ret_format);

/*
 * Appends a job in a format other than JSON. `job` is its complete text, `len` bytes as
 * json_print() writes them. Members that are missing or have a type that the API does not
 * document count as absent: the rendition is then shorter, but still valid.
 *
 * Returns 0, -EBADMSG if `job` is not a JSON object, -EMSGSIZE if `out` would become too
 * large, or -ENOMEM. After a failure `out` may contain part of the rendition.
 */
int format_render(enum format format, const char *job, size_t len, struct buf *out);
