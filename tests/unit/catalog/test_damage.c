/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "catalog/saved_listings.h"
#include "catalog_fixture.h"

/*
 * Damage that is only found in use causes an error and a message, never a crash or a
 * wrong byte, and the next mount starts with an empty catalog (SEMANTICS 7.4, 4.3).
 */

enum {
	JOBS = 40,
	PAGE = 4096,
	TEXT_ROOM = 40000,
	SPOILT = 100,
	SPOILT_LONG = 500,
	SPOILT_SHORT = 30, /* for valgrind, which is forty times slower */
};

static void make_id(int n, char id[16])
{
	snprintf(id, 16, "job %d", n);
}

static const char *make_text(int n)
{
	static char text[TEXT_ROOM];
	size_t len = (size_t)(n * n * 20 + n);
	char *noise = fixture_noise(len);

	memcpy(text, noise, len);
	free(noise);
	text[len] = '\0';
	return text;
}

/* Fills a database with several pages of each kind. */
static void fill(struct catalog_fixture *fixture)
{
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_listing listing = {.completed_ms = 1};
	int64_t rows[JOBS];
	char id[16];

	for (int i = 0; i < JOBS; i++) {
		make_id(i, id);
		fixture_put(catalog, id, JOB_PROCESSING, "old");
		rows[i] = fixture_put(catalog, id, JOB_DONE, make_text(i)).row;
	}
	assert_int_equal(saved_listings_save(catalog, "any ..", &listing, rows, JOBS), 0);
	assert_int_equal(jobs_mark_deleted(catalog, rows[3]), 0);
	assert_int_equal(catalog_commit(catalog), 0);
	catalog_close(catalog);
}

/* The result must be 0, `fine` or -EIO; sets `failed` for -EIO. */
static int note(int err, int fine, bool *failed)
{
	if (err == -EIO)
		*failed = true;
	else if (err != fine)
		assert_int_equal(err, 0);
	return err;
}

static void read_job(struct catalog *catalog, int n, bool *failed)
{
	static char read[TEXT_ROOM];
	struct catalog_job job;
	char id[16];
	size_t len;

	make_id(n, id);
	if (note(jobs_by_id(catalog, id, &job), -ENOENT, failed) || job.deleted)
		return;
	if (note(texts_read(catalog, &job, 0, read, sizeof(read), &len), -ENODATA,
		    failed))
		return;
	note(jobs_by_node(catalog, job.node, &job), -ESTALE, failed);
}

/* Reads and changes everything. Returns true if anything failed. */
static bool use(struct catalog *catalog)
{
	struct catalog_listing listing = {0};
	struct catalog_totals totals;
	struct catalog_job job;
	enum catalog_change change;
	int64_t *rows;
	size_t len;
	bool failed = false;

	for (int i = 0; i < JOBS; i++)
		read_job(catalog, i, &failed);
	if (note(saved_listings_load(catalog, "any ..", &listing, &rows, &len), -ENOENT,
		    &failed) == 0)
		free(rows);
	for (int i = 0; i < JOBS + 5; i++) {
		char id[16];
		struct job put;

		make_id(i, id);
		put = fixture_job(id, JOB_ERROR);
		if (note(jobs_put(catalog,
				 &(struct job_state){&put, "new", 3, NULL, INT64_MAX},
				 &change, &job),
			    -EEXIST, &failed) == 0 &&
			i % 3 == 0)
			note(jobs_mark_deleted(catalog, job.row), 0, &failed);
	}
	listing.completed_ms = 2;
	note(saved_listings_save(catalog, "other", &listing, &(int64_t){1}, 1), 0,
		&failed);
	note(catalog_commit(catalog), 0, &failed);
	catalog_totals(catalog, &totals);
	return failed;
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)*seed * below >> 32);
}

/* Overwrites some bytes at a random offset, or at the beginning of a page. */
static void spoil(struct catalog_fixture *fixture, uint32_t *seed)
{
	int fd = open(fixture->path, O_RDWR | O_CLOEXEC);
	struct stat status;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);

	uint32_t pages = (uint32_t)(status.st_size / PAGE);
	off_t page = (off_t)draw(seed, pages) * PAGE;

	for (uint32_t left = 1 + draw(seed, 8); left; left--) {
		uint8_t byte = (uint8_t)draw(seed, 256);
		off_t at = page + (off_t)draw(seed, left % 2 ? 16 : PAGE);

		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	if (draw(seed, 10) == 0)
		assert_int_equal(ftruncate(fd, page + PAGE / 2), 0);
	assert_int_equal(close(fd), 0);
}

