/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "catalog/saved_listings.h"
#include "catalog_fixture.h"

/* The last complete listing of each query, for the next refresh: SEMANTICS 7.2. */

static int64_t *make_rows(size_t len)
{
	int64_t *rows = malloc((len + 1) * sizeof(*rows));

	assert_non_null(rows);
	for (size_t i = 0; i < len; i++)
		rows[i] = i % 5 ? (int64_t)(len - i) : INT64_MAX - (int64_t)i;
	return rows;
}

static void save(
	struct catalog *catalog, const char *key, int64_t completed_ms, size_t len)
{
	struct catalog_listing listing = {completed_ms, completed_ms % 2 != 0};
	int64_t *rows = make_rows(len);

	assert_int_equal(saved_listings_save(catalog, key, &listing, rows, len), 0);
	free(rows);
}

static void assert_saved(
	struct catalog *catalog, const char *key, int64_t completed_ms, size_t len)
{
	struct catalog_listing listing;
	int64_t *expected = make_rows(len);
	int64_t *rows;
	size_t got;

	assert_int_equal(saved_listings_load(catalog, key, &listing, &rows, &got), 0);
	assert_int_equal(listing.completed_ms, completed_ms);
	assert_int_equal(listing.ordered, completed_ms % 2 != 0);
	assert_int_equal(got, len);
	assert_memory_equal(rows, expected, len * sizeof(*rows));
	free(rows);
	free(expected);
}

/* No listing may be saved for this key, and the arguments must be unchanged. */
static void assert_none(struct catalog *catalog, const char *key)
{
	struct catalog_listing listing = {.completed_ms = 42};
	int64_t *rows = NULL;
	size_t len = 43;

	assert_int_equal(
		saved_listings_load(catalog, key, &listing, &rows, &len), -ENOENT);
	assert_int_equal(listing.completed_ms, 42);
	assert_null(rows);
	assert_int_equal(len, 43);
}

static void test_lengths(void **state)
{
	static const size_t lens[] = {0, 1, 2, 511, 512, 513, 1024, 100001};
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		char key[16];

		snprintf(key, sizeof(key), "%zu", lens[i]);
		assert_none(catalog, key);
		save(catalog, key, (int64_t)i, lens[i]);
		assert_saved(catalog, key, (int64_t)i, lens[i]);
	}
	catalog_close(catalog);
}

/*
 * The last listing saved for a key is the one loaded; keys that differ in any byte are
 * separate.
 */
static void test_keys(void **state)
{
	static const char *const keys[] = {"", " ", "any ..", "ANY ..", "any ..1", "'\"%",
		"done,error 1700000000000..1700086400000 ..0"};
	enum { KEYS = ARRAY_SIZE(keys) };
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);

	for (int times = 0; times < 2; times++)
		for (int i = 0; i < KEYS; i++)
			save(catalog, keys[i], 100 * times + i, (size_t)(10 * times + i));
	for (int i = 0; i < KEYS; i++)
		assert_saved(catalog, keys[i], 100 + i, (size_t)(10 + i));
	assert_int_equal(saved_listings_forget(catalog, keys[1]), 0);
	assert_int_equal(saved_listings_forget(catalog, keys[1]), 0);
	assert_int_equal(saved_listings_forget(catalog, "unknown"), 0);
	assert_none(catalog, keys[1]);
	assert_saved(catalog, keys[2], 102, 12);
	assert_int_equal(saved_listings_forget_all(catalog), 0);
	for (int i = 0; i < KEYS; i++)
		assert_none(catalog, keys[i]);
	assert_int_equal(saved_listings_forget_all(catalog), 0);
	catalog_close(catalog);
}

