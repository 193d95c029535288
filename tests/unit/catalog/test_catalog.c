/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "catalog_fixture.h"

/* Jobs, their versions and their deletion: SEMANTICS 5.2, 5.4, 7.1, 7.3. */

/*
 * SEMANTICS 5.2: an inode number belongs to one job, is the same on every mount, and
 * leaves room for formats.
 */
static void test_spec_5_2_ino(void **state)
{
	static const char *const ids[] = {"a", "b", "A", "45463597-20b7-4af7-b3b3-f5fb",
		"45463597-20b7-4af7-b3b3-f5fc", "with space", "\xc3\xa9"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		uint64_t ino = job_ino(ids[i]);

		assert_int_equal(ino & JOB_FILES_MASK, 0);
		assert_int_equal(ino >> 62, 1);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(ino, job_ino(ids[j]));
	}
	/*
	 * Computed with printf 'job\0a' | sha256sum. If it changed, the same job would be
	 * another file.
	 */
	assert_int_equal(job_ino("a"), 0x7c58bb45a7f5fa00u);
}

static void test_new(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct job job = fixture_job("a", JOB_DONE);
	struct catalog_job put = fixture_put_as(catalog, &job, "text", CATALOG_NEW);
	struct catalog_job found;

	assert_true(put.row > 0);
	assert_int_equal(put.ino, job_ino("a"));
	assert_int_equal(put.node, put.ino);
	assert_int_equal(put.size, 4);
	assert_int_equal(put.seen_ms, FIXTURE_START_MS);
	assert_true(put.has_text && !put.deleted);
	assert_int_equal(jobs_by_ino(catalog, put.ino, &found), 0);
	assert_int_equal(found.row, put.row);
	assert_int_equal(jobs_by_id(catalog, "a", &found), 0);
	assert_int_equal(found.row, put.row);
	assert_int_equal(jobs_by_node(catalog, put.node, &found), 0);
	assert_int_equal(found.row, put.row);
	fixture_assert_text(catalog, &found, "text");
	catalog_close(catalog);
}

static void test_unknown(void **state)
{
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);
	struct catalog_job found = {.row = 42};

	assert_int_equal(jobs_by_row(catalog, 1, &found), -ENOENT);
	assert_int_equal(jobs_by_row(catalog, -1, &found), -ENOENT);
	assert_int_equal(jobs_by_row(catalog, INT64_MAX, &found), -ENOENT);
	assert_int_equal(jobs_by_ino(catalog, 4, &found), -ENOENT);
	assert_int_equal(jobs_by_id(catalog, "a", &found), -ENOENT);
	assert_int_equal(jobs_by_id(catalog, "", &found), -ENOENT);
	assert_int_equal(jobs_by_node(catalog, job_ino("a"), &found), -ESTALE);
	assert_int_equal(jobs_by_node(catalog, 0, &found), -ESTALE);
	assert_int_equal(found.row, 42);
	assert_int_equal(jobs_invalidate(catalog, 1), 0);
	assert_int_equal(jobs_mark_deleted(catalog, 1), 0);
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_assert_totals(catalog, 0, 0);
	catalog_close(catalog);
}

/* Every field of a job can be read back, also after a remount. */
static void test_values(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct job jobs[5] = {
		{.id = "\xc3\xa9/.. %",
			.status = JOB_QUEUED,
			.created_ms = -1,
			.completed_ms = JOB_NO_TIME},
		{.id = "x",
			.status = JOB_OTHER,
			.created_ms = JOB_NO_TIME,
			.completed_ms = 0},
		{.id = "y",
			.status = JOB_PROCESSING,
			.created_ms = INT64_MAX,
			.completed_ms = INT64_MIN + 1},
		{.id = "z", .status = JOB_ERROR, .created_ms = 0, .completed_ms = 1},
		{.status = JOB_DONE, .created_ms = 5, .completed_ms = 6},
	};
	struct catalog_job found;

	memset(jobs[4].id, 'i', FILENAME_BYTES_MAX);
	for (int i = 0; i < 5; i++)
		fixture_put_as(catalog, &jobs[i], "{}", CATALOG_NEW);
	catalog_close(catalog);
	catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(jobs_by_id(catalog, jobs[i].id, &found), 0);
		assert_string_equal(found.job.id, jobs[i].id);
		assert_int_equal(found.job.status, jobs[i].status);
		assert_int_equal(found.job.created_ms, jobs[i].created_ms);
		assert_int_equal(found.job.completed_ms, jobs[i].completed_ms);
		assert_int_equal(found.seen_ms, FIXTURE_START_MS);
		fixture_assert_text(catalog, &found, "{}");
	}
	fixture_assert_totals(catalog, 5, 10);
	catalog_close(catalog);
}

