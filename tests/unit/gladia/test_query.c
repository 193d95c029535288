/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "gladia/query.h"
#include "gladia/timestamp.h"

/*
 * Filters: SEMANTICS 3.1, 3.2 (and, or, in any order), 3.3 (names that cannot exist),
 * 3.5.
 */

struct step {
	enum query_filter filter;
	const char *words;
};

enum { STEPS_MAX = 4 };

static int64_t ms_of(const char *text)
{
	int64_t ms;

	assert_int_equal(timestamp_parse(text, &ms), 0);
	return ms;
}

static void key_of(const struct step *steps, char key[static QUERY_KEY_MAX])
{
	struct query query;

	query_init(&query);
	for (unsigned i = 0; i < STEPS_MAX && steps[i].words; i++)
		assert_int_equal(
			query_narrow(&query, steps[i].filter, steps[i].words), 0);
	query_key(&query, key);
}

/* SEMANTICS 3.2: two paths to the same jobs are the same query. */
static const struct {
	struct step one[STEPS_MAX];
	struct step other[STEPS_MAX];
} same[] = {
	{{{QUERY_STATUS, "error"}, {QUERY_DATE, "2026-04-01"}},
		{{QUERY_DATE, "2026-04-01"}, {QUERY_STATUS, "error"}}},
	{{{QUERY_STATUS, "queued,processing"}}, {{QUERY_STATUS, "processing,queued"}}},
	{{{QUERY_STATUS, "done"}}, {{QUERY_STATUS, "done,done"}}},
	{{{QUERY_STATUS, "done"}}, {{QUERY_STATUS, "done"}, {QUERY_STATUS, "done"}}},
	{{{QUERY_STATUS, "done"}},
		{{QUERY_STATUS, "done,error"}, {QUERY_STATUS, "queued,done"}}},
	{{{QUERY_STATUS, "queued,processing,done,error"}}, {{0}}},
	{{{QUERY_DATE, "2026-04-01"}},
		{{QUERY_AFTER, "2026-04-01"}, {QUERY_BEFORE, "2026-04-02"}}},
	/* Adjacent days are merged into one span. */
	{{{QUERY_DATE, "2026-04-01,2026-04-03,2026-04-02"}},
		{{QUERY_BEFORE, "2026-04-04T00:00Z"}, {QUERY_AFTER, "2026-04-01"}}},
	{{{QUERY_DATE, "2026-02-28,2026-03-01"}},
		{{QUERY_AFTER, "2026-02-28"}, {QUERY_BEFORE, "2026-03-02"}}},
	{{{QUERY_AFTER, "2026-04-01,2026-05-01"}}, {{QUERY_AFTER, "2026-04-01"}}},
	{{{QUERY_BEFORE, "2026-04-01,2026-05-01"}}, {{QUERY_BEFORE, "2026-05-01"}}},
	{{{QUERY_AFTER, "2026-04-01"}, {QUERY_AFTER, "2026-05-01"}},
		{{QUERY_AFTER, "2026-05-01"}}},
	{{{QUERY_AFTER, "2026-04-01T02:00+02:00"}}, {{QUERY_AFTER, "2026-04-01"}}},
	/* Filters on metadata can be at any position. */
	{{{QUERY_KEY, "a"}, {QUERY_VALUE, "1"}, {QUERY_STATUS, "done"}},
		{{QUERY_STATUS, "done"}, {QUERY_KEY, "a"}, {QUERY_VALUE, "1"}}},
	{{{QUERY_KEY, "a"}, {QUERY_VALUE, "1,2"}, {QUERY_DATE, "2026-04-01"}},
		{{QUERY_DATE, "2026-04-01"}, {QUERY_KEY, "a"}, {QUERY_VALUE, "2,1,1"}}},
	/* All queries that match nothing are the same. */
	{{{QUERY_STATUS, "done"}, {QUERY_STATUS, "error"}},
		{{QUERY_DATE, "2026-04-01"}, {QUERY_DATE, "2026-04-02"}}},
	{{{QUERY_BEFORE, "2026-04-01"}, {QUERY_AFTER, "2026-04-01"}},
		{{QUERY_STATUS, "done"}, {QUERY_STATUS, "error"},
			{QUERY_DATE, "2026-04-01"}}},
};

