/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "catalog_fixture.h"

#include "catalog/spool.h"

/* SEMANTICS 7.4: the file shrinks if it exceeds its maximum (eviction.c). */

/* Puts a job that was used later than the previous one. Returns its row. */
static int64_t put(struct catalog_fixture *fixture, struct catalog *catalog, int number,
	const char *text)
{
	char id[32];

	(void)snprintf(id, sizeof(id), "%d", number);
	fixture->now_ms++;
	return fixture_put(catalog, id, JOB_DONE, text).row;
}

static int64_t file_kib(struct catalog_fixture *fixture)
{
	return (int64_t)fixture_file_size(fixture) >> 10;
}

/* Trims until there is no excess. Returns the number of steps. */
static int trim(struct catalog_fixture *fixture, struct catalog *catalog)
{
	int steps = 0;

	for (; catalog_has_excess(catalog); steps++) {
		int64_t before = file_kib(fixture);

		assert_true(steps < 1000);
		catalog_trim(catalog);
		assert_int_equal(catalog_commit(catalog), 0);
		/* Each step is short: it frees at most 2 MiB. */
		assert_true(file_kib(fixture) >= before - 2048 - 64 &&
			    file_kib(fixture) <= before);
	}
	fixture_assert_sums(fixture);
	return steps;
}

/* SEMANTICS 7.4: the file shrinks to a lowered maximum, also while others read. */
static void test_file_shrinks(void **state)
{
	enum { TEXTS = 60 };
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	char *text = fixture_noise(1 << 20);

	for (int i = 0; i < TEXTS; i++)
		put(fixture, catalog, i, text);
	fixture->now_ms++;
	fixture_put(catalog, "last", JOB_DONE, "its text");
	catalog_close(catalog);
	assert_in_range(file_kib(fixture), TEXTS * 1024, TEXTS * 1100);

	catalog = fixture_open(fixture, 4 << 20);
	assert_in_range(trim(fixture, catalog), 30, 50);
	assert_in_range(file_kib(fixture), 4 * 1024, (4 + 9) * 1024);

	struct catalog_job last;

	assert_int_equal(jobs_by_id(catalog, "last", &last), 0);
	fixture_assert_text(catalog, &last, "its text");
	/* The file has reached its final size: it neither grows nor shrinks. */
	for (int i = 0; i < TEXTS; i++) {
		put(fixture, catalog, TEXTS + i, text);
		assert_int_equal(catalog_commit(catalog), 0);
		assert_in_range(trim(fixture, catalog), 0, 1);
		assert_in_range(file_kib(fixture), 4 * 1024, (4 + 9) * 1024);
	}
	catalog_close(catalog);
	free(text);
}

/* The file shrinks when its jobs are deleted. */
static void test_file_shrinks_with_its_jobs(void **state)
{
	enum { TEXTS = 30 };
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	char *text = fixture_noise(1 << 20);
	int64_t rows[TEXTS];

	for (int i = 0; i < TEXTS; i++)
		rows[i] = put(fixture, catalog, i, text);
	free(text);
	assert_int_equal(catalog_commit(catalog), 0);
	trim(fixture, catalog);
	assert_in_range(file_kib(fixture), TEXTS * 1024, TEXTS * 1100);
	for (int i = 0; i < TEXTS; i++)
		assert_int_equal(jobs_mark_deleted(catalog, rows[i]), 0);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_in_range(trim(fixture, catalog), 5, 20);
	assert_in_range(file_kib(fixture), 0, 9 * 1024);
	catalog_close(catalog);
}

/*
 * SEMANTICS 7.4: a single text that is larger than the maximum stays, and trimming still
 * ends.
 */
static void test_last_is_no_excess(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, 1);
	struct catalog_job job;

	fixture_put(catalog, "a", JOB_DONE, "long");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_in_range(trim(fixture, catalog), 0, 1);
	assert_int_equal(jobs_by_id(catalog, "a", &job), 0);
	assert_true(job.has_text);
	catalog_close(catalog);
}

/* Trimming does not disturb another writer: it is put off until the file is free. */
static void test_trim_beside_another(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog *other = fixture_open(fixture, FIXTURE_NO_MAX);

	fixture_put(other, "a", JOB_DONE, "text");
	catalog_trim(catalog);
	assert_true(catalog_has_excess(catalog));
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(catalog_commit(other), 0);
	trim(fixture, catalog);
	assert_int_equal(fixture_messages(fixture, ""), 0);
	catalog_close(other);
	catalog_close(catalog);
}

/*
 * SEMANTICS 7.4.2: the text that was used least recently is evicted first. That of an
 * unfinished job counts as used a day later than it was.
 */
