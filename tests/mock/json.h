/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/*
 * JSON as text (RFC 8259). cJSON parses control calls. The jobs and pages that the mock
 * server sends are handled as text, because numbers must keep their digits. The input
 * must be valid JSON: these functions do not read beyond it, but do not check it.
 */

struct span {
	const char *p;
	size_t n;
};

/* Finds the text of the value of `key` in an object. Returns false if there is none. */
bool json_member(struct span object, const char *key, struct span *ret_value);

/*
 * Returns the value of `key` in an object as a new string without escapes, if it is a
 * string or a number; otherwise NULL.
 */
char *json_member_string(struct span object, const char *key);

/* Adds `in` with one value per line, indented by two spaces per level. */
void json_pretty(struct text *out, struct span in);