static void test_same_query(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		char one[QUERY_KEY_MAX];
		char other[QUERY_KEY_MAX];

		key_of(same[i].one, one);
		key_of(same[i].other, other);
		assert_string_equal(one, other);
	}
}

/* Paths to different jobs are different queries. */
static void test_keys(void **state)
{
	static const struct {
		struct step steps[STEPS_MAX];
		const char *key;
	} keys[] = {
		{{{0}}, "any .."},
		{{{QUERY_STATUS, "done"}}, "done .."},
		{{{QUERY_STATUS, "error,queued"}}, "queued,error .."},
		{{{QUERY_DATE, "1970-01-02"}}, "any 86400000..172800000"},
		{{{QUERY_DATE, "1970-01-02"}, {QUERY_STATUS, "done"}},
			"done 86400000..172800000"},
		{{{QUERY_DATE, "1970-01"}}, "any 0..2678400000"},
		{{{QUERY_DATE, "1970"}}, "any 0..31536000000"},
		{{{QUERY_DATE, "1970"}, {QUERY_DATE, "1970-01-02"}},
			"any 86400000..172800000"},
		{{{QUERY_DATE, "1969-12,1970-01-01"}}, "any -2678400000..86400000"},
		{{{QUERY_BEFORE, "1970-01-01"}}, "any ..0"},
		{{{QUERY_AFTER, "1969-12-31"}}, "any -86400000.."},
		{{{QUERY_DATE, "1970-01-01,1970-01-03"}},
			"any 172800000..259200000 0..86400000"},
		{{{QUERY_STATUS, "done"}, {QUERY_STATUS, "queued"}}, "nothing"},
		{{{QUERY_KEY, "a"}}, "any .. &a"},
		{{{QUERY_KEY, "1..2"}, {QUERY_VALUE, "3,x&y"}, {QUERY_STATUS, "done"}},
			"done .. &1..2=3,x%26y"},
		{{{QUERY_KEY, "a"}, {QUERY_STATUS, "done"}, {QUERY_STATUS, "error"}},
			"nothing"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char key[QUERY_KEY_MAX];

		key_of(keys[i].steps, key);
		assert_string_equal(key, keys[i].key);
	}
}

/*
 * Returns a small pseudo-random number, the same in every run (LCG of Numerical Recipes).
 */
static unsigned draw(uint32_t *seed, unsigned below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 16) % below;
}

static void draw_step(uint32_t *seed, enum query_filter *filter, char words[64])
{
	size_t len = 0;

	*filter = (enum query_filter)draw(seed, 4);
	for (unsigned left = 1 + draw(seed, 3); left; left--) {
		const char *comma = len ? "," : "";

		if (*filter == QUERY_STATUS)
			len += (size_t)sprintf(words + len, "%s%s", comma,
				job_status_name((enum job_status)draw(seed, 4)));
		else
			len += (size_t)sprintf(
				words + len, "%s2026-04-%02u", comma, 1 + draw(seed, 8));
	}
}

/* Independent implementation: a job matches a step if it matches one of its words. */
static bool holds(enum query_filter filter, const char *words, const struct job *job)
{
	char copy[64];
	char *rest = strcpy(copy, words);

	for (char *word; (word = strsep(&rest, ","));) {
		bool one = false;

		if (filter == QUERY_STATUS)
			one = strcmp(word, job_status_name(job->status)) == 0;
		else if (filter == QUERY_AFTER)
			one = job->created_ms >= ms_of(word);
		else if (filter == QUERY_BEFORE)
			one = job->created_ms < ms_of(word);
		else
			one = job->created_ms >= ms_of(word) &&
			      job->created_ms < ms_of(word) + DAY_MS;
		if (one)
			return true;
	}
	return false;
}

