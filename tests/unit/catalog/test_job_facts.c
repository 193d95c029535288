/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "catalog_fixture.h"

/* The facts that the catalog keeps with each job (gladia/facts.h). */

/* Facts of which only the file name is known; NULL: none. */
static const struct job_facts *named(struct job_facts *facts, const char *name)
{
	char text[64] = {0};

	if (!name)
		return NULL;
	strcpy(text, name);
	assert_true(job_facts_load(text, strlen(name) + JOB_FACTS, facts));
	return facts;
}

static struct catalog_job put(struct catalog *catalog, const struct job *job,
	const char *text, const char *name)
{
	struct job_facts facts;
	enum catalog_change change;
	struct catalog_job stored;
	struct catalog_job found;

	assert_int_equal(jobs_put(catalog,
				 &(struct job_state){job, text, text ? strlen(text) : 0,
					 named(&facts, name), INT64_MAX},
				 &change, &stored),
		0);
	assert_int_equal(jobs_by_row(catalog, stored.row, &found), 0);
	assert_int_equal(found.has_facts, stored.has_facts);
	return stored;
}

static void assert_name(struct catalog *catalog, int64_t row, const char *name)
{
	struct job_facts facts;

	assert_int_equal(jobs_facts(catalog, row, &facts), 0);
	assert_string_equal(job_fact(&facts, JOB_FILENAME), name);
	assert_string_equal(job_fact(&facts, JOB_WORDS), "");
}

/* The stored job, the job that is put, and the facts that are stored afterwards. */
static const struct {
	const char *known_text;
	const char *known;
	enum job_status status;
	const char *text;
	const char *facts;
	const char *left;
} steps[] = {
	{"a", "old", JOB_DONE, "a", "new", "old"},
	{"a", "old", JOB_DONE, "b", "new", "new"},
	/* A summary says less than the text, unless the job has changed. */
	{"a", "old", JOB_DONE, NULL, "new", "old"},
	{"a", "old", JOB_ERROR, NULL, "new", "new"},
	{NULL, "old", JOB_DONE, NULL, "new", "old"},
	{NULL, "old", JOB_DONE, "a", "new", "new"},
	/* An older version of gladiafs stored the job. */
	{"a", NULL, JOB_DONE, "a", "new", "new"},
	{"a", NULL, JOB_DONE, NULL, "new", "new"},
	{NULL, NULL, JOB_DONE, NULL, "new", "new"},
	{"a", NULL, JOB_DONE, "a", NULL, ""},
	{"a", "old", JOB_DONE, "b", NULL, "old"},
};

static void test_stored_with_the_text(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		char id[2] = {(char)('a' + i), '\0'};
		struct job job = fixture_job(id, JOB_DONE);
		int64_t row = put(catalog, &job, steps[i].known_text, steps[i].known).row;

		assert_name(catalog, row, steps[i].known ? steps[i].known : "");
		job.status = steps[i].status;
		assert_int_equal(
			put(catalog, &job, steps[i].text, steps[i].facts).row, row);
		assert_name(catalog, row, steps[i].left);
	}
	catalog_close(catalog);
}

/* Without a change the facts of an older job are stored, but its text is not. */
static void test_added_to_an_older_job(void **state)
{
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);
	struct job job = fixture_job("a", JOB_DONE);
	struct job_facts facts;
	enum catalog_change change;
	struct catalog_job stored = put(catalog, &job, "text", NULL);

	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(jobs_put(catalog,
				 &(struct job_state){&job, "text", 4,
					 named(&facts, "new"), INT64_MAX},
				 &change, &stored),
		0);
	assert_int_equal(change, CATALOG_SAME);
	fixture_assert_text(catalog, &stored, "text");
	assert_name(catalog, stored.row, "new");
	catalog_close(catalog);
}

static void test_longest(void **state)
{
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);
	struct job job = fixture_job("a", JOB_DONE);
	static char text[JOB_FACTS_TEXT_MAX];
	struct job_facts facts;
	struct job_facts found;
	enum catalog_change change;
	struct catalog_job stored;

	memset(text, 'x', sizeof(text));
	for (size_t i = 0, at = JOB_FILENAME_MAX; i < JOB_FACTS; i++) {
		text[at] = '\0';
		at += JOB_FACT_MAX + 1;
	}
	assert_true(job_facts_load(text, sizeof(text), &facts));
	assert_int_equal(
		jobs_put(catalog, &(struct job_state){&job, NULL, 0, &facts, INT64_MAX},
			&change, &stored),
		0);
	assert_int_equal(jobs_facts(catalog, stored.row, &found), 0);
	assert_int_equal(found.len, sizeof(text));
	assert_memory_equal(found.text, text, sizeof(text));
	catalog_close(catalog);
}

