/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "catalog_fixture.h"

#include "catalog/spool.h"

/* The spool: SEMANTICS 7.4.14, 7.4.15. */

enum { FILE_1 = 1, FILE_LAST = 255 };

static int take(struct catalog *catalog, const struct catalog_job *job, unsigned file,
	struct buf *text)
{
	buf_init(text, SPOOL_FILE_MAX);
	return spool_take(catalog, job, file, text);
}

static void assert_spooled(struct catalog *catalog, const struct catalog_job *job,
	unsigned file, const char *expected)
{
	struct buf text;

	assert_int_equal(take(catalog, job, file, &text), 0);
	assert_int_equal(text.len, strlen(expected));
	if (text.len)
		assert_memory_equal(text.data, expected, text.len);
	buf_done(&text);
}

static void assert_not_spooled(
	struct catalog *catalog, const struct catalog_job *job, unsigned file)
{
	struct buf text;

	assert_int_equal(take(catalog, job, file, &text), -ENODATA);
	assert_int_equal(text.len, 0);
	buf_done(&text);
}

static void put(struct catalog *catalog, const struct catalog_job *job, unsigned file,
	const char *text)
{
	spool_put(catalog, job, file, text, strlen(text));
}

/* Each file is taken once, in any order, before and after a commit. */
static void test_taken_once(void **state)
{
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);
	struct catalog_job one = fixture_put(catalog, "one", JOB_DONE, "{}");
	struct catalog_job two = fixture_put(catalog, "two", JOB_DONE, "{}");

	assert_not_spooled(catalog, &one, FILE_1);
	put(catalog, &one, FILE_1, "first");
	spool_put(catalog, &one, FILE_LAST, NULL, 0);
	put(catalog, &two, FILE_1, "\x01 looks compressed");
	assert_spooled(catalog, &one, FILE_1, "first");
	assert_not_spooled(catalog, &one, FILE_1);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_spooled(catalog, &two, FILE_1, "\x01 looks compressed");
	assert_spooled(catalog, &one, FILE_LAST, "");
	assert_not_spooled(catalog, &one, FILE_LAST);
	assert_not_spooled(catalog, &two, FILE_1);
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_assert_sums(*state);
	assert_int_equal(
		fixture_sql(*state, "SELECT count(*) FROM chunks WHERE chunk < 0"), 0);
	catalog_close(catalog);
}

/* A file of another version of the job is never returned, and a new one replaces it. */
static void test_versions(void **state)
{
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);
	struct catalog_job old = fixture_put(catalog, "one", JOB_DONE, "{}");

	put(catalog, &old, FILE_1, "old");
	put(catalog, &old, FILE_LAST, "same");
	put(catalog, &old, FILE_LAST, "again");
	assert_spooled(catalog, &old, FILE_LAST, "again");

	struct catalog_job new = fixture_put(catalog, "one", JOB_DONE, "{\"a\":1}");

	assert_not_spooled(catalog, &new, FILE_1);
	put(catalog, &new, FILE_1, "new");
	assert_not_spooled(catalog, &old, FILE_1);
	assert_spooled(catalog, &new, FILE_1, "new");
	catalog_close(catalog);
}

/* With a job, its files are deleted, also if its text was evicted. */
static void test_deleted(void **state)
{
	struct catalog *catalog = fixture_open(*state, 0);
	struct catalog_job neighbour = fixture_put(catalog, "before", JOB_DONE, "{}");
	struct catalog_job job = fixture_put(catalog, "one", JOB_DONE, "{}");

	catalog_close(catalog);
	catalog = fixture_open(*state, FIXTURE_NO_MAX);
	put(catalog, &neighbour, FILE_1, "a");
	put(catalog, &job, FILE_1, "b");
	put(catalog, &job, FILE_LAST, "c");
	assert_int_equal(jobs_erase(catalog, job.row), 0);
	assert_not_spooled(catalog, &job, FILE_1);
	assert_not_spooled(catalog, &job, FILE_LAST);
	assert_spooled(catalog, &neighbour, FILE_1, "a");
	catalog_close(catalog);
}

