/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "catalog_fixture.h"

/* custom_metadata of jobs, and queries that filter by it: SEMANTICS 3.1, 3.5, 7.4. */

static void put(struct catalog *catalog, const struct catalog_job *job, const char *text)
{
	assert_int_equal(jobs_put_metadata(catalog, job->row, text, strlen(text)), 0);
}

static void assert_metadata(
	struct catalog *catalog, const struct catalog_job *job, const char *wanted)
{
	struct buf text;

	buf_init(&text, METADATA_TEXT_MAX);
	assert_int_equal(jobs_metadata(catalog, job->row, &text), 0);
	assert_string_equal(text.data ? text.data : "", wanted);
	buf_done(&text);
}

static bool matches(
	struct catalog *catalog, const struct catalog_job *job, const char *filters)
{
	struct query query;
	bool matches;

	query_init(&query);
	strcpy(query.metadata, filters);
	assert_int_equal(jobs_match(catalog, &query, job, &matches), 0);
	return matches;
}

static void test_kept(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job one = fixture_put(catalog, "one", JOB_DONE, "text");
	struct catalog_job two = fixture_put(catalog, "two", JOB_QUEUED, "text");

	put(catalog, &one, "\ncustomer=acme\n");
	assert_metadata(catalog, &one, "\ncustomer=acme\n");
	assert_metadata(catalog, &two, "");
	put(catalog, &two, "\na=1\nb=2\n");
	put(catalog, &two, "\nb=3\n");
	assert_metadata(catalog, &two, "\nb=3\n");
	put(catalog, &one, "");
	assert_metadata(catalog, &one, "");
	catalog_close(catalog);

	/* SEMANTICS 7.4: metadata is kept across an unmount. */
	catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	assert_metadata(catalog, &two, "\nb=3\n");
	catalog_close(catalog);
}

static void test_spec_3_5_matches(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open_temporary(fixture, FIXTURE_NO_MAX);
	struct catalog_job job = fixture_put(catalog, "one", JOB_DONE, "text");
	struct query query;
	bool all;

	assert_true(matches(catalog, &job, ""));
	assert_false(matches(catalog, &job, "a"));
	put(catalog, &job, "\na=1\na=2\n");
	assert_true(matches(catalog, &job, "a"));
	assert_true(matches(catalog, &job, "a=2,3"));
	assert_true(matches(catalog, &job, "a=1&a=2"));
	assert_false(matches(catalog, &job, "a=3"));
	/* The other filters of the query apply as well. */
	query_init(&query);
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "error"), 0);
	assert_int_equal(query_narrow(&query, QUERY_KEY, "a"), 0);
	assert_int_equal(jobs_match(catalog, &query, &job, &all), 0);
	assert_false(all);
	catalog_close(catalog);
}

/*
 * A deleted job has no metadata, and neither has one that was stored again after its
 * deletion.
 */
static void test_gone(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job job = fixture_put(catalog, "one", JOB_DONE, "text");
	struct job again = fixture_job("one", JOB_DONE);

	put(catalog, &job, "\na=1\n");
	assert_int_equal(jobs_mark_deleted(catalog, job.row), 0);
	assert_metadata(catalog, &job, "");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM metadata"), 0);
	job = fixture_put_as(catalog, &again, "text", CATALOG_NEW);
	assert_metadata(catalog, &job, "");
	catalog_close(catalog);
}

/*
 * SEMANTICS 3.6, 7.4: a name in the file reaches the kernel only if this program could
 * have written it.
 */
static void test_spec_3_6_damage(void **state)
{
	static const char *const texts[] = {"''", "x''", "'x'",
		"char(10) || 'a/b=1' || char(10)", "char(10) || 'a=..' || char(10)",
		"char(10) || 'a=' || char(10)", "char(10) || '=1' || char(10)",
		"char(10) || 'a=1'", "char(10) || 'a=1' || char(10) || 'b' || char(10)",
		"zeroblob(200000)", "1"};
	struct catalog_fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
		struct catalog_job job = fixture_put(catalog, "one", JOB_DONE, "text");
		struct query query;
		struct buf text;
		bool all;
		char sql[128];

		put(catalog, &job, "\na=1\n");
		assert_int_equal(catalog_commit(catalog), 0);
		snprintf(sql, sizeof(sql), "UPDATE metadata SET pairs = %s", texts[i]);
		fixture_sql(fixture, sql);
		query_init(&query);
		assert_int_equal(query_narrow(&query, QUERY_KEY, "a"), 0);
		assert_int_equal(jobs_match(catalog, &query, &job, &all), -EIO);
		buf_init(&text, METADATA_TEXT_MAX);
		assert_int_equal(jobs_metadata(catalog, job.row, &text), -EIO);
		buf_done(&text);
		assert_true(fixture_messages(fixture, "") >= 1);
		catalog_close(catalog);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_kept),
		FIXTURE_TEST(test_spec_3_5_matches),
		FIXTURE_TEST(test_gone),
		FIXTURE_TEST(test_spec_3_6_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
