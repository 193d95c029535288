/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "gladia/job.h"
#include "gladia/metadata.h"

/*
 * Which jobs a directory shows: a set of statuses, a set of times of creation, filters on
 * custom_metadata. A plain value; narrowing it by one path component after the other
 * gives the same query in any order (SPEC 3.2).
 */
struct span {
	int64_t from_ms; /* created at or after; INT64_MIN: no limit */
	int64_t to_ms;   /* created before; INT64_MAX: no limit */
};

enum {
	QUERY_SPANS_MAX = 32,
	QUERY_KEY_MAX = 3072, /* bytes of query_key() with its NUL */
	QUERY_ALL_STATUSES = (1 << JOB_STATUSES) - 1,
};

struct query {
	unsigned statuses; /* bits 1 << enum job_status; all four: JOB_OTHER as well */
	unsigned spans_len;
	struct span spans[QUERY_SPANS_MAX]; /* latest first, apart from each other */
	char metadata[METADATA_FILTER_MAX]; /* metadata.h; "": none */
};

/* Every job. */
void query_init(struct query *query);

/*
 * The filters a path component can name. The words of one component, separated by
 * commas, mean "or"; what they give together narrows the query:
 *
 * QUERY_STATUS  queued, processing, done, error
 * QUERY_DATE    YYYY-MM-DD: created that day (UTC)
 * QUERY_AFTER   an instant (instant_parse()): created then or later
 * QUERY_BEFORE  an instant: created earlier
 * QUERY_KEY     KEY (only one, no comma): has this key in custom_metadata
 * QUERY_VALUE   VALUE: the key named last has this value
 */
enum query_filter {
	QUERY_STATUS,
	QUERY_DATE,
	QUERY_AFTER,
	QUERY_BEFORE,
	QUERY_KEY,
	QUERY_VALUE,
};

/*
 * Narrows `query` by "word[,word...]". 0; -ENOENT where a word is none of the filter's
 * (an empty one included); -ENAMETOOLONG beyond QUERY_SPANS_MAX spans, or
 * METADATA_FILTER_MAX. On failure the query is as it was.
 */
int query_narrow(struct query *query, enum query_filter filter, const char *words);

/* Nothing can match: to be answered without a request. */
bool query_is_empty(const struct query *query);

/* Every job matches. */
bool query_is_all(const struct query *query);

/* All but the filters on metadata, which jobs_match() of catalog/jobs.h knows of. */
bool query_matches(const struct query *query, const struct job *job);

/* The canonical text of a query: equal queries have equal keys. NUL-terminated. */
void query_key(const struct query *query, char key[static QUERY_KEY_MAX]);

/*
 * The URL query that asks the API for one of the query's spans (an index below
 * spans_len), e.g. "offset=0&limit=20&status=done&after_date=...", appended. What the API
 * means by `date`, and whether its limits are inclusive, is not known: the text asks with
 * instants in UTC, a millisecond wide on the earlier side, and the answer has to be
 * checked with query_matches(). Filters on metadata are left out (sync/select_growing.c).
 * 0 or buf's errors.
 */
int query_print_url(const struct query *query, unsigned span, uint64_t offset,
	unsigned limit, struct buf *out);