static void test_unfinished_stay_a_day(void **state)
{
	enum { HOUR_MS = 3600 * 1000 };
	static const struct {
		int64_t later_ms; /* the finished job is used so much later */
		bool unfinished_stays;
	} cases[] = {{-HOUR_MS, true}, {23 * HOUR_MS, true}, {25 * HOUR_MS, false}};
	struct catalog_fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct catalog *catalog = fixture_open_temporary(fixture, 1);
		struct catalog_job unfinished, finished;

		fixture->now_ms += HOUR_MS;
		fixture_put(catalog, "unfinished", JOB_QUEUED, "text");
		fixture->now_ms += cases[i].later_ms;
		fixture_put(catalog, "finished", JOB_DONE, "text");
		assert_int_equal(catalog_commit(catalog), 0);
		assert_int_equal(jobs_by_id(catalog, "unfinished", &unfinished), 0);
		assert_int_equal(jobs_by_id(catalog, "finished", &finished), 0);
		assert_int_equal(unfinished.has_text, cases[i].unfinished_stays);
		assert_int_equal(finished.has_text, !cases[i].unfinished_stays);
		catalog_close(catalog);
	}
}

/* SEMANTICS 5.4: the texts can grow up to their maximum size, or until the disk is full.
 */
static void test_free_bytes(void **state)
{
	enum { MAX = 32 << 20, NOISE = 100000, LIMIT = 16 << 20 };
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, MAX);
	struct catalog *temporary = fixture_open_temporary(fixture, MAX);
	char *noise = fixture_noise(NOISE);
	struct catalog_totals totals;

	assert_int_equal(catalog_free_bytes(catalog), MAX);
	assert_int_equal(catalog_free_bytes(temporary), MAX);
	fixture_put(catalog, "a", JOB_DONE, noise);
	assert_int_equal(catalog_commit(catalog), 0);
	catalog_totals(catalog, &totals);
	assert_int_equal(catalog_free_bytes(catalog), MAX - totals.text_bytes);

	/* A quarter of a small disk remains free. */
	fixture_limit_files(LIMIT);
	assert_in_range(catalog_free_bytes(catalog), 1, LIMIT * 3 / 4);
	assert_int_equal(catalog_free_bytes(temporary), MAX);
	fixture_limit_files(fixture_file_size(fixture));
	assert_int_equal(catalog_free_bytes(catalog), 0);
	fixture_limit_files(0);
	catalog_close(catalog);
	catalog_close(temporary);

	/* The maximum was lowered. */
	catalog = fixture_open(fixture, 1);
	assert_int_equal(catalog_free_bytes(catalog), 0);
	catalog_close(catalog);
	free(noise);
}

/* True if the database file contains these bytes. */
static bool file_has(struct catalog_fixture *fixture, const char *bytes, size_t len)
{
	size_t size = (size_t)fixture_file_size(fixture);
	FILE *file = fopen(fixture->path, "re");
	char *content = malloc(size);

	assert_non_null(file);
	assert_non_null(content);
	assert_int_equal(fread(content, 1, size, file), size);
	fclose(file);

	bool has = memmem(content, size, bytes, len) != NULL;

	free(content);
	return has;
}

/*
 * SEMANTICS 10.1.6: what was evicted, spooled or replaced is overwritten, so nothing of
 * it is left when its job is deleted.
 */
static void test_spec_10_1_overwritten(void **state)
{
	enum { SIZE = 30000, PART = 64 };
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, SIZE);
	char *noise = fixture_noise(4 * SIZE);
	char *texts[] = {noise, noise + SIZE, noise + 2 * (size_t)SIZE};
	struct buf taken;

	for (size_t i = 1; i <= ARRAY_SIZE(texts); i++)
		noise[i * SIZE - 1] = '\0';
	buf_init(&taken, SIZE);

	struct catalog_job job = fixture_put(catalog, "job", JOB_QUEUED, texts[0]);

	assert_int_equal(catalog_commit(catalog), 0);
	assert_true(file_has(fixture, texts[0] + SIZE / 2, PART));
	job = fixture_put(catalog, "job", JOB_DONE, texts[1]);
	spool_put(catalog, &job, 1, texts[2], SIZE / 3);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_true(file_has(fixture, texts[1] + SIZE / 2, PART));
	assert_int_equal(spool_take(catalog, &job, 1, &taken), 0);
	fixture->now_ms++;
	fixture_put(catalog, "other", JOB_DONE, noise + 3 * (size_t)SIZE);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(jobs_by_id(catalog, "job", &job), 0);
	assert_false(job.has_text);
	assert_int_equal(jobs_erase(catalog, job.row), 0);
	assert_int_equal(catalog_commit(catalog), 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		for (size_t at = 0; at + PART < SIZE / 3; at += PART)
			assert_false(file_has(fixture, texts[i] + at, PART));
	buf_done(&taken);
	free(noise);
	catalog_close(catalog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_file_shrinks),
		FIXTURE_TEST(test_file_shrinks_with_its_jobs),
		FIXTURE_TEST(test_last_is_no_excess),
		FIXTURE_TEST(test_trim_beside_another),
		FIXTURE_TEST(test_unfinished_stay_a_day),
		FIXTURE_TEST(test_free_bytes),
		FIXTURE_TEST(test_spec_10_1_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