static void check_shape(const struct query *query)
{
	for (unsigned i = 0; i < query->spans_len; i++) {
		assert_true(query->spans[i].from_ms < query->spans[i].to_ms);
		if (i)
			assert_true(query->spans[i].to_ms < query->spans[i - 1].from_ms);
	}
	assert_int_equal(query_is_empty(query), query->spans_len == 0);
	assert_int_equal(query_is_empty(query), query->statuses == 0);
}

/*
 * SEMANTICS 3.2: for random paths, both orders of the components yield the same key, and
 * a job matches the query if it matches each component. Jobs are created at the start of
 * a day, or a millisecond before.
 */
static void test_random_paths(void **state)
{
	uint32_t seed = 20260401;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		enum query_filter filters[STEPS_MAX];
		char words[STEPS_MAX][64];
		unsigned count = 1 + draw(&seed, STEPS_MAX);
		unsigned turn = draw(&seed, STEPS_MAX);
		struct query there;
		struct query back;
		char key[QUERY_KEY_MAX];
		char other[QUERY_KEY_MAX];

		query_init(&there);
		query_init(&back);
		for (unsigned i = 0; i < count; i++) {
			draw_step(&seed, &filters[i], words[i]);
			assert_int_equal(query_narrow(&there, filters[i], words[i]), 0);
		}
		for (unsigned i = count; i--;) {
			unsigned at = (i + turn) % count;

			assert_int_equal(query_narrow(&back, filters[at], words[at]), 0);
		}
		query_key(&there, key);
		query_key(&back, other);
		assert_string_equal(key, other);
		check_shape(&there);

		for (unsigned n = 0; n < 40; n++) {
			struct job job = {"a", (enum job_status)(n % JOB_STATUSES),
				ms_of("2026-03-31") + n / 4 * DAY_MS, JOB_NO_TIME};
			bool wanted = true;

			job.created_ms -= draw(&seed, 2);
			for (unsigned i = 0; i < count; i++)
				wanted = wanted && holds(filters[i], words[i], &job);
			assert_int_equal(query_matches(&there, &job), wanted);
		}
	}
}

/* SEMANTICS 3.3: invalid names are refused. */
static void test_refused(void **state)
{
	static const struct step refused[] = {
		{QUERY_STATUS, "foo"},
		{QUERY_STATUS, ""},
		{QUERY_STATUS, "done,"},
		{QUERY_STATUS, ",done"},
		{QUERY_STATUS, "done,,error"},
		{QUERY_STATUS, "Done"},
		{QUERY_STATUS, "other"},
		{QUERY_STATUS, "done, error"},
		{QUERY_STATUS, ".git"},
		{QUERY_DATE, "2026-02-30"},
		{QUERY_DATE, "2026-04-01,2026-02-30"},
		{QUERY_DATE, "2026-04-01T00:00"},
		{QUERY_DATE, "2026-13"},
		{QUERY_DATE, "2026-00"},
		{QUERY_DATE, "2026-"},
		{QUERY_DATE, "0000"},
		{QUERY_DATE, "done"},
		{QUERY_DATE, ""},
		{QUERY_AFTER, "2026-02-30"},
		{QUERY_AFTER, "autorun.inf"},
		{QUERY_AFTER, ","},
		{QUERY_BEFORE, "2026-04-01T25:00"},
		{QUERY_BEFORE, ""},
		{QUERY_KEY, ""},
		{QUERY_KEY, "a,b"},
		{QUERY_VALUE, "a,"},
		{QUERY_VALUE, ".git"},
	};
	struct query query;
	struct query before;
	char lengthy[400];

	(void)state;
	query_init(&query);
	assert_int_equal(query_narrow(&query, QUERY_DATE, "2026-04-01"), 0);
	assert_int_equal(query_narrow(&query, QUERY_KEY, "a"), 0);
	before = query;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		if (query_narrow(&query, refused[i].filter, refused[i].words) != -ENOENT)
			fail_msg("'%s' was accepted", refused[i].words);
		assert_memory_equal(&query, &before, sizeof(query));
	}
	memset(lengthy, 'a', sizeof(lengthy) - 1);
	lengthy[sizeof(lengthy) - 1] = '\0';
	for (int filter = QUERY_STATUS; filter <= QUERY_BEFORE; filter++)
		assert_int_equal(query_narrow(&query, (enum query_filter)filter, lengthy),
			-ENOENT);

	/* They are refused in a query that matches nothing, too. */
	assert_int_equal(query_narrow(&query, QUERY_DATE, "2026-04-02"), 0);
	assert_true(query_is_empty(&query));
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "foo"), -ENOENT);
}

