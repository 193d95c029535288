/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "catalog/internal.h"
#include "catalog/saved_listings.h"
#include "catalog_fixture.h"

/*
 * Transactions are written completely or not at all, and errors are handled. SEMANTICS
 * 7.4, 11.4.
 */

enum { BIG = 1 << 20 };

/* Returns a text larger than any cache, and than the small disks of these tests. */
static const char *big_text(void)
{
	static const char *text;

	if (!text)
		text = fixture_noise(16 * BIG);
	return text;
}

/* If true, the limit is a quota: the free space of the disk does not show it. */
static bool is_quota;

__typeof__(room_measure) __real_room_measure;
__typeof__(room_measure) __wrap_room_measure;

struct room __wrap_room_measure(int dir, int64_t file_size)
{
	if (is_quota)
		return (struct room){.left = INT64_MAX};
	return __real_room_measure(dir, file_size);
}

static void limit_unseen(rlim_t max)
{
	is_quota = max > 0;
	fixture_limit_files(max);
}

/* Advances the clock until the catalog tries to write again. */
static void wait_after_refusal(struct catalog_fixture *fixture)
{
	fixture->now_ms += 60 * 1000;
}

static int put(struct catalog *catalog, const char *id, const char *text,
	struct catalog_job *ret_job)
{
	struct job job = fixture_job(id, JOB_DONE);
	enum catalog_change change;

	return jobs_put(catalog,
		&(struct job_state){&job, text, strlen(text), NULL, INT64_MAX}, &change,
		ret_job);
}

static void assert_unknown(struct catalog *catalog, const char *id)
{
	struct catalog_job found;

	assert_int_equal(jobs_by_id(catalog, id, &found), -ENOENT);
}

static void assert_known(struct catalog *catalog, const char *id, const char *text)
{
	struct catalog_job found;

	assert_int_equal(jobs_by_id(catalog, id, &found), 0);
	fixture_assert_text(catalog, &found, text);
}

static void test_nothing_to_commit(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(catalog_commit(catalog), 0);
	catalog_close(catalog);
	catalog_close(NULL);
}

/* Others see a transaction when it is committed, and then all of it. */
static void test_commit(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	fixture_put(catalog, "a", JOB_DONE, "1");
	fixture_put(catalog, "b", JOB_DONE, "2");
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM jobs"), 0);
	fixture_assert_totals(catalog, 2, 2);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM jobs"), 2);
	fixture_assert_totals(catalog, 2, 2);
	fixture_put(catalog, "c", JOB_DONE, "3");
	/* Closing commits. */
	catalog_close(catalog);
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM jobs"), 3);
	fixture_assert_sums(fixture);
}

/* The disk refuses a write: only that transaction is lost, and only once. */
static void test_quota(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_listing listing = {.completed_ms = 1};
	struct catalog_job job;
	int64_t row = 1;

	fixture_put(catalog, "before", JOB_DONE, "text");
	assert_int_equal(catalog_commit(catalog), 0);
	limit_unseen(fixture_file_size(fixture) + BIG);
	fixture_put(catalog, "lost", JOB_DONE, "text");
	assert_int_equal(saved_listings_save(catalog, "any ..", &listing, &row, 1), 0);
	assert_int_equal(put(catalog, "big", big_text(), &job), 0);
	assert_int_equal(catalog_commit(catalog), -EIO);
	assert_int_equal(fixture_messages(fixture, "free space on its disk"), 1);
	/* The transaction is rolled back at once and completely. */
	assert_unknown(catalog, "lost");
	assert_unknown(catalog, "big");
	fixture_assert_totals(catalog, 1, 4);
	assert_int_equal(catalog_commit(catalog), 0);
	/* From then on the disk is treated as full: new data stays in memory. */
	fixture_put(catalog, "new", JOB_DONE, big_text());
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(fixture_messages(fixture, "is nearly full"), 1);
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM jobs"), 1);
	limit_unseen(0);
	wait_after_refusal(fixture);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM jobs"), 2);
	catalog_close(catalog);
	fixture_assert_sums(fixture);
	assert_int_equal(fixture_messages(fixture, ""), 0);
}

