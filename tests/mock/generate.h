/* SPDX-License-Identifier: MIT */
#pragma once

#include "account.h"

/*
 * Generates accounts and jobs from a seed. The same seed gives the same bytes on every
 * machine.
 */

struct population {
	uint64_t seed;
	size_t jobs;
	uint32_t bytes_min;  /* smallest job; sizes are evenly distributed */
	uint32_t bytes_max;  /* largest job; if both are 0: 2 to 200 kB, mean 20 kB */
	unsigned days;       /* number of days over which the jobs are distributed */
	unsigned unfinished; /* how many of the newest jobs are queued or processing */
	unsigned errors;     /* per cent of the finished jobs */
	int64_t newest;      /* created_at of the newest job */
};

/* Fills an empty account. */
void generate_account(struct account *a, const struct population *p);

/* Returns a random size of the population. */
uint32_t generate_size(const struct population *p, uint64_t *state);

/* Returns the error_code for a seed. */
uint16_t generate_error(uint64_t seed);

/* Adds the custom_metadata for a seed: a JSON object, or null. */
void generate_metadata(uint64_t seed, struct text *out);

/* Writes a job to `out`. A done job has about job->bytes bytes. */
struct body generate_text(const struct job *job, struct text *out);

/* A language and its sentences (words.c). */
struct language {
	const char *code;
	const char *const *sentences;
	unsigned count;
};

#define LANGUAGES 5
extern const struct language languages[LANGUAGES];
