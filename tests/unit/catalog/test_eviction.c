/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog_fixture.h"

/* The file shrinks if it exceeds its maximum (trim.c). SEMANTICS 7.4. */

/* Returns a text of 1 MiB. */
static char *long_text(void)
{
	char *text = calloc(1, (1 << 20) + 1);

	assert_non_null(text);
	memset(text, 'x', 1 << 20);
	return text;
}

/* Puts a job that was used later than the previous one. Returns its row. */
static int64_t put(struct kit *kit, struct catalog *catalog, int number, const char *text)
{
	char id[32];

	(void)snprintf(id, sizeof(id), "%d", number);
	kit->now_ms++;
	return kit_put(catalog, id, JOB_DONE, text).row;
}

static int64_t file_kib(struct kit *kit)
{
	return (int64_t)kit_file_size(kit) >> 10;
}

/* Trims until there is no excess. Returns the number of steps. */
static int trim(struct kit *kit, struct catalog *catalog)
{
	int steps = 0;

	for (; catalog_has_excess(catalog); steps++) {
		int64_t before = file_kib(kit);

		assert_true(steps < 1000);
		catalog_trim(catalog);
		assert_int_equal(catalog_commit(catalog), 0);
		/* Each step is short: it frees at most 2 MiB. */
		assert_true(
			file_kib(kit) >= before - 2048 - 64 && file_kib(kit) <= before);
	}
	kit_assert_sums(kit);
	return steps;
}

/* SEMANTICS 7.4: the file shrinks to a lowered maximum, also while others read. */
static void test_file_shrinks(void **state)
{
	enum { TEXTS = 60 };
	struct kit *kit = *state;
	struct catalog *catalog = kit_open(kit, KIT_NO_MAX);
	char *text = long_text();

	for (int i = 0; i < TEXTS; i++)
		put(kit, catalog, i, text);
	kit->now_ms++;
	kit_put(catalog, "last", JOB_DONE, "its text");
	catalog_close(catalog);
	assert_in_range(file_kib(kit), TEXTS * 1024, TEXTS * 1100);

	catalog = kit_open(kit, 4 << 20);
	assert_in_range(trim(kit, catalog), 30, 50);
	assert_in_range(file_kib(kit), 4 * 1024, (4 + 9) * 1024);

	struct catalog_job last;

	assert_int_equal(jobs_by_id(catalog, "last", &last), 0);
	kit_assert_text(catalog, &last, "its text");
	/* The file has reached its final size: it neither grows nor shrinks. */
	for (int i = 0; i < TEXTS; i++) {
		put(kit, catalog, TEXTS + i, text);
		assert_int_equal(catalog_commit(catalog), 0);
		assert_in_range(trim(kit, catalog), 0, 1);
		assert_in_range(file_kib(kit), 4 * 1024, (4 + 9) * 1024);
	}
	catalog_close(catalog);
	free(text);
}

/* The file shrinks when its jobs are deleted. */
static void test_file_shrinks_with_its_jobs(void **state)
{
	enum { TEXTS = 30 };
	struct kit *kit = *state;
	struct catalog *catalog = kit_open(kit, KIT_NO_MAX);
	char *text = long_text();
	int64_t rows[TEXTS];

	for (int i = 0; i < TEXTS; i++)
		rows[i] = put(kit, catalog, i, text);
	free(text);
	assert_int_equal(catalog_commit(catalog), 0);
	trim(kit, catalog);
	assert_in_range(file_kib(kit), TEXTS * 1024, TEXTS * 1100);
	for (int i = 0; i < TEXTS; i++)
		assert_int_equal(jobs_mark_deleted(catalog, rows[i]), 0);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_in_range(trim(kit, catalog), 5, 20);
	assert_in_range(file_kib(kit), 0, 9 * 1024);
	catalog_close(catalog);
}

/*
 * SEMANTICS 7.4: a single text that is larger than the maximum stays, and trimming still
 * ends.
 */
static void test_last_is_no_excess(void **state)
{
	struct kit *kit = *state;
	struct catalog *catalog = kit_open(kit, 1);
	struct catalog_job job;

	kit_put(catalog, "a", JOB_DONE, "long");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_in_range(trim(kit, catalog), 0, 1);
	assert_int_equal(jobs_by_id(catalog, "a", &job), 0);
	assert_true(job.has_text);
	catalog_close(catalog);
}

/* Trimming does not disturb another writer: it is put off until the file is free. */
static void test_trim_beside_another(void **state)
{
	struct kit *kit = *state;
	struct catalog *catalog = kit_open(kit, KIT_NO_MAX);
	struct catalog *other = kit_open(kit, KIT_NO_MAX);

	kit_put(other, "a", JOB_DONE, "text");
	catalog_trim(catalog);
	assert_true(catalog_has_excess(catalog));
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(catalog_commit(other), 0);
	trim(kit, catalog);
	assert_int_equal(kit_heard(kit, ""), 0);
	catalog_close(other);
	catalog_close(catalog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(test_file_shrinks),
		KIT_TEST(test_file_shrinks_with_its_jobs),
		KIT_TEST(test_last_is_no_excess),
		KIT_TEST(test_trim_beside_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
