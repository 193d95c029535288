/* SPDX-License-Identifier: MIT */
#include "gladia/query.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "gladia/timestamp.h"

static const struct span span_always = {INT64_MIN, INT64_MAX};

void query_init(struct query *query)
{
	*query = (struct query){
		.statuses = QUERY_ALL_STATUSES,
		.spans_len = 1,
		.spans = {span_always},
	};
}

/* Adds a span to a query's spans. Spans that overlap or touch are merged. */
static int query_spans_add(struct query *query, struct span add)
{
	struct query merged = {.zone = query->zone, .statuses = query->statuses};
	unsigned at = 0;

	for (unsigned i = 0; i < query->spans_len; i++) {
		struct span span = query->spans[i];

		if (span.to_ms < add.from_ms || span.from_ms > add.to_ms) {
			merged.spans[merged.spans_len++] = span;
			continue;
		}
		add.from_ms = MIN(add.from_ms, span.from_ms);
		add.to_ms = MAX(add.to_ms, span.to_ms);
	}
	if (merged.spans_len == QUERY_SPANS_MAX)
		return -ENAMETOOLONG;
	while (at < merged.spans_len && merged.spans[at].from_ms > add.from_ms)
		at++;
	memmove(merged.spans + at + 1, merged.spans + at,
		(merged.spans_len - at) * sizeof(merged.spans[0]));
	merged.spans[at] = add;
	merged.spans_len++;
	*query = merged;
	return 0;
}

static int query_add_status(struct query *either, const char *word)
{
	enum job_status status = job_status_parse(word, strlen(word));

	if (status == JOB_OTHER)
		return -ENOENT;
	either->statuses |= 1U << status;
	return 0;
}

static int query_add_date(struct query *either, const char *word)
{
	int64_t first;
	int64_t end;

	if (date_parse(word, &first, &end))
		return -ENOENT;

	const struct span span = {
		zone_day_begin(either->zone, first), zone_day_begin(either->zone, end)};

	/* A zone that crosses the date line skips a day. */
	return span.from_ms < span.to_ms ? query_spans_add(either, span) : 0;
}

static int query_add_after(struct query *either, const char *word)
{
	int64_t ms;

	if (zone_parse_timestamp(either->zone, word, &ms))
		return -ENOENT;
	return query_spans_add(either, (struct span){ms, INT64_MAX});
}

static int query_add_before(struct query *either, const char *word)
{
	int64_t ms;

	if (zone_parse_timestamp(either->zone, word, &ms))
		return -ENOENT;
	return query_spans_add(either, (struct span){INT64_MIN, ms});
}

/*
 * Each filter restricts either the status or the time of creation; the other is left
 * unrestricted.
 */
static const struct filter {
	int (*add)(struct query *either, const char *word);
	bool of_status;
} filters[] = {
	[QUERY_STATUS] = {query_add_status, true},
	[QUERY_DATE] = {query_add_date, false},
	[QUERY_AFTER] = {query_add_after, false},
	[QUERY_BEFORE] = {query_add_before, false},
};

/* Parses the words of one path component into a query of its own. */
static int query_parse_words(enum zone zone, const struct filter *filter,
	const char *words, struct query *ret_query)
{
	struct query either = {.zone = zone};
	char word[FILENAME_BYTES_MAX + 1];

	while (filename_next_word(&words, word)) {
		int err = filter->add(&either, word);

		if (err)
			return err;
	}
	if (filter->of_status)
		either.spans[either.spans_len++] = span_always;
	else
		either.statuses = QUERY_ALL_STATUSES;
	*ret_query = either;
	return 0;
}

/*
 * Intersects two queries. Both have their spans sorted, latest first, and disjoint; so
 * are the results. A query that matches nothing always has the same form: no status and
 * no span.
 */
static int query_intersect(
	const struct query *a, const struct query *b, struct query *ret_both)
{
	struct query both = {.zone = a->zone, .statuses = a->statuses & b->statuses};

	/* `b` is made from one path component and has no metadata filters. */
	strcpy(both.metadata, a->metadata);

	for (unsigned i = 0; both.statuses && i < a->spans_len; i++) {
		for (unsigned j = 0; j < b->spans_len; j++) {
			struct span span = {
				.from_ms = MAX(a->spans[i].from_ms, b->spans[j].from_ms),
				.to_ms = MIN(a->spans[i].to_ms, b->spans[j].to_ms),
			};

			if (span.from_ms >= span.to_ms)
				continue;
			if (both.spans_len == QUERY_SPANS_MAX)
				return -ENAMETOOLONG;
			both.spans[both.spans_len++] = span;
		}
	}
	if (!both.spans_len)
		both.statuses = 0;
	*ret_both = both;
	return 0;
}

int query_narrow(struct query *query, enum query_filter filter, const char *words)
{
	struct query more;

	if (filter == QUERY_KEY)
		return metadata_add_key(query->metadata, words);
	if (filter == QUERY_VALUE)
		return metadata_add_values(query->metadata, words);

	int err = query_parse_words(query->zone, &filters[filter], words, &more);

	if (err)
		return err;
	return query_intersect(query, &more, query);
}