/* SEMANTICS 7.4.15: the spool may have half of the size of the texts, in addition. */
static void test_maximum(void **state)
{
	enum { JOBS = 20, SIZE = 100 << 10, MAX = 10 * SIZE };

	struct catalog *catalog = fixture_open(*state, MAX);
	struct catalog_job jobs[JOBS];
	unsigned there = 0;

	for (int i = 0; i < JOBS; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%d", i);
		jobs[i] = fixture_put(catalog, id, JOB_DONE, "{}");
	}
	for (int i = 0; i < JOBS; i++) {
		char *noise = fixture_noise(SIZE);

		spool_put(catalog, &jobs[i], FILE_1, noise, SIZE);
		free(noise);
		assert_int_equal(catalog_commit(catalog), 0);
		assert_in_range(
			fixture_sql(*state, "SELECT sum(length(data)) FROM chunks"), 1,
			MAX / 2 + SIZE + JOBS * 8);
	}
	for (int i = 0; i < JOBS; i++) {
		struct buf text;

		there += !take(catalog, &jobs[i], FILE_1, &text);
		buf_done(&text);
		fixture_assert_text(catalog, &jobs[i], "{}");
	}
	assert_in_range(there, 1, 6);
	catalog_close(catalog);
}

/* The next mount empties the spool. */
static void test_next_mount(void **state)
{
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);
	struct catalog_job job = fixture_put(catalog, "one", JOB_DONE, "{}");

	put(catalog, &job, FILE_1, "left");
	catalog_close(catalog);
	catalog = fixture_open(*state, FIXTURE_NO_MAX);
	put(catalog, &job, FILE_LAST, "new");
	assert_not_spooled(catalog, &job, FILE_1);
	assert_spooled(catalog, &job, FILE_LAST, "new");
	fixture_assert_text(catalog, &job, "{}");
	catalog_close(catalog);
}

/* Another mount of the account empties the spool, too, and both go on. */
static void test_another_mount(void **state)
{
	enum { SIZE = 100 << 10 };
	char *noise = fixture_noise(SIZE);
	struct catalog *catalog = fixture_open(*state, 2 * SIZE);
	struct catalog_job job = fixture_put(catalog, "one", JOB_DONE, "{}");

	for (unsigned file = 1; file <= 2; file++)
		spool_put(catalog, &job, file, noise, SIZE);
	assert_int_equal(catalog_commit(catalog), 0);

	struct catalog *other = fixture_open(*state, 2 * SIZE);

	assert_not_spooled(catalog, &job, 1);
	put(catalog, &job, 1, "mine");
	assert_int_equal(catalog_commit(catalog), 0);
	put(other, &job, 2, "of the other");
	assert_int_equal(catalog_commit(other), 0);
	assert_spooled(catalog, &job, 1, "mine");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_spooled(other, &job, 2, "of the other");
	catalog_close(other);
	catalog_close(catalog);
	free(noise);
}

/* The longest file is spooled, a longer one is not. */
static void test_long(void **state)
{
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);
	struct catalog_job job = fixture_put(catalog, "one", JOB_DONE, "{}");
	char *text = fixture_noise(SPOOL_FILE_MAX + 1);

	put(catalog, &job, FILE_LAST, "short");
	spool_put(catalog, &job, FILE_1, text, SPOOL_FILE_MAX + 1);
	assert_not_spooled(catalog, &job, FILE_1);
	text[SPOOL_FILE_MAX] = '\0';
	put(catalog, &job, FILE_1, text);
	assert_spooled(catalog, &job, FILE_1, text);
	free(text);
	catalog_close(catalog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_taken_once),
		FIXTURE_TEST(test_versions),
		FIXTURE_TEST(test_deleted),
		FIXTURE_TEST(test_maximum),
		FIXTURE_TEST(test_next_mount),
		FIXTURE_TEST(test_another_mount),
		FIXTURE_TEST(test_long),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
