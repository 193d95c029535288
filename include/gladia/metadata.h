/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "gladia/filename.h"
#include "json/cursor.h"

/*
 * Turns a job's custom_metadata into the names below metadata/KEY/VALUE/ (SEMANTICS 3.1,
 * 3.4, 3.6). A job's pairs are kept as lines "KEY=VALUE", with a line feed before the
 * first and after each one. In both words all bytes except A-Z a-z 0-9 . _ - are
 * percent-encoded, and so is a leading dot: this differs from their file names, which
 * metadata_show() gives. Without pairs the text is "".
 *
 *   {"customer": "acme"}             customer=acme
 *   {"payment": {"last4": 4576}}     payment.last4=4576     {"payment.last4": "4576"} too
 *   {"tags": ["vip", "new"]}         tags=vip, tags=new     each element is a value
 *   {"a": 1e3, "b": true, "c": null} a=1e3, b=true, c=null  numbers keep their digits
 *
 * Left out are: an empty key or value (string, object, array), a string with a NUL or a
 * lone surrogate, a name longer than FILENAME_BYTES_MAX, and everything beyond these
 * limits.
 */
enum {
	METADATA_PAIRS_MAX = 256,                   /* pairs of one job */
	METADATA_DEPTH_MAX = 16,                    /* nesting of objects and arrays */
	METADATA_WORD_MAX = 3 * FILENAME_BYTES_MAX, /* bytes of a key or value */
	METADATA_TEXT_MAX = METADATA_PAIRS_MAX * (2 * METADATA_WORD_MAX + 2) + 1,
};

/*
 * Writes the pairs of `value`, a valid JSON value (json_print()), to `text`, replacing
 * what was there. The maximum of `text` must be at least METADATA_TEXT_MAX.
 *
 * Returns 0 or -ENOMEM.
 */
int metadata_flatten(struct json_slice value, struct buf *text);

/* One "KEY=VALUE" of a job's pairs. The strings point into the text, without a NUL. */
struct metadata_pair {
	const char *key;
	size_t key_len;
	const char *value;
	size_t value_len;
};

/*
 * Gets the next pair of the text and advances `*at`, which must be 0 at first. Returns
 * false after the last pair.
 */
bool metadata_next(
	const char *text, size_t len, size_t *at, struct metadata_pair *ret_pair);

/*
 * Decodes a key or value of a job's pairs to the string that the job has. Returns 0, or
 * -EINVAL if it is not a word as metadata_flatten() writes it.
 */
int metadata_decode(
	const char *word, size_t len, char text[static FILENAME_BYTES_MAX + 1]);

/*
 * Gets the file name of a key or value of a job's pairs. Returns 0, or -EINVAL if it is
 * not a word as metadata_flatten() writes it.
 */
int metadata_show(const char *word, size_t len, char name[static FILENAME_BYTES_MAX + 1]);

/*
 * Filters on metadata: "KEY=VALUE[,VALUE...]" (one of these values) or "KEY" (any value),
 * sorted and joined by "&", which means "and". "" is no filter. The words are as in a
 * job's pairs; a key and a value of any length fit.
 */
enum { METADATA_FILTER_MAX = 1536 }; /* bytes, with the NUL */

/*
 * Adds the filter "has KEY".
 *
 * Returns 0, -ENOENT if `name` is not a name that filename_escape() writes, or
 * -ENAMETOOLONG if the filters would become too long. On failure they are unchanged.
 */
int metadata_add_key(char filters[static METADATA_FILTER_MAX], const char *name);

/*
 * Narrows the filter "has KEY" to "KEY=VALUE[,VALUE...]". There is at most one such
 * filter; `names` are the values, separated by commas.
 *
 * Returns 0, -ENOENT if there is no such filter or if a value is not a name that
 * filename_escape() writes, or -ENAMETOOLONG if the filters would become too long. On
 * failure they are unchanged.
 */
int metadata_add_values(char filters[static METADATA_FILTER_MAX], const char *names);

/* Copies the key of the filter "has KEY". Returns 0, or -ENOENT if there is none. */
int metadata_open_key(const char *filters, char key[static METADATA_WORD_MAX + 1]);

/* True if the pairs of a job, `len` bytes of `text`, match all filters. */
bool metadata_matches(const char *filters, const char *text, size_t len);
