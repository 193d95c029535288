/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "json/cursor.h"

/*
 * Facts are short values that describe a job and its recording. They are found in the
 * job's JSON text or in its item in a list, and the catalog stores them with each job, so
 * that no text has to be read for them.
 */
enum job_fact {
	JOB_FILENAME, /* file.filename, else the last segment of file.source, decoded */
	JOB_ERROR_CODE,
	JOB_AUDIO_DURATION, /* numbers have the digits that the API sent */
	JOB_BILLING_TIME,
	JOB_CHANNELS,
	JOB_LANGUAGES,    /* joined by commas */
	JOB_SPEAKERS,     /* number of different speakers, if utterances have speakers */
	JOB_WORDS,        /* number of words in the utterances */
	JOB_TRANSLATIONS, /* languages of the translations, joined by commas */
	JOB_FACTS,
};

enum {
	JOB_FILENAME_MAX = 1024, /* bytes; a longer one is cut at a character */
	JOB_FACT_MAX = 512,      /* bytes of any other value; a longer one is unknown */
	JOB_FACTS_TEXT_MAX = JOB_FILENAME_MAX + (JOB_FACTS - 1) * JOB_FACT_MAX +
			     JOB_FACTS,
};

/*
 * The facts of one job. `text` has the values in the order of enum job_fact, each with a
 * NUL behind it; "" is unknown. Only the first `len` bytes are initialized.
 */
struct job_facts {
	size_t len;
	char text[JOB_FACTS_TEXT_MAX];
};

/* Makes all facts unknown. */
void job_facts_init(struct job_facts *ret_facts);

/* Returns a fact, or "" if it is unknown. The string points into `facts`. */
const char *job_fact(const struct job_facts *facts, enum job_fact fact);

/*
 * Copies facts that were stored. Returns false, and makes them all unknown, if the bytes
 * are not those of a struct job_facts.
 */
bool job_facts_load(const void *text, size_t len, struct job_facts *ret_facts);