/* Section 3, Times: the newest changes are stored, up to NEWEST_MAX of them. */
static void test_newest_changes(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	int64_t ms = -1;

	assert_int_equal(newest_load(catalog, 7, &ms), -ENOENT);
	assert_int_equal(newest_save(catalog, 7, -5), 0);
	assert_int_equal(newest_save(catalog, 7, 1700000000001), 0);
	assert_int_equal(catalog_commit(catalog), 0);
	/* NEWEST_MAX is 4096: with listing 7 the table is full. */
	(void)fixture_sql(fixture,
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
		" WHERE i < 4096 - 1)"
		" INSERT INTO newest(listing, changed) SELECT 100 + i, i FROM n");
	assert_int_equal(newest_save(catalog, 100 + NEWEST_MAX, NEWEST_MAX), 0);
	assert_int_equal(saved_listings_forget_all(catalog), 0);
	catalog_close(catalog);
	catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	assert_int_equal(newest_load(catalog, 7, &ms), 0);
	assert_int_equal(ms, 1700000000001);
	assert_int_equal(newest_load(catalog, 101, &ms), -ENOENT);
	assert_int_equal(newest_load(catalog, 102, &ms), 0);
	assert_int_equal(ms, 2);
	assert_int_equal(newest_load(catalog, 100 + NEWEST_MAX, &ms), 0);
	assert_int_equal(ms, NEWEST_MAX);
	catalog_close(catalog);
}

/* A file written before newest changes were stored keeps its listings. */
static void test_file_without_newest_changes(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	int64_t ms;

	save(catalog, "any ..", 1700000000001, 10);
	catalog_close(catalog);
	(void)fixture_sql(fixture, "DROP TABLE newest");
	catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	assert_saved(catalog, "any ..", 1700000000001, 10);
	assert_int_equal(newest_load(catalog, 7, &ms), -ENOENT);
	assert_int_equal(newest_save(catalog, 7, 1), 0);
	assert_int_equal(newest_load(catalog, 7, &ms), 0);
	catalog_close(catalog);
}

/* SEMANTICS 7.2: saved listings are kept across unmount and mount. */
static void test_spec_7_2_kept_across_mounts(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	save(catalog, "any ..", 1700000000001, 1000);
	catalog_close(catalog);
	catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	assert_saved(catalog, "any ..", 1700000000001, 1000);
	catalog_close(catalog);

	/* With cache=off they are not (SEMANTICS 7.4). */
	catalog = fixture_open_temporary(fixture, FIXTURE_NO_MAX);
	save(catalog, "any ..", 2, 3);
	assert_saved(catalog, "any ..", 2, 3);
	catalog_close(catalog);
	catalog = fixture_open_temporary(fixture, FIXTURE_NO_MAX);
	assert_none(catalog, "any ..");
	catalog_close(catalog);
}

/*
 * SEMANTICS 11.3: at the maximum number of listings, the one completed longest ago is
 * evicted, no matter when it was saved.
 */
static void test_spec_11_3_most(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	char key[16];

	for (int i = 0; i < SAVED_LISTINGS_MAX; i++) {
		snprintf(key, sizeof(key), "%d", i);
		/*
		 * Completion times are shuffled: 7 and SAVED_LISTINGS_MAX have no common
		 * divisor.
		 */
		save(catalog, key, 1000 + i * 7 % SAVED_LISTINGS_MAX, 3);
	}
	save(catalog, "new", 2000, 3);
	assert_none(catalog, "0");
	assert_saved(catalog, "new", 2000, 3);
	for (int i = 1; i < SAVED_LISTINGS_MAX; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_saved(catalog, key, 1000 + i * 7 % SAVED_LISTINGS_MAX, 3);
	}
	save(catalog, "old", 1, 3);
	assert_none(catalog, "old");
	/* Replacing a listing with the same key evicts no other. */
	save(catalog, "new", 3000, 4);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM listings"),
		SAVED_LISTINGS_MAX);
	catalog_close(catalog);
}

/*
 * SEMANTICS 11.3: a listing that is too long is not saved, and deletes the outdated one
 * it would replace.
 */