/* A deleted job has its facts until its row is dropped; a job that is erased has none. */
static void test_deleted(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct job job = fixture_job("a", JOB_DONE);
	int64_t row = put(catalog, &job, "a", "name").row;
	struct job_facts facts;

	assert_int_equal(jobs_mark_deleted(catalog, row), 0);
	assert_name(catalog, row, "name");
	put(catalog, &job, "a", "back");
	assert_name(catalog, row, "back");
	assert_int_equal(jobs_erase(catalog, row), 0);
	assert_name(catalog, row, "");
	put(catalog, &job, "a", "again");
	assert_name(catalog, row, "again");
	assert_int_equal(jobs_mark_deleted(catalog, row), 0);
	catalog_close(catalog);
	catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	assert_int_equal(jobs_facts(catalog, row, &facts), -ENOENT);
	catalog_close(catalog);
}

static void test_damaged(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct job job = fixture_job("a", JOB_DONE);
	int64_t row = put(catalog, &job, "a", "name").row;
	struct job_facts facts;

	assert_int_equal(catalog_commit(catalog), 0);
	fixture_sql(fixture, "UPDATE jobs SET facts = 'many words'");
	assert_int_equal(jobs_facts(catalog, row, &facts), -EIO);
	assert_int_equal(fixture_messages(fixture, "renamed"), 2);
	catalog_close(catalog);
}

/*
 * SEMANTICS 7.4.9: a cache of the version before is used as it is, except for its
 * listings: they are read again, so that the facts become known.
 */
static void test_spec_7_4_version_without_facts(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct job job = fixture_job("a", JOB_DONE);
	struct catalog_job found = put(catalog, &job, "text", "name");

	catalog_close(catalog);
	fixture_sql(fixture,
		"DROP INDEX jobs_by_name;"
		"ALTER TABLE jobs DROP COLUMN name;"
		"ALTER TABLE jobs DROP COLUMN facts;"
		"INSERT INTO listings VALUES(1, 'all', 1, 1, x'0100000000000000');"
		"PRAGMA user_version = 6");
	catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	assert_int_equal(fixture_messages(fixture, ""), 0);
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM listings"), 0);
	assert_int_equal(jobs_by_id(catalog, "a", &found), 0);
	assert_false(found.has_facts);
	fixture_assert_text(catalog, &found, "text");
	assert_name(catalog, found.row, "");
	put(catalog, &job, "text", "name");
	assert_name(catalog, found.row, "name");
	catalog_close(catalog);
}

/*
 * SEMANTICS 3.7.4: done jobs are found by the name of their recording and the beginning
 * of their id, the newest first.
 */
static void test_by_name(void **state)
{
	static const struct {
		const char *id;
		enum job_status status;
		const char *name;
	} jobs[] = {
		{"11-a", JOB_DONE, "talk.mp3"},
		{"11-b", JOB_ERROR, "talk.mp3"},
		{"12-c", JOB_DONE, "talk.wav"},
		{"11-d", JOB_DONE, "other.mp3"},
		{"11-e", JOB_DONE, "talk.mp3"},
		{"11-f", JOB_DONE, NULL},
	};
	static const struct {
		const char *name;
		const char *id;
		const char *found; /* their last characters */
	} cases[] = {
		{"talk", "", "eca"},
		{"talk", "11", "ea"},
		{"talk", "11-a", "a"},
		{"talk", "11-b", ""},
		{"talk", "1", "eca"},
		{"talk", "2", ""},
		{"other", "", "d"},
		{"untitled", "", ""},
	};
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		struct job job = fixture_job(jobs[i].id, jobs[i].status);

		job.created_ms += (int64_t)i;
		put(catalog, &job, "text", jobs[i].name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char found[ARRAY_SIZE(jobs) + 1] = "";
		int64_t *rows;
		size_t len;

		assert_int_equal(jobs_by_name(catalog, cases[i].name,
					 strlen(cases[i].name), cases[i].id, &rows, &len),
			0);
		for (size_t j = 0; j < len; j++) {
			struct catalog_job job;

			assert_int_equal(jobs_by_row(catalog, rows[j], &job), 0);
			found[j] = job.job.id[3];
		}
		assert_string_equal(found, cases[i].found);
		free(rows);
	}
	catalog_close(catalog);
}

/* SEMANTICS 3.7.4: a deleted job is not found, whether its facts are erased or not. */
static void test_by_name_deleted(void **state)
{
	static const char *const ids[] = {"a", "b", "c"};
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);
	struct catalog_job job;
	int64_t *rows;
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct job done = fixture_job(ids[i], JOB_DONE);

		put(catalog, &done, "text", "talk.mp3");
	}
	assert_int_equal(jobs_by_id(catalog, "a", &job), 0);
	assert_int_equal(jobs_mark_deleted(catalog, job.row), 0);
	assert_int_equal(jobs_by_id(catalog, "b", &job), 0);
	assert_int_equal(jobs_erase(catalog, job.row), 0);
	assert_int_equal(jobs_by_name(catalog, "talk", 4, "", &rows, &len), 0);
	assert_int_equal(len, 1);
	free(rows);
	catalog_close(catalog);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_stored_with_the_text),
		FIXTURE_TEST(test_added_to_an_older_job),
		FIXTURE_TEST(test_longest),
		FIXTURE_TEST(test_deleted),
		FIXTURE_TEST(test_damaged),
		FIXTURE_TEST(test_spec_7_4_version_without_facts),
		FIXTURE_TEST(test_by_name),
		FIXTURE_TEST(test_by_name_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