static bool is_cached(struct catalog *catalog, const char *id)
{
	struct catalog_job found;

	assert_int_equal(jobs_by_id(catalog, id, &found), 0);
	return found.has_text;
}

/*
 * SEMANTICS 7.4: on a full disk old texts make room for new ones, and the file shrinks.
 */
static void test_spec_7_4_full_disk(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	CLEANUP_FREE char *text = strndup(big_text(), BIG);
	char id[32];

	for (int i = 0; i < 32; i++, fixture->now_ms++) {
		snprintf(id, sizeof(id), "old %d", i);
		fixture_put(catalog, id, JOB_DONE, text);
	}
	assert_int_equal(catalog_commit(catalog), 0);

	rlim_t full = fixture_file_size(fixture);

	fixture_limit_files(full);
	for (int i = 0; i < 8; i++, fixture->now_ms++) {
		snprintf(id, sizeof(id), "new %d", i);
		fixture_put(catalog, id, JOB_DONE, text);
		assert_true(is_cached(catalog, id));
		assert_int_equal(catalog_commit(catalog), 0);
		assert_true(is_cached(catalog, id));
	}
	assert_int_equal(fixture_messages(fixture, "is nearly full"), 1);
	assert_int_equal(access(fixture_path(fixture, "-journal"), F_OK), -1);
	assert_false(is_cached(catalog, "old 0"));
	assert_true(is_cached(catalog, "old 31"));
	/* Everything is on disk, and between transactions space is returned to it. */
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM jobs"), 40);
	while (catalog_has_excess(catalog)) {
		catalog_trim(catalog);
		assert_int_equal(catalog_commit(catalog), 0);
	}
	assert_true(fixture_file_size(fixture) < full - BIG);
	fixture_limit_files(0);
	catalog_close(catalog);
	fixture_assert_sums(fixture);
	assert_int_equal(fixture_messages(fixture, ""), 0);
}

/*
 * SEMANTICS 7.4: with nothing to evict, the catalog continues in memory until there is
 * space.
 */
static void test_spec_7_4_nothing_to_evict(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_listing listing = {.completed_ms = 1};
	CLEANUP_FREE char *text = strndup(big_text(), BIG);
	int64_t row = 1;
	char id[32];

	fixture_put(catalog, "before", JOB_DONE, "text");
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_limit_files(fixture_file_size(fixture));
	for (int i = 0; i < 32; i++, fixture->now_ms++) {
		snprintf(id, sizeof(id), "new %d", i);
		fixture_put(catalog, id, JOB_DONE, text);
		assert_int_equal(saved_listings_save(catalog, id, &listing, &row, 1), 0);
		assert_int_equal(catalog_commit(catalog), 0);
		assert_true(is_cached(catalog, id));
	}
	/* Memory use is bounded. */
	assert_false(is_cached(catalog, "new 0"));
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM jobs"), 1);
	fixture_limit_files(0);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM jobs"), 33);
	catalog_close(catalog);
	fixture_assert_sums(fixture);
	assert_int_equal(fixture_messages(fixture, "is nearly full"), 1);
}

/* If the disk stays full until the catalog is closed, only the new data is lost. */
static void test_spec_7_4_full_until_the_end(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	CLEANUP_FREE char *text = strndup(big_text(), BIG);

	fixture_put(catalog, "before", JOB_DONE, "text");
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_limit_files(fixture_file_size(fixture));
	fixture_put(catalog, "last", JOB_DONE, text);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_true(is_cached(catalog, "last"));
	catalog_close(catalog);
	fixture_limit_files(0);
	fixture_assert_sums(fixture);
	catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	assert_known(catalog, "before", "text");
	assert_unknown(catalog, "last");
	catalog_close(catalog);
	assert_int_equal(fixture_messages(fixture, "is nearly full"), 1);
}