static void test_spec_11_3_too_long(void **state)
{
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);
	struct catalog_listing listing = {.completed_ms = 2};
	int64_t row = 1;

	save(catalog, "any ..", 1, 3);
	/* The array is shorter than the length says: it must not be read. */
	assert_int_equal(saved_listings_save(catalog, "any ..", &listing, &row,
				 LISTING_BYTES_MAX / LISTING_ROW_BYTES + 1),
		0);
	assert_none(catalog, "any ..");
	assert_int_equal(
		saved_listings_save(catalog, "any ..", &listing, &row, SIZE_MAX), 0);
	assert_none(catalog, "any ..");
	catalog_close(catalog);
}

/* Rows are stored in little-endian order on every machine. */
static void test_bytes(void **state)
{
	static const int64_t rows[] = {0x0102030405060708, 1};
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_listing listing = {.completed_ms = 1};

	assert_int_equal(saved_listings_save(catalog, "k", &listing, rows, 2), 0);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(fixture_sql(fixture,
				 "SELECT hex(rows) = '08070605040302010100000000000000'"
				 " FROM listings"),
		1);
	catalog_close(catalog);
}

/* A value that this program cannot have written counts as no listing. */
static void test_suspect(void **state)
{
	static const char *const values[] = {
		"x'00'",
		"x'01000000000000'",
		"x'010000000000000002'",
		"x'0000000000000000'",
		"x'01000000000000000000000000000000'",
		"x'01000000000000000000000000000080'",
		"x'ffffffffffffffff'",
		"'12345678'",
		"12345678",
		"1.5",
	};
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		char sql[128];

		save(catalog, "any ..", 1, 3);
		save(catalog, "other", 1, 3);
		assert_int_equal(catalog_commit(catalog), 0);
		snprintf(sql, sizeof(sql),
			"UPDATE listings SET rows = %s WHERE key = 'any ..'", values[i]);
		fixture_sql(fixture, sql);
		assert_none(catalog, "any ..");
		assert_int_equal(catalog_commit(catalog), 0);
		assert_int_equal(
			fixture_sql(fixture, "SELECT count(*) FROM listings"), 1);
		assert_saved(catalog, "other", 1, 3);
	}
	assert_int_equal(fixture_messages(fixture, ""), 0);
	catalog_close(catalog);
}

/* A listing is committed together with the jobs of its rows, or not at all. */
static void test_transaction(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	fixture_put(catalog, "a", JOB_DONE, "text");
	save(catalog, "any ..", 1, 3);
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM listings"), 0);
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM jobs"), 0);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM listings"), 1);
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM jobs"), 1);
	catalog_close(catalog);
}

/* A listing that cannot be inserted is an error, and does not overwrite another one. */
static void test_failed_insert(void **state)
{
	static const int64_t rows[] = {7, 8, 9};
	const struct catalog_listing listing = {.completed_ms = 2};
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	save(catalog, "other", 1, ARRAY_SIZE(rows));
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_sql(fixture,
		"CREATE TRIGGER refuse BEFORE INSERT ON listings "
		"WHEN NEW.key = 'refused' BEGIN SELECT RAISE(ABORT, 'no'); END");
	assert_int_equal(
		saved_listings_save(catalog, "refused", &listing, rows, ARRAY_SIZE(rows)),
		-EIO);
	assert_none(catalog, "refused");
	assert_saved(catalog, "other", 1, ARRAY_SIZE(rows));
	catalog_close(catalog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_lengths),
		FIXTURE_TEST(test_keys),
		FIXTURE_TEST(test_newest_changes),
		FIXTURE_TEST(test_file_without_newest_changes),
		FIXTURE_TEST(test_spec_7_2_kept_across_mounts),
		FIXTURE_TEST(test_spec_11_3_most),
		FIXTURE_TEST(test_spec_11_3_too_long),
		FIXTURE_TEST(test_bytes),
		FIXTURE_TEST(test_suspect),
		FIXTURE_TEST(test_transaction),
		FIXTURE_TEST(test_failed_insert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
