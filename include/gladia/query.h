/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "gladia/job.h"
#include "gladia/metadata.h"
#include "gladia/zone.h"

/*
 * A query selects jobs: by status, by time of creation, and by filters on
 * custom_metadata. It can be copied. Narrowing it by path components gives the same query
 * in any order (SEMANTICS 3.2).
 */
struct span {
	int64_t from_ms; /* created at or after; INT64_MIN for no limit */
	int64_t to_ms;   /* created before; INT64_MAX for no limit */
};

enum {
	QUERY_SPANS_MAX = 32,
	QUERY_KEY_MAX = 4096, /* bytes of query_key(), with the NUL */
	QUERY_ALL_STATUSES = (1 << JOB_STATUSES) - 1,
};

struct query {
	enum zone zone; /* of the days and times by which it is narrowed */
	/* Bits 1 << enum job_status. If all four are set, JOB_OTHER matches too. */
	unsigned statuses;
	unsigned spans_len;
	/* Latest first; they neither overlap nor touch. */
	struct span spans[QUERY_SPANS_MAX];
	char metadata[METADATA_FILTER_MAX]; /* filters of metadata.h; "" for none */
};

/* Sets `query` to all jobs, and its zone to UTC. */
void query_init(struct query *query);

/*
 * The kinds of filter that a path component can have. The words of a component, separated
 * by commas, mean "or"; the component as a whole narrows the query:
 *
 *   QUERY_STATUS  queued, processing, done, error
 *   QUERY_DATE    YYYY-MM-DD, YYYY-MM or YYYY: created on that day, in that month
 *                 or in that year, of the query's zone
 *   QUERY_AFTER   a timestamp (zone_parse_timestamp()): created then or later
 *   QUERY_BEFORE  a timestamp: created earlier
 *   QUERY_KEY     KEY (only one, no comma): has this key in custom_metadata
 *   QUERY_VALUE   VALUE: the key named last has this value
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
 * Narrows `query` by "word[,word...]".
 *
 * Returns 0, -ENOENT if a word is empty or not valid for this filter, or -ENAMETOOLONG if
 * the result has more than QUERY_SPANS_MAX spans or more than METADATA_FILTER_MAX bytes
 * of metadata filters. On failure the query is unchanged.
 */
int query_narrow(struct query *query, enum query_filter filter, const char *words);

/* True if no job can match, so that no request is necessary. */
bool query_is_empty(const struct query *query);

/* True if every job matches. */
bool query_is_all(const struct query *query);

/*
 * True if the job's status and time match. Filters on metadata are not checked here, but
 * by jobs_match() of catalog/jobs.h.
 */
bool query_matches(const struct query *query, const struct job *job);

/* Writes the canonical text of a query: equal queries have equal keys. */
void query_key(const struct query *query, char key[static QUERY_KEY_MAX]);

/*
 * Appends the query part of the URL that lists one span of the query, e.g.
 * "offset=0&limit=20&status=done&after_date=...". `span` is an index less than spans_len.
 *
 * The API does not document what `date` means, nor if its limits are inclusive. We
 * therefore use after_date and before_date in UTC, with one millisecond more at the
 * start; the caller must check the answer with query_matches(). Filters on metadata are
 * not part of the URL (see sync/source_select).
 *
 * Returns 0, or an error of buf_append().
 */
int query_print_url(const struct query *query, unsigned span, uint64_t offset,
	unsigned limit, struct buf *out);
