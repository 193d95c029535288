/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * Extracts single values of a job for extended attributes (SEMANTICS 5.5). The job's
 * JSON, as json_print() formats it, is fed in parts, so that a long transcript is never
 * held in memory.
 */
enum {
	JOB_ATTRIBUTES = 12,
	JOB_ATTRIBUTE_MAX = 48 << 10, /* bytes of a value; a longer one is left out */
};

struct job_attributes {
	struct buf line;
	bool cut;         /* the current line is longer than JOB_ATTRIBUTE_MAX */
	bool within_file; /* the current line is inside the member "file" */
	int collecting;   /* attribute whose object or array is being read; -1 if none */
	unsigned has;     /* bit i is set if values[i] is valid */
	struct buf values[JOB_ATTRIBUTES];
};

/* Prepares `facts` for the first part of a job. Release it with job_attributes_done(). */
void job_attributes_init(struct job_attributes *facts);

/* Frees the memory of `facts`. */
void job_attributes_done(struct job_attributes *facts);

/* Reads the next `len` bytes of the job's JSON. Returns 0 or -ENOMEM. */
int job_attributes_feed(struct job_attributes *facts, const char *text, size_t len);

/* Returns the name of attribute number `fact`, such as "status". */
const char *job_attribute_name(int fact);

/* Returns the number of the attribute with that name, or -1 if there is none. */
int job_attribute_find(const char *name);

/*
 * True if the job has this attribute; one that is null counts as absent. The value is in
 * facts->values[fact]: a string without quotes and escapes, a number with the digits that
 * the API sent, an object or array as JSON on one line.
 */
bool job_attribute_is_there(const struct job_attributes *facts, int fact);
