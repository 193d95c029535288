/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "json/cursor.h"

/*
 * Renditions of a job (SEMANTICS 8.1). They are made from the job's JSON text alone, so
 * the same version of a job always gives the same bytes. These functions have no side
 * effects and never block.
 *
 * The numbers are part of inode numbers (catalog/jobs.h).
 */
enum format {
	FORMAT_JSON, /* the job itself */
	FORMAT_TXT,  /* the transcript as text */
	FORMAT_SRT,  /* SubRip subtitles */
	FORMAT_VTT,  /* WebVTT subtitles */
	FORMAT_MD,   /* notes in Markdown */
	FORMATS,
};

enum { FORMAT_TEXT_MAX = 64 << 20 }; /* bytes of a rendition */

/* Returns the name of a format: "json", "txt", "srt", "vtt" or "md". */
const char *format_name(enum format format);

/* Returns the end of a file name in this format: the format's name after a dot. */
const char *format_suffix(enum format format);

/* True if a job has a file in this format for each translation. */
bool format_has_translations(enum format format);

/*
 * Finds the format whose name is the first `len` bytes of `name`. Returns 0, or -ENOENT
 * if there is none.
 */
int format_find(const char *name, size_t len, enum format *ret_format);

enum { RENDER_TRANSLATIONS_MAX = 31, RENDER_LANGUAGE_MAX = 15 };

/*
 * Returns the length of a language's code: letters, digits and "-", at most
 * RENDER_LANGUAGE_MAX of them. `code` is what is between the quotes of a string. Returns
 * 0 if it is not a code, or absent.
 */
size_t render_language_len(struct json_slice code);

/* The languages of a job's translations, in lower case. */
struct render_translations {
	unsigned len;
	char languages[RENDER_TRANSLATIONS_MAX][RENDER_LANGUAGE_MAX + 1];
};

/*
 * Lists the translations of a job that can be rendered, in the order of its text. `job`
 * is its complete text, `len` bytes as json_print() writes them. A translation is left
 * out if it has no text, if the first string of its `languages` is not a language's code,
 * or if an earlier translation has the same language.
 */
void render_translations(
	const char *job, size_t len, struct render_translations *ret_translations);

enum { RENDER_REPLACED = 1 };

/*
 * Appends a job in a format other than JSON. `job` is its complete text, `len` bytes as
 * json_print() writes them. Members that are missing or have a type that the API does not
 * document count as absent: the rendition is then shorter, but still valid.
 * `translation` is 0 for the transcription, or n for the n-th translation of
 * render_translations(), counted from 1.
 *
 * Returns 0; RENDER_REPLACED if the rendition is complete, but has subtitles of our own
 * because no cue could be read in those that the API made; -ENOENT if there is no such
 * translation; -EBADMSG if `job` is not a JSON object; -EMSGSIZE if `out` would become
 * too large; or -ENOMEM. After a failure `out` may contain part of the rendition.
 */
int format_render(enum format format, unsigned translation, const char *job, size_t len,
	struct buf *out);

/* One of several renditions of a job. */
struct rendering {
	struct buf *out;
	enum format format;
	int result; /* what format_render() returns for this format */
};

/*
 * Appends a job in several formats other than JSON, and sets the result of each. This is
 * the same as calling format_render() for each, but reads the job only once and cuts the
 * cues of its subtitles only once.
 */
void format_render_each(unsigned translation, const char *job, size_t len,
	struct rendering *renderings, size_t renderings_len);
