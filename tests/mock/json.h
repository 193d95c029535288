/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/*
 * JSON as text (RFC 8259). cJSON reads the control calls; what the mock server sends is
 * cut and laid out here, byte for byte, because numbers must keep their digits. The input
 * is trusted to be JSON: these functions stay inside it but do not check it.
 */

struct span {
	const char *p;
	size_t n;
};

/* The value of `key` in the object `object`, as it is written there. */
bool json_member(struct span object, const char *key, struct span *ret_value);

/* The same, where the value is a string or a number: as a new string, escapes undone. */
char *json_member_string(struct span object, const char *key);

/* Adds `in` with one value a line and two spaces a level. */
void json_pretty(struct text *out, struct span in);
