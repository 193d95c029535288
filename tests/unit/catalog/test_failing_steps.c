/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "catalog/saved_listings.h"
#include "catalog_fixture.h"

/*
 * No function of the catalog reports success if SQLite fails: each function runs again
 * and again, and each time another of its SQL statements fails.
 */
static struct {
	unsigned left; /* steps until one fails; 0: none does */
	bool failed;
} step_fails;

static bool fails_now(void)
{
	if (!step_fails.left || --step_fails.left)
		return false;
	step_fails.failed = true;
	return true;
}

int __real_sqlite3_step(sqlite3_stmt *statement);
int __wrap_sqlite3_step(sqlite3_stmt *statement);
int __real_sqlite3_errcode(sqlite3 *db);
int __wrap_sqlite3_errcode(sqlite3 *db);
int __real_sqlite3_blob_open(sqlite3 *db, const char *schema, const char *table,
	const char *column, sqlite3_int64 row, int writable, sqlite3_blob **ret_blob);
int __wrap_sqlite3_blob_open(sqlite3 *db, const char *schema, const char *table,
	const char *column, sqlite3_int64 row, int writable, sqlite3_blob **ret_blob);
int __real_sqlite3_blob_read(sqlite3_blob *blob, void *data, int len, int offset);
int __wrap_sqlite3_blob_read(sqlite3_blob *blob, void *data, int len, int offset);
int __real_sqlite3_blob_write(sqlite3_blob *blob, const void *data, int len, int offset);
int __wrap_sqlite3_blob_write(sqlite3_blob *blob, const void *data, int len, int offset);

int __wrap_sqlite3_step(sqlite3_stmt *statement)
{
	/* Statistics of the file are hints; without them nothing is lost. */
	if (strncmp(sqlite3_sql(statement), "PRAGMA", strlen("PRAGMA")) != 0 &&
		fails_now())
		return SQLITE_NOMEM;
	return __real_sqlite3_step(statement);
}

int __wrap_sqlite3_blob_open(sqlite3 *db, const char *schema, const char *table,
	const char *column, sqlite3_int64 row, int writable, sqlite3_blob **ret_blob)
{
	*ret_blob = NULL;
	return fails_now() ? SQLITE_NOMEM
			   : __real_sqlite3_blob_open(
				     db, schema, table, column, row, writable, ret_blob);
}

int __wrap_sqlite3_blob_read(sqlite3_blob *blob, void *data, int len, int offset)
{
	return fails_now() ? SQLITE_NOMEM
			   : __real_sqlite3_blob_read(blob, data, len, offset);
}

int __wrap_sqlite3_blob_write(sqlite3_blob *blob, const void *data, int len, int offset)
{
	return fails_now() ? SQLITE_NOMEM
			   : __real_sqlite3_blob_write(blob, data, len, offset);
}

int __wrap_sqlite3_errcode(sqlite3 *db)
{
	return step_fails.failed ? SQLITE_NOMEM : __real_sqlite3_errcode(db);
}

enum { TEXT_SIZE = 300 << 10 }; /* several chunks */

static char *text;

static struct catalog_job known(struct catalog *catalog, const char *id)
{
	struct catalog_job job;

	assert_int_equal(jobs_by_id(catalog, id, &job), 0);
	return job;
}

static int put_new(struct catalog *catalog)
{
	struct job job = fixture_job("new", JOB_DONE);
	struct catalog_job put;
	enum catalog_change change;

	return jobs_put(catalog,
		&(struct job_state){&job, text, TEXT_SIZE, NULL, INT64_MAX}, &change,
		&put);
}

static int put_changed(struct catalog *catalog)
{
	struct job job = fixture_job("queued", JOB_DONE);
	struct catalog_job put;
	enum catalog_change change;

	return jobs_put(catalog,
		&(struct job_state){&job, text, TEXT_SIZE, NULL, INT64_MAX}, &change,
		&put);
}