static void remove_all(struct catalog_fixture *fixture)
{
	unlink(fixture->path);
	unlink(fixture_path(fixture, "-journal"));
}

/* SEMANTICS 7.4: random bytes of the file change while it is not mounted. */
static void test_spec_7_4_spoilt(void **state)
{
	struct catalog_fixture *fixture = *state;
	int rounds = getenv("GLADIAFS_TEST_SHORT")  ? SPOILT_SHORT
		     : getenv("GLADIAFS_TEST_LONG") ? SPOILT_LONG
						    : SPOILT;
	uint32_t seed = 1;
	int failures = 0;

	for (int i = 0; i < rounds; i++) {
		remove_all(fixture);
		fill(fixture);
		spoil(fixture, &seed);

		struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
		bool failed = use(catalog);

		catalog_close(catalog);
		failures += failed;
		if (!failed)
			continue;
		/* The next mount starts with an empty catalog. */
		assert_int_equal(access(fixture->path, F_OK), -1);
		catalog = fixture_open(fixture, FIXTURE_NO_MAX);
		assert_false(use(catalog));
		fixture_assert_sums(fixture);
		catalog_close(catalog);
	}
	assert_true(failures > rounds / 30);
}

/* Rows that no version of this program writes. */
static void test_unsound_rows(void **state)
{
	static const char *const changes[] = {
		"UPDATE jobs SET status = 77",
		"UPDATE jobs SET status = -1",
		"UPDATE jobs SET size = -2",
		"UPDATE jobs SET size = 1 << 40",
		"UPDATE jobs SET id = printf('%0300d', 1)",
		"DELETE FROM totals",
		"INSERT INTO chunks SELECT (max(job) + 1) * 8192, 'x' FROM jobs",
	};
	struct catalog_fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		fill(fixture);
		fixture_sql(fixture, changes[i]);

		struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

		assert_true(use(catalog));
		catalog_close(catalog);
		assert_int_equal(fixture_messages(fixture, "renamed to"), 2);
		assert_int_equal(access(fixture->path, F_OK), -1);
	}
}

/* Damages a catalog that is open, so that its next use finds the damage. */
static void damage_in_use(struct catalog_fixture *fixture, struct catalog *catalog)
{
	struct catalog_job job;

	fixture_put(catalog, "a", JOB_DONE, "text");
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_sql(fixture, "UPDATE jobs SET status = 77");
	assert_int_equal(jobs_by_id(catalog, "a", &job), -EIO);
}

/*
 * A mount that finds damage continues to use the file that was set aside. Neither its
 * writes nor its close affect the new file of another mount.
 */
static void test_old_and_new_side_by_side(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *old = fixture_open(fixture, FIXTURE_NO_MAX);

	damage_in_use(fixture, old);
	assert_int_equal(fixture_messages(fixture, "renamed to"), 2);

	struct catalog *new = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job job;

	fixture_put(new, "b", JOB_DONE, "new text");
	assert_int_equal(catalog_commit(new), 0);
	fixture_put(old, "c", JOB_DONE, "old text");
	assert_int_equal(catalog_commit(old), 0);
	assert_int_equal(jobs_by_id(old, "a", &job), -EIO);
	fixture_put(new, "d", JOB_DONE, "more");
	/* The new file has a journal, which the old catalog must not use. */
	assert_int_equal(access(fixture_path(fixture, "-journal"), F_OK), 0);
	assert_int_equal(jobs_by_id(old, "c", &job), 0);
	fixture_put(old, "e", JOB_DONE, "old text");
	assert_int_equal(catalog_commit(old), 0);
	catalog_close(old);
	assert_int_equal(access(fixture_path(fixture, "-journal"), F_OK), 0);
	assert_int_equal(catalog_commit(new), 0);
	catalog_close(new);
	/* The damage is logged only once, and the new file was not set aside. */
	assert_int_equal(fixture_messages(fixture, ""), 0);
	new = fixture_open(fixture, FIXTURE_NO_MAX);
	assert_int_equal(jobs_by_id(new, "b", &job), 0);
	fixture_assert_text(new, &job, "new text");
	assert_int_equal(jobs_by_id(new, "d", &job), 0);
	assert_int_equal(jobs_by_id(new, "c", &job), -ENOENT);
	fixture_assert_totals(new, 2, 12);
	catalog_close(new);
}