/* SEMANTICS 6.4: an open listing never shows another job in place of a lost one. */
static void test_spec_6_4_lost_rows_are_not_used_again(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	int64_t lost = 0;

	for (int times = 0; times < 3; times++) {
		struct catalog_job job;
		char id[32];

		snprintf(id, sizeof(id), "kept %d", times);
		job = fixture_put(catalog, id, JOB_DONE, "text");
		assert_true(job.row > lost);
		assert_int_equal(catalog_commit(catalog), 0);
		limit_unseen(fixture_file_size(fixture) + BIG);
		for (int i = 0; i < 10; i++) {
			snprintf(id, sizeof(id), "lost %d %d", times, i);
			assert_int_equal(put(catalog, id, "text", &job), 0);
			assert_true(job.row > lost);
			lost = job.row;
		}
		assert_int_equal(put(catalog, "big", big_text(), &job), 0);
		assert_int_equal(catalog_commit(catalog), -EIO);
		limit_unseen(0);
		wait_after_refusal(fixture);
		assert_int_equal(jobs_by_row(catalog, lost, &job), -ENOENT);
	}
	catalog_close(catalog);
	fixture_assert_sums(fixture);
}

/* A temporary catalog whose file cannot be written continues in memory, too. */
static void test_full_disk_of_a_temporary_one(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open_temporary(fixture, FIXTURE_NO_MAX);
	struct catalog_job job;

	fixture_put(catalog, "before", JOB_DONE, "text");
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_limit_files(BIG);
	fixture_put(catalog, "with", JOB_DONE, "text");
	assert_int_equal(put(catalog, "big", big_text(), &job), 0);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_true(is_cached(catalog, "big"));
	fixture_limit_files(0);
	assert_known(catalog, "before", "text");
	fixture_put(catalog, "after", JOB_DONE, "text");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_known(catalog, "after", "text");
	catalog_close(catalog);
}

/* SEMANTICS 11.4: if the process dies, everything it had committed is kept. */
static void test_spec_11_4_crash(void **state)
{
	struct catalog_fixture *fixture = *state;
	pid_t pid = fork();

	if (pid == 0) {
		struct catalog *doomed = fixture_open(fixture, FIXTURE_NO_MAX);

		fixture_put(doomed, "a", JOB_DONE, "committed");
		if (catalog_commit(doomed))
			_exit(1);
		/*
		 * Part of the transaction is already in the file, as if the process was
		 * killed in the commit.
		 */
		sqlite3_exec(doomed->db, "PRAGMA cache_spill = ON", NULL, NULL, NULL);
		fixture_put(doomed, "b", JOB_DONE, "not committed");
		fixture_put(doomed, "c", JOB_DONE, big_text());
		if (texts_flush(doomed))
			_exit(1);
		kill(getpid(), SIGKILL);
	}

	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

	assert_true(fixture_file_size(fixture) > BIG);
	assert_int_equal(access(fixture_path(fixture, "-journal"), F_OK), 0);

	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	assert_known(catalog, "a", "committed");
	assert_unknown(catalog, "b");
	assert_unknown(catalog, "c");
	fixture_assert_totals(catalog, 1, 9);
	catalog_close(catalog);
	fixture_assert_sums(fixture);
	assert_int_equal(fixture_messages(fixture, ""), 0);
}

/*
 * SEMANTICS 11.3: however much is written, no journal stays, and the file does not grow.
 */
static void test_spec_11_3_journal(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, 4 * BIG);
	char *text = strndup(big_text(), BIG);

	for (int i = 0; i < 100; i++) {
		char id[32];

		snprintf(id, sizeof(id), "%d", i);
		fixture_put(catalog, id, JOB_DONE, text);
		assert_int_equal(catalog_commit(catalog), 0);
		assert_int_equal(access(fixture_path(fixture, "-journal"), F_OK), -1);
	}
	free(text);
	catalog_close(catalog);
	assert_true(fixture_file_size(fixture) < 8 * BIG);
	fixture_assert_sums(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_nothing_to_commit),
		FIXTURE_TEST(test_commit),
		FIXTURE_TEST(test_quota),
		FIXTURE_TEST(test_spec_7_4_full_disk),
		FIXTURE_TEST(test_spec_7_4_nothing_to_evict),
		FIXTURE_TEST(test_spec_7_4_full_until_the_end),
		FIXTURE_TEST(test_spec_6_4_lost_rows_are_not_used_again),
		FIXTURE_TEST(test_full_disk_of_a_temporary_one),
		FIXTURE_TEST(test_spec_11_4_crash),
		FIXTURE_TEST(test_spec_11_3_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
