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
	unsigned statuses;   /* bits by enum status; 0: any */
	int64_t from, until; /* from <= created_at < until */
	cJSON *metadata;     /* NULL: any */
	bool loose;          /* metadata values are text, whatever their type */
	bool exact;          /* metadata is this, and holds nothing else */
	bool nothing;        /* no job matches */
	bool unprocessable;  /* an error is 422, else 400 */
	struct text filter;  /* the query as it came, without offset and limit */
	struct text errors;  /* what is wrong with it: JSON strings and commas */
};

/* Reads the query behind "?"; with errors, `errors` is not empty. */
void query_parse(struct query *q, const char *query, const struct modes *modes);
void query_done(struct query *q);

/* -EINVAL if the text is no number of the API's. */
int query_number(const char *s, uint64_t *ret_n);

/* True if the query's filters let the job pass; `scratch` is emptied by the caller. */
bool listing_matches(const struct job *job, const struct query *q, struct text *scratch);

/* The jobs of a query, in the order in which they are listed. */
struct listing {
	char *filter;
	uint64_t generation;
	struct job *const *jobs; /* own, or the account's */
	struct job **own;
	size_t count;
	bool backwards; /* jobs[] is to be read from its end */
};

#define LISTINGS 16 /* how many queries are remembered until the account changes */

struct listings {
	struct listing entries[LISTINGS];
	unsigned next;
};

void listings_done(struct listings *l);

/* Valid until the account or a mode changes, or LISTINGS other queries were asked. */
const struct listing *listings_get(struct listings *l, const struct account *a,
	const struct query *q, enum order order);

struct job *listing_job(const struct listing *l, size_t index);