/*
 * SEMANTICS 11.3: the number of spans is limited, but no path with components of 255
 * bytes reaches it.
 */
static void test_many_spans(void **state)
{
	char words[64 * (DAY_TEXT + 1)];
	size_t len = 0;
	struct query query;
	struct query before;
	char key[QUERY_KEY_MAX];
	int64_t day;
	int64_t end;

	(void)state;
	assert_int_equal(date_parse("0001-01-01", &day, &end), 0);
	for (int i = 0; i <= QUERY_SPANS_MAX; i++, day += 2) {
		char text[DAY_TEXT];

		day_print(day, text);
		len += (size_t)sprintf(words + len, "%s%s", i ? "," : "", text);
	}
	query_init(&query);
	before = query;
	assert_int_equal(query_narrow(&query, QUERY_DATE, words), -ENAMETOOLONG);
	assert_memory_equal(&query, &before, sizeof(query));
	*strrchr(words, ',') = '\0';
	assert_int_equal(query_narrow(&query, QUERY_DATE, words), 0);
	assert_int_equal(query.spans_len, QUERY_SPANS_MAX);
	check_shape(&query);
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "queued,processing,done"), 0);
	query_key(&query, key);
	assert_true(strlen(key) < QUERY_KEY_MAX);
	assert_non_null(strstr(key, " -62135596800000..-62135510400000"));
}

/*
 * SEMANTICS 3.1, 3.5: a day begins with its first millisecond and ends before the next
 * day's.
 */
static void test_boundaries(void **state)
{
	static const struct {
		struct step step;
		const char *created;
		bool matches;
	} cases[] = {
		{{QUERY_DATE, "2026-04-01"}, "2026-03-31T23:59:59.999Z", false},
		{{QUERY_DATE, "2026-04-01"}, "2026-04-01", true},
		{{QUERY_DATE, "2026-04-01"}, "2026-04-01T23:59:59.999Z", true},
		{{QUERY_DATE, "2026-04-01"}, "2026-04-02", false},
		{{QUERY_AFTER, "2026-04-01"}, "2026-03-31T23:59:59.999Z", false},
		{{QUERY_AFTER, "2026-04-01"}, "2026-04-01", true},
		{{QUERY_AFTER, "2026-04-01"}, "9999-12-31T23:59:59.999Z", true},
		{{QUERY_BEFORE, "2026-04-01"}, "2026-03-31T23:59:59.999Z", true},
		{{QUERY_BEFORE, "2026-04-01"}, "2026-04-01", false},
		{{QUERY_DATE, "9999-12-31"}, "9999-12-31T23:59:59.999Z", true},
		{{QUERY_DATE, "0001-01-01"}, "0001-01-01", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct job job = {"a", JOB_DONE, ms_of(cases[i].created), JOB_NO_TIME};
		struct query query;

		query_init(&query);
		assert_int_equal(
			query_narrow(&query, cases[i].step.filter, cases[i].step.words),
			0);
		assert_int_equal(query_matches(&query, &job), cases[i].matches);
	}
}

/* SEMANTICS 3.1: all/ contains every job, also those of unknown status or time. */
static void test_odd_jobs(void **state)
{
	const struct job no_time = {"a", JOB_DONE, JOB_NO_TIME, JOB_NO_TIME};
	const struct job other = {"a", JOB_OTHER, 0, JOB_NO_TIME};
	struct query query;

	(void)state;
	query_init(&query);
	assert_true(query_matches(&query, &no_time));
	assert_true(query_matches(&query, &other));
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "done,error"), 0);
	assert_true(query_matches(&query, &no_time));
	assert_false(query_matches(&query, &other));
	query_init(&query);
	assert_int_equal(query_narrow(&query, QUERY_BEFORE, "2026-04-01"), 0);
	assert_false(query_matches(&query, &no_time));
	assert_true(query_matches(&query, &other));
	query_init(&query);
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "done"), 0);
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "error"), 0);
	assert_false(query_matches(&query, &no_time));
}

