/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gladia/facts.h"
#include "gladia/filename.h"

/*
 * Names of jobs in the views text/ and subtitles/ (SEMANTICS 3.7): "NAME~ID" and a
 * format. NAME is the recording's file name without its ending, or "untitled", escaped by
 * filename_escape_part() and cut after VIEW_NAME_MAX bytes. ID is the first 13 characters
 * of a UUID; of any other id it is all of it, with dots and tildes encoded as well.
 *
 *   call-0942~45463597-20b7.txt
 */
enum {
	VIEW_NAME_MAX = 220, /* leaves room for "~", ID, a language and a format */
	VIEW_ID_LEN = 13,    /* of a UUID */
};

/* Writes NAME of the job with these facts. */
void view_name_recording(
	const struct job_facts *facts, char name[static VIEW_NAME_MAX + 1]);

/*
 * Writes "NAME~ID". If the id is so long that no room is left, NAME is cut further.
 * Returns 0, or -ENAMETOOLONG if there would be no room for NAME at all.
 */
int view_name_print(const char *id, const struct job_facts *facts,
	char stem[static FILENAME_BYTES_MAX + 1]);

/*
 * Splits "NAME~ID", the first `len` bytes of `stem`. `ret_id` is a whole id, or the first
 * VIEW_ID_LEN characters of a UUID. Returns 0 and the length of NAME, or -ENOENT if it is
 * not of this form.
 */
int view_name_split(const char *stem, size_t len, size_t *ret_name_len,
	char ret_id[static FILENAME_BYTES_MAX + 1]);

/* Returns a positive number for NAME, by which the catalog finds its jobs. */
int64_t view_name_number(const char *name, size_t len);
