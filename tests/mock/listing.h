/* SPDX-License-Identifier: MIT */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "account.h"
#include "modes.h"

/*
 * The query of a list request, and the jobs that match it.
 */

struct query {
	uint64_t offset, limit;
	unsigned statuses;   /* bit mask of enum status; 0: any */
	int64_t from, until; /* from <= created_at < until */
	cJSON *metadata;     /* NULL: any */
	bool loose;          /* metadata values are text, whatever their type */
	bool exact;          /* the metadata must be equal */
	bool nothing;        /* no job matches */
	bool unprocessable;  /* an error is 422, not 400 */
	struct text filter;  /* the query as received, without offset and limit */
	struct text errors;  /* error messages: JSON strings, with commas between them */
};

/* Parses the query after "?". If there are errors, `errors` is not empty. */
void query_parse(struct query *q, const char *query, const struct modes *modes);
void query_done(struct query *q);

/* Parses a number as the API does. Returns 0 or -EINVAL. */
int query_number(const char *s, uint64_t *ret_n);

/* True if the job matches the query's filters. The caller frees `scratch`. */
bool listing_matches(const struct job *job, const struct query *q, struct text *scratch);

/* The jobs that match a query, in the order in which they are listed. */
struct listing {
	char *filter;
	uint64_t generation;
	struct job *const *jobs; /* `own`, or the array of the account */
	struct job **own;
	size_t count;
	bool backwards; /* the order of jobs[] is reversed */
};

#define LISTINGS 16 /* number of listings that are cached until the account changes */

struct listings {
	struct listing entries[LISTINGS];
	unsigned next;
};

void listings_done(struct listings *l);

/*
 * Returns the jobs of a query. Valid until the account or a mode changes, or LISTINGS
 * other queries were requested.
 */
const struct listing *listings_get(struct listings *l, const struct account *a,
	const struct query *q, enum order order);

struct job *listing_job(const struct listing *l, size_t index);
