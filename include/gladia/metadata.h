/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "gladia/filename.h"
#include "json/cursor.h"

/*
 * custom_metadata as the names in metadata/KEY/VALUE/ (SPEC 3.1, 3.4, 3.6). What a job
 * holds is a text of lines "KEY=VALUE", both escaped as names (name.h), between two line
 * feeds; "" where it holds nothing.
 *
 *   {"customer": "acme"}             customer=acme
 *   {"payment": {"last4": 4576}}     payment.last4=4576     {"payment.last4": "4576"} too
 *   {"tags": ["vip", "new"]}         tags=vip, tags=new     each element is a value
 *   {"a": 1e3, "b": true, "c": null} a=1e3, b=true, c=null  numbers keep their digits
 *
 * What has no name is left out: an empty value (string, object, array), an empty key, a
 * string with a NUL or a lone surrogate, and what is beyond these maxima or a name's.
 */
enum {
	METADATA_PAIRS_MAX = 256, /* of a job */
	METADATA_DEPTH_MAX = 16,  /* objects and arrays within each other */
	METADATA_TEXT_MAX = METADATA_PAIRS_MAX * (2 * NAME_BYTES_MAX + 2) + 1,
};

/*
 * Writes that text of `value`, a JSON value that was checked (json_print()), into `text`,
 * whose maximum is at least METADATA_TEXT_MAX. 0 or -ENOMEM.
 */
int metadata_flatten(struct json_piece value, struct buf *text);

/* One "KEY=VALUE" of such a text. */
struct metadata_pair {
	const char *key;
	size_t key_len;
	const char *value;
	size_t value_len;
};

/* The next pair from `*at` on (0 at first); false after the last. */
bool metadata_next(
	const char *text, size_t len, size_t *at, struct metadata_pair *ret_pair);

/*
 * Filters on metadata: "KEY=VALUE[,VALUE...]" or "KEY" (any value), separated by "&",
 * which mean "and" and stand in order. "" is none.
 */
enum { METADATA_FILTER_MAX = 1024 }; /* bytes with the NUL */

/*
 * Adds the filter "has KEY". 0; -ENOENT where the name is none that name_escape() gives;
 * -ENAMETOOLONG beyond the maximum. On failure the filters are as they were.
 */
int metadata_add_key(char filters[static METADATA_FILTER_MAX], const char *name);

/*
 * Narrows the one filter "has KEY" there is to "KEY=VALUE[,VALUE...]". As
 * metadata_add_key(); -ENOENT also where there is none.
 */
int metadata_add_values(char filters[static METADATA_FILTER_MAX], const char *names);

/* 0 and the key of the filter "has KEY", or -ENOENT. */
int metadata_open_key(const char *filters, char key[static NAME_BYTES_MAX + 1]);

/* Does what a job holds pass all the filters? */
bool metadata_matches(const char *filters, const char *text, size_t len);
