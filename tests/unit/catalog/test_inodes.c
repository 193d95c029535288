/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "catalog_fixture.h"

/* Jobs by inode number (inodes.c): so many that the tables are merged step by step. */

enum { MANY = 12000, TURN = 150, RECENT_MAX = 8192 };

static const char *id_of(char *to, size_t size, int number)
{
	(void)snprintf(to, size, "job-%d", number);
	return to;
}

static void put(struct catalog *catalog, int number)
{
	char id[32];

	fixture_put(catalog, id_of(id, sizeof(id), number), JOB_DONE, NULL);
}

static void put_many(struct catalog *catalog, int first, int end)
{
	for (int i = first; i < end; i++) {
		put(catalog, i);
		if (i % TURN == 0)
			assert_int_equal(catalog_commit(catalog), 0);
	}
	assert_int_equal(catalog_commit(catalog), 0);
}

/* Exactly the jobs from `first` to `end` must be found, by id and by inode number. */
static void assert_found(struct catalog *catalog, int first, int end)
{
	struct catalog_job job;
	char id[32];

	for (int i = 0; i < end + 10; i++) {
		bool known = i >= first && i < end;
		int err = jobs_by_id(catalog, id_of(id, sizeof(id), i), &job);

		assert_int_equal(err, known ? 0 : -ENOENT);
		if (!known)
			continue;
		assert_string_equal(job.job.id, id);
		assert_int_equal(job.ino, job_ino(id));
		assert_int_equal(jobs_by_node(catalog, job.node, &job), 0);
		assert_string_equal(job.job.id, id);
	}
}

/* All jobs are found at any time, by this mount and the next; few remain to be merged. */
static void test_many(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	put_many(catalog, 0, RECENT_MAX);
	fixture_assert_sums(fixture);
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM inodes"), 0);
	put_many(catalog, RECENT_MAX, MANY);
	fixture_assert_sums(fixture);
	assert_in_range(fixture_sql(fixture, "SELECT count(*) FROM inodes_recent"),
		RECENT_MAX, RECENT_MAX + TURN);
	assert_found(catalog, 0, MANY);
	catalog_close(catalog);

	catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	assert_found(catalog, 0, MANY);
	/* Putting the same jobs again adds nothing. */
	put_many(catalog, 0, MANY);
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM jobs"), MANY);
	catalog_close(catalog);
	fixture_assert_sums(fixture);
}

/* A lost transaction leaves both tables as they were. */
static void test_lost(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	put_many(catalog, 0, RECENT_MAX + TURN);
	fixture_limit_files(fixture_file_size(fixture));
	for (int i = 0; i < TURN; i++)
		put(catalog, MANY + i);
	/* There is no disk space until the catalog is closed. */
	catalog_close(catalog);
	fixture_limit_files(0);
	fixture_assert_sums(fixture);
	assert_int_equal(
		fixture_sql(fixture, "SELECT count(*) FROM jobs"), RECENT_MAX + TURN);
	catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	assert_found(catalog, 0, RECENT_MAX + TURN);
	put_many(catalog, RECENT_MAX + TURN, MANY);
	assert_found(catalog, 0, MANY);
	catalog_close(catalog);
	fixture_assert_sums(fixture);
}

/* The next mount drops the rows of deleted jobs from both tables. */
static void test_gone(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job job;
	char id[32];

	put_many(catalog, 0, MANY);
	for (int i = 0; i < MANY / 2; i++) {
		id_of(id, sizeof(id), i);
		assert_int_equal(jobs_by_id(catalog, id, &job), 0);
		assert_int_equal(jobs_mark_deleted(catalog, job.row), 0);
	}
	catalog_close(catalog);
	fixture_assert_sums(fixture);

	catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	assert_int_equal(
		fixture_sql(fixture, "SELECT count(*) FROM jobs"), MANY - MANY / 2);
	fixture_assert_sums(fixture);
	assert_found(catalog, MANY / 2, MANY);
	put_many(catalog, 0, MANY / 2);
	assert_found(catalog, 0, MANY);
	catalog_close(catalog);
	fixture_assert_sums(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_many),
		FIXTURE_TEST(test_lost),
		FIXTURE_TEST(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
