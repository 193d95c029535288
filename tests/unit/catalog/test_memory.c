/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "catalog/saved_listings.h"
#include "catalog_fixture.h"

/*
 * SQLite out of memory: every result is correct or an error, and a failed read is not
 * taken for damage (SEMANTICS 7.4, 11.2).
 */

enum { TEXT_LEN = 300 << 10, ROWS = 600 };

/* SQLite's allocator, with one call that fails. */
static struct {
	sqlite3_mem_methods real;
	bool counts;
	int asked;
	int refused;
} memory;

static bool refuses(void)
{
	return memory.counts && ++memory.asked == memory.refused;
}

static void *take(int size)
{
	return refuses() ? NULL : memory.real.xMalloc(size);
}

static void *retake(void *pointer, int size)
{
	return refuses() ? NULL : memory.real.xRealloc(pointer, size);
}

static char text[TEXT_LEN + 1];

/* Metadata as metadata_flatten() writes it. */
static const char flat[] = "\ncustomer=acme\n";

enum { FLAT_LEN = sizeof(flat) - 1 };

static struct catalog_job job_a(struct catalog *catalog)
{
	struct catalog_job job;

	assert_int_equal(jobs_by_id(catalog, "a", &job), 0);
	return job;
}

static int by_id(struct catalog *catalog)
{
	struct catalog_job job;
	int err = jobs_by_id(catalog, "a", &job);

	if (!err) {
		assert_string_equal(job.job.id, "a");
		assert_int_equal(job.size, TEXT_LEN);
	}
	return err;
}

static int read_text(struct catalog *catalog)
{
	static char read[TEXT_LEN];
	struct catalog_job job;
	size_t len = 0;
	int err = jobs_by_id(catalog, "a", &job);

	if (!err)
		err = texts_read(catalog, &job, 0, read, sizeof(read), &len);
	if (!err) {
		assert_int_equal(len, TEXT_LEN);
		assert_memory_equal(read, text, TEXT_LEN);
	}
	return err;
}

static int read_metadata(struct catalog *catalog)
{
	struct catalog_job job;
	struct buf found;
	int err = jobs_by_id(catalog, "a", &job);

	buf_init(&found, FLAT_LEN);
	if (!err)
		err = jobs_metadata(catalog, job.row, &found);
	if (!err) {
		assert_int_equal(found.len, FLAT_LEN);
		assert_memory_equal(found.data, flat, FLAT_LEN);
	}
	buf_done(&found);
	return err;
}

static int load_listing(struct catalog *catalog)
{
	struct catalog_listing listing;
	int64_t *rows = NULL;
	size_t len = 0;
	int err = saved_listings_load(catalog, "key", &listing, &rows, &len);

	if (!err) {
		assert_int_equal(len, ROWS);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(rows[i], i + 1);
	}
	free(rows);
	return err;
}

static int put_and_commit(struct catalog *catalog)
{
	struct job job = fixture_job("b", JOB_DONE);
	struct catalog_job put;
	enum catalog_change change;
	int err = jobs_put(catalog,
		&(struct job_state){&job, text, TEXT_LEN, NULL, INT64_MAX}, &change,
		&put);

	if (!err)
		err = catalog_commit(catalog);
	if (!err)
		err = jobs_by_id(catalog, "b", &put);
	return err;
}

static void fill(struct catalog_fixture *fixture)
{
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_listing listing = {.completed_ms = 1, .ordered = true};
	int64_t rows[ROWS];

	memset(text, 'x', TEXT_LEN);
	for (int i = 0; i < ROWS; i++)
		rows[i] = i + 1;
	fixture_put(catalog, "a", JOB_DONE, text);
	assert_int_equal(
		jobs_put_metadata(catalog, job_a(catalog).row, flat, FLAT_LEN), 0);
	assert_int_equal(saved_listings_save(catalog, "key", &listing, rows, ROWS), 0);
	assert_int_equal(catalog_commit(catalog), 0);
	catalog_close(catalog);
}

/*
 * Runs `fn` on a newly opened catalog once for each of SQLite's allocations, with that
 * allocation failing.
 */
static void in_turn(struct catalog_fixture *fixture, int (*fn)(struct catalog *catalog))
{
	memory.refused = 0;
	do {
		struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

		memory.refused++;
		memory.asked = 0;
		memory.counts = true;

		int err = fn(catalog);

		memory.counts = false;
		assert_true(!err || err == -EIO || err == -ENOMEM);
		assert_true(!err || memory.asked >= memory.refused);
		assert_int_equal(access(fixture_path(fixture, ".damaged"), F_OK), -1);
		assert_int_equal(read_text(catalog), 0);
		catalog_close(catalog);
	} while (memory.asked >= memory.refused);
	assert_true(memory.refused > 1);
	fixture_assert_sums(fixture);
}

static void what_is_read_is_right_or_an_error(void **state)
{
	static int (*const reads[])(struct catalog *) = {
		by_id, read_text, read_metadata, load_listing};

	fill(*state);
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		in_turn(*state, reads[i]);
}

static void what_is_written_is_there_or_an_error(void **state)
{
	fill(*state);
	in_turn(*state, put_and_commit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(what_is_read_is_right_or_an_error),
		FIXTURE_TEST(what_is_written_is_there_or_an_error),
	};
	sqlite3_mem_methods methods;

	/* Without lookaside, small allocations use the allocator, too. */
	if (sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK ||
		sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory.real) != SQLITE_OK)
		return EXIT_FAILURE;
	methods = memory.real;
	methods.xMalloc = take;
	methods.xRealloc = retake;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK)
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
