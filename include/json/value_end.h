/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Where does a value end? Found without looking at more than quotes, backslashes and
 * brackets, in bytes that come in pieces cut anywhere. Of a value that is JSON the end is
 * right; of one that is not it is somewhere, and json_print() will see what is wrong.
 */
struct json_extent {
	size_t depth;
	uint64_t in_string; /* all bits set within a string, else 0 */
	bool escaped;       /* the next byte follows a backslash */
	const char *(*find)(struct json_extent *extent, const char *in, const char *end);
};

/* Can a value begin with this byte? */
bool json_extent_begins(char first);

/* Begins a value whose first byte is `first`; json_extent_find() reads that byte too. */
void json_extent_begin(struct json_extent *extent, char first);

/*
 * The next bytes: one past the value's last byte, or NULL where it goes on. A number or
 * a literal ends before the byte that is not its own, so it may end at `in`.
 */
static inline const char *json_extent_find(
	struct json_extent *extent, const char *in, const char *end)
{
	return extent->find(extent, in, end);
}