static const struct {
	struct step steps[STEPS_MAX];
	unsigned span;
	const char *url;
} urls[] = {
	{{{0}}, 0, "offset=0&limit=20"},
	{{{QUERY_STATUS, "done"}}, 0, "offset=0&limit=20&status=done"},
	{{{QUERY_STATUS, "error,done"}}, 0, "offset=0&limit=20&status=done&status=error"},
	{{{QUERY_AFTER, "2026-04-01"}}, 0,
		"offset=0&limit=20&after_date=2026-03-31T23%3A59%3A59.999Z"},
	{{{QUERY_BEFORE, "2026-04-01T02:00+02:00"}, {QUERY_STATUS, "queued"}}, 0,
		"offset=0&limit=20&status=queued"
		"&before_date=2026-04-01T00%3A00%3A00.000Z"},
	{{{QUERY_DATE, "2026-04-01,2026-04-03"}}, 1,
		"offset=0&limit=20&after_date=2026-03-31T23%3A59%3A59.999Z"
		"&before_date=2026-04-02T00%3A00%3A00.000Z"},
	{{{QUERY_DATE, "2026-04-01,2026-04-03"}}, 0,
		"offset=0&limit=20&after_date=2026-04-02T23%3A59%3A59.999Z"
		"&before_date=2026-04-04T00%3A00%3A00.000Z"},
	/* A limit outside the years 1 to 9999 is omitted. */
	{{{QUERY_DATE, "9999-12-31"}}, 0,
		"offset=0&limit=20&after_date=9999-12-30T23%3A59%3A59.999Z"},
	{{{QUERY_DATE, "0001-01-01"}}, 0,
		"offset=0&limit=20&before_date=0001-01-02T00%3A00%3A00.000Z"},
};

static void test_urls(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct query query;
		struct buf out;

		query_init(&query);
		for (unsigned n = 0; n < STEPS_MAX && urls[i].steps[n].words; n++)
			assert_int_equal(query_narrow(&query, urls[i].steps[n].filter,
						 urls[i].steps[n].words),
				0);
		buf_init(&out, 1024);
		assert_int_equal(query_print_url(&query, urls[i].span, 0, 20, &out), 0);
		assert_string_equal(out.data, urls[i].url);
		buf_done(&out);
	}
}

/*
 * The parameters are appended to the buffer; offsets have 64 bits; a full buffer is an
 * error.
 */
static void test_url_is_appended(void **state)
{
	struct query query;
	struct buf out;

	(void)state;
	query_init(&query);
	buf_init(&out, 1024);
	assert_int_equal(buf_append_str(&out, "/v2/pre-recorded?"), 0);
	assert_int_equal(query_print_url(&query, 0, UINT64_MAX, 1, &out), 0);
	assert_string_equal(
		out.data, "/v2/pre-recorded?offset=18446744073709551615&limit=1");
	buf_done(&out);
	assert_int_equal(query_narrow(&query, QUERY_DATE, "2026-04-01"), 0);
	for (size_t max = 0; max < 90; max++) {
		buf_init(&out, max);
		assert_int_equal(query_print_url(&query, 0, 0, 20, &out), -EMSGSIZE);
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_query),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_random_paths),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_many_spans),
		cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_odd_jobs),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_url_is_appended),
	};

	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