bool query_is_empty(const struct query *query)
{
	return !query->statuses || !query->spans_len;
}

bool query_is_all(const struct query *query)
{
	return query->statuses == QUERY_ALL_STATUSES && query->spans_len == 1 &&
	       query->spans[0].from_ms == INT64_MIN &&
	       query->spans[0].to_ms == INT64_MAX && !*query->metadata;
}

/* A job without a known time matches only if the time is not restricted. */
static bool query_matches_time(const struct query *query, int64_t created_ms)
{
	for (unsigned i = 0; i < query->spans_len; i++) {
		const struct span *span = &query->spans[i];

		if (created_ms == JOB_NO_TIME)
			return span->from_ms == INT64_MIN && span->to_ms == INT64_MAX;
		if (created_ms >= span->from_ms && created_ms < span->to_ms)
			return true;
	}
	return false;
}

bool query_matches(const struct query *query, const struct job *job)
{
	if (query->statuses != QUERY_ALL_STATUSES &&
		!(query->statuses & 1U << job->status))
		return false;
	return query_matches_time(query, job->created_ms);
}

/* Where query_put() writes, and how much room is left. */
struct text {
	char *at;
	size_t room;
};

__attribute__((format(printf, 2, 3))) static void query_put(
	struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int len = vsnprintf(text->at, text->room, format, args);
	va_end(args);
	assert(len >= 0 && (size_t)len < text->room);
	text->at += len;
	text->room -= (size_t)len;
}

static void query_put_statuses(struct text *text, unsigned statuses)
{
	const char *comma = "";

	if (statuses == QUERY_ALL_STATUSES) {
		query_put(text, "any");
		return;
	}
	for (unsigned i = 0; i < JOB_STATUSES; i++) {
		if (!(statuses & 1U << i))
			continue;
		query_put(text, "%s%s", comma, job_status_name((enum job_status)i));
		comma = ",";
	}
}

/*
 * The key is "any" or "done,error", then for each span " FROM..TO" in milliseconds (no
 * number for no limit), then " &" and the metadata filters.
 */
void query_key(const struct query *query, char key[static QUERY_KEY_MAX])
{
	/* A span is " ", two numbers and ".."; STATUSES_TEXT holds all four names. */
	enum { SPAN_TEXT = 2 * 20 + 3, STATUSES_TEXT = 64 };
	static_assert(STATUSES_TEXT + QUERY_SPANS_MAX * SPAN_TEXT + METADATA_FILTER_MAX <
			      QUERY_KEY_MAX,
		"the longest key fits");
	struct text text = {key, QUERY_KEY_MAX};

	if (query_is_empty(query)) {
		query_put(&text, "nothing");
		return;
	}
	query_put_statuses(&text, query->statuses);
	for (unsigned i = 0; i < query->spans_len; i++) {
		const struct span *span = &query->spans[i];

		query_put(&text, " ");
		if (span->from_ms != INT64_MIN)
			query_put(&text, "%" PRId64, span->from_ms);
		query_put(&text, "..");
		if (span->to_ms != INT64_MAX)
			query_put(&text, "%" PRId64, span->to_ms);
	}
	if (*query->metadata)
		query_put(&text, " &%s", query->metadata);
}

/*
 * Appends "&name=TIMESTAMP" with its colons percent-encoded. A limit outside the years
 * that ISO 8601 can express is left out: the answer is checked anyway, so it may be too
 * wide.
 */
static int query_print_limit(struct buf *out, const char *name, int64_t ms)
{
	char text[TIMESTAMP_TEXT];
	int64_t back;
	int err;

	timestamp_print(ms, text);
	if (timestamp_parse(text, &back) || back != ms)
		return 0;
	err = buf_printf(out, "&%s=", name);
	for (const char *c = text; !err && *c; c++)
		err = *c == ':' ? buf_append_str(out, "%3A") : buf_append(out, c, 1);
	return err;
}

int query_print_url(const struct query *query, unsigned span, uint64_t offset,
	unsigned limit, struct buf *out)
{
	const struct span *asked = &query->spans[span];
	int err = buf_printf(out, "offset=%" PRIu64 "&limit=%u", offset, limit);

	bool any = query->statuses == QUERY_ALL_STATUSES;

	for (unsigned i = 0; !err && !any && i < JOB_STATUSES; i++)
		if (query->statuses & 1U << i)
			err = buf_printf(
				out, "&status=%s", job_status_name((enum job_status)i));
	/* One millisecond more, in case "after" excludes the timestamp itself. */
	if (!err && asked->from_ms != INT64_MIN)
		err = query_print_limit(out, "after_date", asked->from_ms - 1);
	if (!err && asked->to_ms != INT64_MAX)
		err = query_print_limit(out, "before_date", asked->to_ms);
	return err;
}
