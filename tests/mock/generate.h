/* SPDX-License-Identifier: MIT */
#pragma once

#include "account.h"

/*
 * Accounts and jobs made from a seed: the same seed, the same bytes, on every machine.
 */

struct population {
	uint64_t seed;
	size_t jobs;
	uint32_t bytes_min;  /* of a job, evenly */
	uint32_t bytes_max;  /* 0 and 0: 2 to 200 kB, mean 20 kB */
	unsigned days;       /* over which the jobs are spread */
	unsigned unfinished; /* how many of the newest are queued or processing */
	unsigned errors;     /* per cent of the finished ones */
	int64_t newest;      /* created_at of the newest job */
};

/* Fills an empty account. */
void generate_account(struct account *a, const struct population *p);

/* A size within the population's, from chance. */
uint32_t generate_size(const struct population *p, uint64_t *state);

/* An error_code from chance. */
uint16_t generate_error(uint64_t seed);

/* Adds the custom_metadata of a seed: JSON, an object or null. */
void generate_metadata(uint64_t seed, struct text *out);

/* Writes a job into `out`, about job->bytes long if it is done. */
struct body generate_text(const struct job *job, struct text *out);

/* Sentences per language, ended by NULL; words.c. */
struct language {
	const char *code;
	const char *const *sentences;
	unsigned count;
};

#define LANGUAGES 5
extern const struct language languages[LANGUAGES];
