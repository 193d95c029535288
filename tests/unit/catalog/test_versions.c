/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "base/sha256.h"
#include "catalog_fixture.h"

/*
 * SEMANTICS 7.3: a reader never sees a mix of two versions. The kernel caches what it
 * read under a node number, so a node number always belongs to the same text.
 */

/* The stored job, the job that is put, and the expected result. */
static const struct step {
	enum job_status known_status;
	const char *known;
	enum job_status status;
	const char *text;
	enum catalog_change change;
	int version;
	const char *left; /* text stored afterwards; NULL: none */
} steps[] = {
	{JOB_PROCESSING, "a", JOB_PROCESSING, "a", CATALOG_SAME, 0, "a"},
	{JOB_PROCESSING, "a", JOB_PROCESSING, "b", CATALOG_CHANGED, 1, "b"},
	{JOB_PROCESSING, "a", JOB_PROCESSING, "ab", CATALOG_CHANGED, 1, "ab"},
	{JOB_PROCESSING, "a", JOB_DONE, "ab", CATALOG_CHANGED, 1, "ab"},
	{JOB_PROCESSING, "a", JOB_DONE, "b", CATALOG_CHANGED, 1, "b"},
	{JOB_DONE, "a", JOB_DONE, "b", CATALOG_CHANGED, 1, "b"},
	{JOB_DONE, "", JOB_DONE, "", CATALOG_SAME, 0, ""},
	{JOB_DONE, "", JOB_DONE, "a", CATALOG_CHANGED, 1, "a"},
	{JOB_DONE, "a", JOB_DONE, "", CATALOG_CHANGED, 1, ""},
	/* The job's status changed, but its text did not. */
	{JOB_PROCESSING, "a", JOB_DONE, "a", CATALOG_CHANGED, 0, "a"},
	/* A summary gets its text: nothing can have been read before. */
	{JOB_DONE, NULL, JOB_DONE, "a", CATALOG_CHANGED, 0, "a"},
	{JOB_PROCESSING, NULL, JOB_DONE, "a", CATALOG_CHANGED, 0, "a"},
	{JOB_DONE, NULL, JOB_DONE, "", CATALOG_CHANGED, 0, ""},
	/* A summary of a job with a stored text adds nothing ... */
	{JOB_DONE, "a", JOB_DONE, NULL, CATALOG_SAME, 0, "a"},
	{JOB_DONE, "", JOB_DONE, NULL, CATALOG_SAME, 0, ""},
	{JOB_DONE, NULL, JOB_DONE, NULL, CATALOG_SAME, 0, NULL},
	/* ... unless it shows that the job has changed. */
	{JOB_PROCESSING, "a", JOB_DONE, NULL, CATALOG_CHANGED, 1, NULL},
	{JOB_PROCESSING, NULL, JOB_DONE, NULL, CATALOG_CHANGED, 0, NULL},
};

static void run_step(struct catalog *catalog, const struct step *step, const char *id)
{
	struct job job = fixture_job(id, step->status);
	struct catalog_job known = fixture_put(
		catalog, id, step->known_status, step->known);
	struct catalog_job put = fixture_put_as(catalog, &job, step->text, step->change);
	struct catalog_job found;

	assert_int_equal(put.row, known.row);
	assert_int_equal(put.ino, known.ino);
	assert_int_equal(put.version, step->version);
	assert_int_equal(put.node == known.node, step->version == 0);
	assert_int_equal(put.job.status, step->status);
	if (step->left)
		fixture_assert_text(catalog, &put, step->left);
	else
		assert_true(put.size == -1 && !put.has_text);
	assert_int_equal(jobs_by_node(catalog, put.node, &found), 0);
	assert_int_equal(found.row, put.row);
	if (step->version)
		assert_int_equal(jobs_by_node(catalog, known.node, &found), -ESTALE);
}

static void test_steps(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		char id[32];

		snprintf(id, sizeof(id), "%zu", i);
		run_step(catalog, &steps[i], id);
	}
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_assert_sums(fixture);
	catalog_close(catalog);
}

/* Times are part of the head: a job that was run again counts as changed. */
static void test_times(void **state)
{
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);
	struct job job = fixture_job("a", JOB_DONE);

	fixture_put_as(catalog, &job, "a", CATALOG_NEW);
	job.completed_ms++;
	assert_int_equal(fixture_put_as(catalog, &job, "a", CATALOG_CHANGED).version, 0);
	job.created_ms++;
	assert_int_equal(fixture_put_as(catalog, &job, "b", CATALOG_CHANGED).version, 1);
	job.created_ms = JOB_NO_TIME;
	assert_int_equal(fixture_put_as(catalog, &job, NULL, CATALOG_CHANGED).version, 2);
	/*
	 * A text that was never stored cannot have been read, so the version does not
	 * change.
	 */
	assert_int_equal(fixture_put_as(catalog, &job, "c", CATALOG_CHANGED).version, 2);
	catalog_close(catalog);
}

/*
 * Over many versions, no two share a node number, and only the last one's finds the job.
 */
