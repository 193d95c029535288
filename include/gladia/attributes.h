/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "gladia/facts.h"
#include "json/cursor.h"

/*
 * Single values of a job for extended attributes (SEMANTICS 5.5). The first ones are in
 * its JSON text, the others are facts.
 */
enum {
	JOB_ATTRIBUTES_IN_TEXT = 12,
	JOB_ATTRIBUTES = 15,
	JOB_ATTRIBUTE_MAX = 48 << 10, /* bytes of a value; a longer one is left out */
};

/*
 * Finds the values of the attributes in a job's JSON, as json_print() formats it. A value
 * is absent if the job does not have it.
 */
void job_attributes_read(const char *text, size_t len,
	struct json_slice ret_values[static JOB_ATTRIBUTES_IN_TEXT]);

/* Returns the fact that an attribute from JOB_ATTRIBUTES_IN_TEXT on shows. */
enum job_fact job_attribute_fact(int attribute);

/*
 * Prints a value of the text to `out`: a string without quotes and escapes, a number with
 * the digits that the API sent, an object or array as JSON on one line. The caller
 * releases `out` with buf_done().
 *
 * Returns 0; -ENODATA if the value is absent, null or longer than JOB_ATTRIBUTE_MAX; or
 * -ENOMEM. On failure there is nothing to release.
 */
int job_attribute_print(struct json_slice value, struct buf *out);

/* Returns the name of attribute number `attribute`, such as "status". */
const char *job_attribute_name(int attribute);

/* Returns the number of the attribute with that name, or -1 if there is none. */
int job_attribute_find(const char *name);