/* SEMANTICS 11.3 */
static void test_spec_11_3_text_too_big(void **state)
{
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);
	struct job job = fixture_job("a", JOB_DONE);
	struct catalog_job put;
	enum catalog_change change;

	assert_int_equal(jobs_put(catalog,
				 &(struct job_state){&job, "", (size_t)JOB_TEXT_MAX + 1,
					 NULL, INT64_MAX},
				 &change, &put),
		-EFBIG);
	assert_int_equal(jobs_put(catalog,
				 &(struct job_state){&job, "", SIZE_MAX, NULL, INT64_MAX},
				 &change, &put),
		-EFBIG);
	assert_int_equal(jobs_by_id(catalog, "a", &put), -ENOENT);
	catalog_close(catalog);
}

/*
 * If two ids have the same inode number, the second is refused and the first is
 * unchanged.
 */
static void test_same_ino(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct job job = fixture_job("a", JOB_DONE);
	struct catalog_job put = fixture_put(catalog, "a", JOB_DONE, "text");
	enum catalog_change change;

	/* No such pair of ids is known, so the test gives the row another id. */
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_sql(fixture, "UPDATE jobs SET id = 'other'");
	assert_int_equal(jobs_by_id(catalog, "a", &put), -ENOENT);
	assert_int_equal(
		jobs_put(catalog, &(struct job_state){&job, "new", 3, NULL, INT64_MAX},
			&change, &put),
		-EEXIST);
	assert_int_equal(
		fixture_messages(fixture,
			"the jobs other and a have the same inode number: the second is "
			"not shown"),
		1);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(jobs_by_ino(catalog, job_ino("a"), &put), 0);
	assert_string_equal(put.job.id, "other");
	fixture_assert_text(catalog, &put, "text");
	catalog_close(catalog);
}

static void test_doubt(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job put = fixture_put(catalog, "a", JOB_DONE, "text");

	assert_int_equal(jobs_invalidate(catalog, put.row), 0);
	assert_int_equal(jobs_by_row(catalog, put.row, &put), 0);
	assert_int_equal(put.seen_ms, 0);
	fixture_assert_text(catalog, &put, "text");
	fixture->now_ms += 5;
	put = fixture_put_as(catalog, &put.job, "text", CATALOG_SAME);
	assert_int_equal(put.seen_ms, FIXTURE_START_MS + 5);
	/* A clock before 1970 does not invalidate the job. */
	fixture->now_ms = -5;
	assert_int_not_equal(
		fixture_put_as(catalog, &put.job, "text", CATALOG_SAME).seen_ms, 0);
	catalog_close(catalog);
}

/* A deleted job stays in the listings that are open. */
static void test_forget(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job put = fixture_put(catalog, "a", JOB_DONE, "text");
	struct catalog_job found;
	char byte;
	size_t len;

	fixture_put(catalog, "b", JOB_DONE, "other");
	for (int times = 0; times < 2; times++) {
		assert_int_equal(jobs_mark_deleted(catalog, put.row), 0);
		assert_int_equal(jobs_by_row(catalog, put.row, &found), 0);
		assert_true(found.deleted && !found.has_text);
		assert_int_equal(found.seen_ms, FIXTURE_START_MS);
		assert_string_equal(found.job.id, "a");
		fixture_assert_totals(catalog, 1, 5);
	}
	assert_int_equal(jobs_by_id(catalog, "a", &found), 0);
	assert_true(found.deleted);
	assert_int_equal(jobs_by_ino(catalog, put.ino, &found), 0);
	assert_true(found.deleted);
	assert_int_equal(jobs_by_node(catalog, put.node, &found), -ESTALE);
	assert_int_equal(texts_read(catalog, &put, 0, &byte, 1, &len), -ESTALE);
	/* Invalidating a deleted job does not restore it. */
	assert_int_equal(jobs_invalidate(catalog, put.row), 0);
	assert_int_equal(jobs_by_row(catalog, put.row, &found), 0);
	assert_true(found.deleted);
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_assert_sums(fixture);
	catalog_close(catalog);
}

/*
 * The next mount has no listing open, so it drops the row of a deleted job and its inode
 * number.
 */
static void test_forgotten_at_next_open(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job other = fixture_put(catalog, "b", JOB_DONE, "other");
	struct catalog_job put = fixture_put(catalog, "a", JOB_DONE, "text");

	assert_int_equal(jobs_mark_deleted(catalog, put.row), 0);
	catalog_close(catalog);
	catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	struct catalog_job found;

	assert_int_equal(jobs_by_row(catalog, put.row, &found), -ENOENT);
	assert_int_equal(jobs_by_row(catalog, other.row, &found), 0);
	fixture_assert_totals(catalog, 1, 5);
	assert_true(fixture_put(catalog, "c", JOB_DONE, "new").row > put.row);
	catalog_close(catalog);
	fixture_assert_sums(fixture);
}

/* `rows` must be the rows of the jobs `ids`, in any order. */
static void assert_rows(struct catalog *catalog, int err, int64_t *rows, size_t len,
	const char *const ids[])
{
	size_t expected = 0;

	assert_int_equal(err, 0);
	for (; ids[expected]; expected++) {
		struct catalog_job job;
		size_t at = 0;

		assert_int_equal(jobs_by_id(catalog, ids[expected], &job), 0);
		while (at < len && rows[at] != job.row)
			at++;
		assert_true(at < len);
	}
	assert_int_equal(len, expected);
	free(rows);
}