static void test_nodes(void **state)
{
	enum { VERSIONS = 200 };
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);
	struct job job = fixture_job("some id", JOB_PROCESSING);
	uint64_t nodes[VERSIONS];

	for (int i = 0; i < VERSIONS; i++) {
		char text[32];
		struct catalog_job found;

		snprintf(text, sizeof(text), "%d", i);
		nodes[i] = fixture_put_as(
			catalog, &job, text, i ? CATALOG_CHANGED : CATALOG_NEW)
				   .node;
		assert_int_equal(nodes[i] & JOB_FILES_MASK, 0);
		assert_int_equal(nodes[i] >> 62, 1);
		for (int j = 0; j < i; j++) {
			assert_int_not_equal(nodes[i], nodes[j]);
			assert_int_equal(
				jobs_by_node(catalog, nodes[j], &found), -ESTALE);
		}
		assert_int_equal(jobs_by_node(catalog, nodes[i], &found), 0);
		fixture_assert_text(catalog, &found, text);
	}
	/* The number is derived from the id and the version alone. */
	assert_int_equal(nodes[0], job_ino("some id"));
	assert_int_equal(nodes[7], (sha256_u63("node", "some id 7") | 1ull << 62) &
					   ~(uint64_t)JOB_FILES_MASK);
	catalog_close(catalog);
}

/* SEMANTICS 7.3, across mounts: the version continues from its last value. */
static void test_kept_across_mounts(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct job job = fixture_job("a", JOB_PROCESSING);

	fixture_put_as(catalog, &job, "1", CATALOG_NEW);

	uint64_t node = fixture_put_as(catalog, &job, "2", CATALOG_CHANGED).node;

	catalog_close(catalog);
	catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	struct catalog_job found;

	assert_int_equal(jobs_by_node(catalog, node, &found), 0);
	assert_int_equal(found.version, 1);
	assert_int_equal(fixture_put_as(catalog, &job, "3", CATALOG_CHANGED).version, 2);
	catalog_close(catalog);
}

/* A text that was evicted is fetched again. */
static void test_let_go(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, 5);
	struct job done = fixture_job("done", JOB_DONE);
	struct job running = fixture_job("running", JOB_PROCESSING);
	struct catalog_job put;

	fixture_put_as(catalog, &done, "12345", CATALOG_NEW);
	fixture_put_as(catalog, &running, "12345", CATALOG_NEW);
	/* This job is unfinished, too, otherwise its text would be evicted first. */
	fixture->now_ms++;
	fixture_put(catalog, "last", JOB_PROCESSING, "12345");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(jobs_by_id(catalog, "running", &put), 0);
	assert_true(put.size == 5 && !put.has_text);

	/* A summary neither restores the text nor changes the version. */
	put = fixture_put_as(catalog, &done, NULL, CATALOG_SAME);
	assert_true(put.size == 5 && !put.has_text && put.version == 0);
	/* Finished jobs do not change (SEMANTICS 7.1); others may have changed. */
	put = fixture_put_as(catalog, &done, "12345", CATALOG_SAME);
	assert_int_equal(put.version, 0);
	fixture_assert_text(catalog, &put, "12345");
	put = fixture_put_as(catalog, &running, "12345", CATALOG_CHANGED);
	assert_int_equal(put.version, 1);
	fixture_assert_text(catalog, &put, "12345");
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_assert_sums(fixture);
	catalog_close(catalog);
}

/* The evicted job has finished since, and its new text has the same length by chance. */
static void test_let_go_and_finished(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, 5);
	struct job running = fixture_job("a", JOB_PROCESSING);
	struct job done = fixture_job("a", JOB_DONE);

	fixture_put_as(catalog, &running, "12345", CATALOG_NEW);
	fixture_put(catalog, "last", JOB_DONE, "12345");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(
		fixture_put_as(catalog, &done, "abcde", CATALOG_CHANGED).version, 1);
	catalog_close(catalog);
}

/* A job that returns after its deletion may differ in everything except its id. */
static void test_back_again(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct job job = fixture_job("a", JOB_DONE);
	struct catalog_job first = fixture_put_as(catalog, &job, "text", CATALOG_NEW);

	assert_int_equal(jobs_mark_deleted(catalog, first.row), 0);

	struct catalog_job put = fixture_put_as(catalog, &job, "text", CATALOG_NEW);

	assert_int_equal(put.row, first.row);
	assert_int_equal(put.version, 1);
	fixture_assert_text(catalog, &put, "text");
	fixture_assert_totals(catalog, 1, 4);
	/* A summary makes the text unknown, even if it was known before. */
	assert_int_equal(jobs_mark_deleted(catalog, first.row), 0);
	put = fixture_put_as(catalog, &job, NULL, CATALOG_NEW);
	assert_int_equal(put.version, 2);
	assert_int_equal(put.size, -1);
	assert_int_equal(jobs_mark_deleted(catalog, first.row), 0);
	put = fixture_put_as(catalog, &job, "text", CATALOG_NEW);
	assert_int_equal(put.version, 2);
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_assert_sums(fixture);
	catalog_close(catalog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_steps),
		FIXTURE_TEST(test_times),
		FIXTURE_TEST(test_nodes),
		FIXTURE_TEST(test_kept_across_mounts),
		FIXTURE_TEST(test_let_go),
		FIXTURE_TEST(test_let_go_and_finished),
		FIXTURE_TEST(test_back_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
