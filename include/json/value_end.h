/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Finds the end of a JSON value in a stream of bytes that may be split anywhere. Only
 * quotes, backslashes and brackets are examined, so this is fast but does not validate:
 * if the value is not JSON, the end that is found is arbitrary. Use json_print() or
 * json_check() to validate the value.
 */
struct json_value_end {
	size_t depth;       /* number of brackets that are open */
	uint64_t in_string; /* all bits are set inside a string, none outside */
	bool escaped;       /* the previous byte was a backslash that escapes the next */
	const char *(*find)(
		struct json_value_end *extent, const char *in, const char *end);
};

/* True if a JSON value can begin with this byte. */
bool json_value_end_begins(char first);

/*
 * Starts a value whose first byte is `first`. That byte must also be the first one passed
 * to json_value_end_find().
 */
void json_value_end_begin(struct json_value_end *extent, char first);

/*
 * Reads the next bytes [in, end). Returns the byte after the value, or NULL if the value
 * does not end in these bytes. The end of a number or a literal is known only when the
 * next byte arrives, so the returned pointer may be `in`.
 */
static inline const char *json_value_end_find(
	struct json_value_end *extent, const char *in, const char *end)
{
	return extent->find(extent, in, end);
}