/*
 * The file is removed under a mount, and another mount creates a new one: neither mount
 * loses its data or takes the other's journal for its own.
 */
static void test_removed_in_use(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *old = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job job;

	fixture_put(old, "a", JOB_DONE, "old text");
	assert_int_equal(catalog_commit(old), 0);
	assert_int_equal(unlink(fixture->path), 0);
	assert_int_equal(catalog_commit(old), 0);
	assert_int_equal(fixture_messages(fixture, "moved or removed"), 1);

	struct catalog *new = fixture_open(fixture, FIXTURE_NO_MAX);

	fixture_put(new, "b", JOB_DONE, "new text");
	assert_int_equal(catalog_commit(new), 0);
	fixture_put(new, "lost", JOB_DONE, "new text");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(jobs_by_id(old, "a", &job), 0);
		fixture_assert_text(old, &job, "old text");
		fixture_put(old, "c", JOB_PROCESSING, i % 2 ? "more" : "less");
		assert_int_equal(catalog_commit(old), 0);
		assert_int_equal(access(fixture_path(fixture, "-journal"), F_OK), 0);
	}
	catalog_close(old);
	catalog_close(new);
	new = fixture_open(fixture, FIXTURE_NO_MAX);
	fixture_assert_totals(new, 2, 16);
	assert_int_equal(jobs_by_id(new, "b", &job), 0);
	fixture_assert_text(new, &job, "new text");
	catalog_close(new);
	assert_int_equal(fixture_messages(fixture, ""), 0);
}

/*
 * A write that happens before the removal is noticed is lost, and an error reports that.
 */
static void test_removed_while_writing(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct job job = fixture_job("b", JOB_DONE);
	struct catalog_job found;
	enum catalog_change change;

	fixture_put(catalog, "a", JOB_DONE, "text");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(unlink(fixture->path), 0);
	assert_int_equal(
		jobs_put(catalog, &(struct job_state){&job, "text", 4, NULL, INT64_MAX},
			&change, &found),
		-EIO);
	assert_int_equal(catalog_commit(catalog), -EIO);
	assert_int_equal(fixture_messages(fixture, "moved or removed"), 1);
	fixture_put(catalog, "b", JOB_DONE, "text");
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_assert_totals(catalog, 2, 8);
	catalog_close(catalog);
	assert_int_equal(access(fixture->path, F_OK), -1);
}

/*
 * If two mounts find the same damage, the second leaves the new file of the first alone.
 */
static void test_found_by_two(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *one = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog *two = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job job;

	damage_in_use(fixture, one);
	assert_int_equal(fixture_messages(fixture, "renamed to"), 2);

	struct catalog *new = fixture_open(fixture, FIXTURE_NO_MAX);

	fixture_put(new, "b", JOB_DONE, "text");
	assert_int_equal(catalog_commit(new), 0);
	assert_int_equal(jobs_by_id(two, "a", &job), -EIO);
	assert_int_equal(fixture_messages(fixture, "mount again"), 1);
	catalog_close(two);
	catalog_close(one);
	catalog_close(new);
	new = fixture_open(fixture, FIXTURE_NO_MAX);
	assert_int_equal(jobs_by_id(new, "b", &job), 0);
	catalog_close(new);
}

/* A file that is set aside replaces the one set aside before, including its journals. */
static void test_set_aside_twice(void **state)
{
	struct catalog_fixture *fixture = *state;

	for (int times = 0; times < 2; times++) {
		struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

		fixture_sql(fixture, "CREATE TABLE witness(times)");
		damage_in_use(fixture, catalog);
		catalog_close(catalog);
	}
	assert_int_equal(access(fixture->path, F_OK), -1);
	strcat(fixture->path, ".damaged");
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM witness"), 0);
	assert_int_equal(fixture_sql(fixture, "SELECT status FROM jobs"), 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_spec_7_4_spoilt),
		FIXTURE_TEST(test_unsound_rows),
		FIXTURE_TEST(test_old_and_new_side_by_side),
		FIXTURE_TEST(test_removed_in_use),
		FIXTURE_TEST(test_removed_while_writing),
		FIXTURE_TEST(test_found_by_two),
		FIXTURE_TEST(test_set_aside_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