static int put_same(struct catalog *catalog)
{
	struct job job = fixture_job("done", JOB_DONE);
	struct catalog_job put;
	enum catalog_change change;

	return jobs_put(catalog,
		&(struct job_state){&job, text, TEXT_SIZE, NULL, INT64_MAX}, &change,
		&put);
}

static int put_metadata(struct catalog *catalog)
{
	static const char object[] = "{\"k\":\"v\"}";
	CLEANUP(buf_done) struct buf metadata;

	buf_init(&metadata, METADATA_TEXT_MAX);
	assert_int_equal(
		metadata_flatten(
			(struct json_slice){object, object + strlen(object)}, &metadata),
		0);
	return jobs_put_metadata(catalog, 1, metadata.data, metadata.len);
}

static int match_metadata(struct catalog *catalog)
{
	struct catalog_job job;
	struct query query;
	unsigned left = step_fails.left;
	bool matches;

	step_fails.left = 0;
	job = known(catalog, "done");
	step_fails.left = left;
	query_init(&query);
	assert_int_equal(query_narrow(&query, QUERY_KEY, "k"), 0);
	return jobs_match(catalog, &query, &job, &matches);
}

static int read_metadata(struct catalog *catalog)
{
	CLEANUP(buf_done) struct buf metadata;

	buf_init(&metadata, METADATA_TEXT_MAX);
	return jobs_metadata(catalog, 1, &metadata);
}

static int by_row(struct catalog *catalog)
{
	struct catalog_job job;

	return jobs_by_row(catalog, 1, &job);
}

static int by_ino(struct catalog *catalog)
{
	struct catalog_job job;

	return jobs_by_ino(catalog, job_ino("done"), &job);
}

static int by_id(struct catalog *catalog)
{
	struct catalog_job job;

	return jobs_by_id(catalog, "done", &job);
}

static int invalidate(struct catalog *catalog)
{
	return jobs_invalidate(catalog, 2);
}

static int mark_deleted(struct catalog *catalog)
{
	return jobs_mark_deleted(catalog, 1);
}

static int erase(struct catalog *catalog)
{
	return jobs_erase(catalog, 1);
}

static int unfinished(struct catalog *catalog)
{
	CLEANUP_FREE int64_t *rows = NULL;
	size_t len;

	return jobs_unfinished(catalog, &rows, &len);
}

static int seen_before(struct catalog *catalog)
{
	CLEANUP_FREE int64_t *rows = NULL;
	size_t len;

	return jobs_seen_before(catalog, INT64_MAX, &rows, &len);
}

static int any(struct catalog *catalog)
{
	struct query query;
	bool found;

	query_init(&query);
	return jobs_any(catalog, &query, &found);
}

static int read_text(struct catalog *catalog)
{
	static struct catalog_job job;
	static char data[TEXT_SIZE];
	unsigned left = step_fails.left;
	size_t len;

	step_fails.left = 0;
	job = known(catalog, "done");
	step_fails.left = left;
	return texts_read(catalog, &job, 0, data, sizeof(data), &len);
}

static int save_listing(struct catalog *catalog)
{
	static const int64_t rows[] = {2, 1};
	static const struct catalog_listing listing = {.completed_ms = 5};

	return saved_listings_save(catalog, "key", &listing, rows, ARRAY_SIZE(rows));
}

static int load_listing(struct catalog *catalog)
{
	CLEANUP_FREE int64_t *rows = NULL;
	struct catalog_listing listing;
	size_t len;

	return saved_listings_load(catalog, "key", &listing, &rows, &len);
}

static int forget_listing(struct catalog *catalog)
{
	return saved_listings_forget(catalog, "key");
}

static int forget_listings(struct catalog *catalog)
{
	return saved_listings_forget_all(catalog);
}

static int save_newest(struct catalog *catalog)
{
	return newest_save(catalog, 7, 8);
}

static int load_newest(struct catalog *catalog)
{
	int64_t changed_ms;

	return newest_load(catalog, 7, &changed_ms);
}

static int commit_new(struct catalog *catalog)
{
	unsigned left = step_fails.left;

	step_fails.left = 0;
	assert_int_equal(put_new(catalog), 0);
	step_fails.left = left;
	return catalog_commit(catalog);
}

