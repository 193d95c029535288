/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * Single values of a job, as extended attributes show them (SPEC 5.5): read out of its
 * text as json_print() lays it out, a part at a time, so that a long transcript is never
 * in memory for them.
 */
enum {
	JOB_FACTS = 12,
	JOB_FACT_MAX = 48 << 10, /* bytes of a value; a longer one is left out */
};

struct job_facts {
	struct buf line;
	bool cut;         /* the line is longer than that, */
	bool within_file; /* and stands in the member "file" */
	int collecting;   /* the fact whose lines these are; -1: none */
	unsigned has;     /* bit i: values[i] is there */
	struct buf values[JOB_FACTS];
};

void job_facts_init(struct job_facts *facts);
void job_facts_done(struct job_facts *facts);

/* More of the text. 0 or -ENOMEM. */
int job_facts_feed(struct job_facts *facts, const char *text, size_t len);

/*
 * The name of a fact, "status"; the index of a name, or -1; whether the job has it (what
 * is null it has not). Strings are told without quotes and escapes, numbers with the
 * digits they came with, objects as JSON on one line.
 */
const char *job_fact_name(int fact);
int job_fact_find(const char *name);
bool job_fact_is_there(const struct job_facts *facts, int fact);