/* Which jobs a refresh has to request again: SEMANTICS 7.1, 7.2. */
static void test_spec_7_2_rows_to_ask_for(void **state)
{
	static const char *const none[] = {NULL};
	static const char *const unfinished[] = {"q", "p", "o", NULL};
	static const char *const old[] = {"d", "doubted", "p", NULL};
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	int64_t *rows;
	size_t len;
	int err = jobs_unfinished(catalog, &rows, &len);

	assert_rows(catalog, err, rows, len, none);
	err = jobs_seen_before(catalog, INT64_MAX, &rows, &len);
	assert_rows(catalog, err, rows, len, none);
	fixture_put(catalog, "d", JOB_DONE, "text");
	fixture_put(catalog, "p", JOB_PROCESSING, "text");
	assert_int_equal(jobs_mark_deleted(catalog,
				 fixture_put(catalog, "g", JOB_QUEUED, "text").row),
		0);
	fixture->now_ms++;
	fixture_put(catalog, "q", JOB_QUEUED, "text");
	fixture_put(catalog, "o", JOB_OTHER, "text");
	fixture_put(catalog, "e", JOB_ERROR, "text");
	assert_int_equal(jobs_invalidate(catalog,
				 fixture_put(catalog, "doubted", JOB_DONE, "text").row),
		0);
	err = jobs_unfinished(catalog, &rows, &len);
	assert_rows(catalog, err, rows, len, unfinished);
	err = jobs_seen_before(catalog, fixture->now_ms, &rows, &len);
	assert_rows(catalog, err, rows, len, old);
	catalog_close(catalog);
}

static unsigned draw(uint32_t *seed, unsigned below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 16) % below;
}

/* SEMANTICS 5.4: df reports exactly what is stored, after any sequence of changes. */
static void test_spec_5_4_totals(void **state)
{
	static const char *const texts[] = {NULL, "", "a", "b", "longer"};
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, 30);
	uint32_t seed = 1;
	int changes = getenv("GLADIAFS_TEST_SHORT") ? 600 : 3000;

	for (int i = 0; i < changes; i++) {
		char id[32];
		struct catalog_job known;

		snprintf(id, sizeof(id), "%u", draw(&seed, 20));
		switch (draw(&seed, 8)) {
		case 0:
			if (jobs_by_id(catalog, id, &known) == 0)
				assert_int_equal(
					jobs_mark_deleted(catalog, known.row), 0);
			break;
		case 1:
			if (jobs_by_id(catalog, id, &known) == 0)
				assert_int_equal(jobs_invalidate(catalog, known.row), 0);
			break;
		case 2:
			assert_int_equal(catalog_commit(catalog), 0);
			assert_true(fixture_sql(fixture,
					    "SELECT text_bytes FROM totals") <= 30);
			fixture_assert_sums(fixture);
			break;
		case 3:
			if (draw(&seed, 20))
				break;
			catalog_close(catalog);
			catalog = fixture_open(fixture, 30);
			break;
		default:
			fixture_put(catalog, id, (enum job_status)draw(&seed, 4),
				texts[draw(&seed, 5)]);
			break;
		}
	}
	catalog_close(catalog);
	fixture_assert_sums(fixture);
	assert_int_equal(fixture_messages(fixture, ""), 0);
}

/* The next jobs by inode number, at most JOBS_NEXT_MAX of them. */
static void test_next_by_ino(void **state)
{
	enum { JOBS = JOBS_NEXT_MAX + 3 };
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	int64_t rows[JOBS_NEXT_MAX];
	size_t found = 0;
	uint64_t ino = 0;
	size_t len;

	for (int i = 0; i < JOBS; i++) {
		char id[16];

		snprintf(id, sizeof(id), "job%d", i);
		fixture_put(catalog, id, JOB_DONE, "{}");
	}
	do {
		assert_int_equal(jobs_next_by_ino(catalog, ino, rows, &len), 0);
		assert_int_equal(len, found ? JOBS - JOBS_NEXT_MAX : JOBS_NEXT_MAX);
		found += len;
		for (size_t i = 0; i < len; i++) {
			struct catalog_job job;

			assert_int_equal(jobs_by_row(catalog, rows[i], &job), 0);
			assert_true(job.ino > ino);
			ino = job.ino;
		}
	} while (found < JOBS);
	assert_int_equal(jobs_next_by_ino(catalog, ino, rows, &len), 0);
	assert_int_equal(len, 0);
	catalog_close(catalog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spec_5_2_ino),
		FIXTURE_TEST(test_new),
		FIXTURE_TEST(test_unknown),
		FIXTURE_TEST(test_values),
		FIXTURE_TEST(test_spec_11_3_text_too_big),
		FIXTURE_TEST(test_same_ino),
		FIXTURE_TEST(test_next_by_ino),
		FIXTURE_TEST(test_doubt),
		FIXTURE_TEST(test_forget),
		FIXTURE_TEST(test_forgotten_at_next_open),
		FIXTURE_TEST(test_spec_7_2_rows_to_ask_for),
		FIXTURE_TEST(test_spec_5_4_totals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