static const struct {
	const char *name;
	int (*run)(struct catalog *catalog);
} functions[] = {
	{"jobs_put, new", put_new},
	{"jobs_put, changed", put_changed},
	{"jobs_put, the same", put_same},
	{"jobs_put_metadata", put_metadata},
	{"jobs_metadata", read_metadata},
	{"jobs_match", match_metadata},
	{"jobs_by_row", by_row},
	{"jobs_by_ino", by_ino},
	{"jobs_by_id", by_id},
	{"jobs_invalidate", invalidate},
	{"jobs_mark_deleted", mark_deleted},
	{"jobs_erase", erase},
	{"jobs_unfinished", unfinished},
	{"jobs_seen_before", seen_before},
	{"jobs_any", any},
	{"texts_read", read_text},
	{"saved_listings_save", save_listing},
	{"saved_listings_load", load_listing},
	{"saved_listings_forget", forget_listing},
	{"saved_listings_forget_all", forget_listings},
	{"newest_save", save_newest},
	{"newest_load", load_newest},
	{"catalog_commit", commit_new},
};

static struct catalog *open_filled(struct catalog_fixture *fixture)
{
	if (!text)
		text = fixture_noise(TEXT_SIZE);

	struct catalog *catalog = fixture_open_temporary(fixture, FIXTURE_NO_MAX);

	assert_int_equal(fixture_put(catalog, "done", JOB_DONE, text).row, 1);
	assert_int_equal(fixture_put(catalog, "queued", JOB_QUEUED, "{}").row, 2);
	assert_int_equal(put_metadata(catalog), 0);
	assert_int_equal(save_listing(catalog), 0);
	assert_int_equal(save_newest(catalog), 0);
	assert_int_equal(catalog_commit(catalog), 0);
	return catalog;
}

static void each_failure_is_reported(void **state)
{
	struct catalog_fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		bool failed;
		unsigned number = 0;

		do {
			struct catalog *catalog = open_filled(fixture);

			step_fails.left = ++number;

			int err = functions[i].run(catalog);

			failed = step_fails.failed;
			step_fails = (typeof(step_fails)){0};
			if (err != (failed ? -EIO : 0))
				fail_msg("%s returns %d if statement %u fails",
					functions[i].name, err, number);
			catalog_close(catalog);
		} while (failed);
		(void)fixture_messages(fixture, "close other programs and try again");
		assert_true(number > 1);
	}
}

/* The message says what failed before it says why. */
static void a_failure_is_explained(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = open_filled(fixture);

	step_fails.left = 1;
	assert_int_equal(load_newest(catalog), -EIO);
	step_fails = (typeof(step_fails)){0};
	assert_int_equal(fixture_messages(fixture,
				 "the cache database failed to read: not an error; close "
				 "other programs and try again"),
		1);
	catalog_close(catalog);
}

/*
 * SEMANTICS 6.1: until the commit has reported that a transaction was lost, its jobs are
 * not reported as absent, because an open listing has them as members.
 */
static void lost_jobs_are_not_absent(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = open_filled(fixture);
	struct catalog_job job;
	int64_t row = fixture_put(catalog, "new", JOB_DONE, text).row;

	assert_int_equal(jobs_by_row(catalog, row + 1, &job), -ENOENT);
	step_fails.left = 1;
	assert_int_equal(save_newest(catalog), -EIO);
	step_fails = (typeof(step_fails)){0};
	assert_int_equal(jobs_by_row(catalog, row, &job), -EIO);
	assert_int_equal(jobs_by_row(catalog, 1, &job), 0);
	assert_int_equal(catalog_commit(catalog), -EIO);
	assert_int_equal(jobs_by_row(catalog, row, &job), -ENOENT);
	assert_int_equal(fixture_messages(fixture, "failed to write: "), 1);
	catalog_close(catalog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {FIXTURE_TEST(each_failure_is_reported),
		FIXTURE_TEST(a_failure_is_explained),
		FIXTURE_TEST(lost_jobs_are_not_absent)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
