/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "catalog/saved_listings.h"
#include "sync_fixture.h"

/*
 * If a function of the catalog fails, a reader gets its error or a listing that is
 * complete: each listing is read again and again, and each time another call fails.
 */
static struct {
	unsigned left; /* calls until one fails; 0: none does */
	bool failed;
} call_fails;

static bool fails_now(void)
{
	if (!call_fails.left || --call_fails.left)
		return false;
	call_fails.failed = true;
	return true;
}

/*
 * Replaces a function of the catalog at link time. Not jobs_put_metadata(), which only
 * fails together with the transaction in which its job was put.
 */
#define MAY_FAIL(name, parameters, arguments)                        \
	__typeof__(name) __real_##name;                              \
	__typeof__(name) __wrap_##name;                              \
	int __wrap_##name parameters                                 \
	{                                                            \
		return fails_now() ? -EIO : __real_##name arguments; \
	}

MAY_FAIL(jobs_any, (struct catalog * catalog, const struct query *query, bool *ret_any),
	(catalog, query, ret_any))
MAY_FAIL(jobs_by_id,
	(struct catalog * catalog, const char *id, struct catalog_job *ret_job),
	(catalog, id, ret_job))
MAY_FAIL(jobs_by_row,
	(struct catalog * catalog, int64_t row, struct catalog_job *ret_job),
	(catalog, row, ret_job))
MAY_FAIL(jobs_erase, (struct catalog * catalog, int64_t row), (catalog, row))
MAY_FAIL(jobs_invalidate, (struct catalog * catalog, int64_t row), (catalog, row))
MAY_FAIL(jobs_mark_deleted, (struct catalog * catalog, int64_t row), (catalog, row))
MAY_FAIL(jobs_match,
	(struct catalog * catalog, const struct query *query,
		const struct catalog_job *job, bool *ret_matches),
	(catalog, query, job, ret_matches))
MAY_FAIL(jobs_metadata, (struct catalog * catalog, int64_t row, struct buf *text),
	(catalog, row, text))
MAY_FAIL(jobs_put,
	(struct catalog * catalog, const struct job_state *state,
		enum catalog_change *ret_change, struct catalog_job *ret_job),
	(catalog, state, ret_change, ret_job))
MAY_FAIL(jobs_seen_before,
	(struct catalog * catalog, int64_t wall_ms, int64_t **ret_rows, size_t *ret_len),
	(catalog, wall_ms, ret_rows, ret_len))
MAY_FAIL(jobs_unfinished, (struct catalog * catalog, int64_t **ret_rows, size_t *ret_len),
	(catalog, ret_rows, ret_len))
MAY_FAIL(newest_load,
	(struct catalog * catalog, uint64_t listing, int64_t *ret_changed_ms),
	(catalog, listing, ret_changed_ms))
MAY_FAIL(newest_save, (struct catalog * catalog, uint64_t listing, int64_t changed_ms),
	(catalog, listing, changed_ms))
MAY_FAIL(saved_listings_forget, (struct catalog * catalog, const char *key),
	(catalog, key))
MAY_FAIL(saved_listings_load,
	(struct catalog * catalog, const char *key, struct catalog_listing *ret_listing,
		int64_t **ret_rows, size_t *ret_len),
	(catalog, key, ret_listing, ret_rows, ret_len))
MAY_FAIL(saved_listings_save,
	(struct catalog * catalog, const char *key, const struct catalog_listing *listing,
		const int64_t *rows, size_t len),
	(catalog, key, listing, rows, len))

enum { JOBS = 60, PAGE_SIZE = 10, UNFINISHED = 3 };

/* Fills an account with finished jobs, some with metadata, and with unfinished ones. */
static void fill(struct sync_fixture *fixture)
{
	fixture_fill(fixture, 0, JOBS);
	fake_find(fixture->api, "j020")->metadata = "\nk=v\n";
	fake_find(fixture->api, "j040")->metadata = "\nk=w\n";
	fake_find(fixture->api, "j041")->metadata = "\nl=v\n";
	for (int i = 0; i < UNFINISHED; i++)
		fake_add(fixture->api, (const char *[]){"q0", "q1", "q2"}[i], JOB_QUEUED,
			fixture_noon_ms() - 1000 * (i + 1));
	fixture_reset(fixture, FIXTURE_CONNECTIONS, PAGE_SIZE);
}

/* Reads all jobs, and changes the account after they have become out of date. */
static void change(struct sync_fixture *fixture)
{
	struct query all;

	query_init(&all);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
	fixture_forward(fixture, FIXTURE_TTL_MS + 1);
	fake_remove(fixture->api, "j030");
	fake_find(fixture->api, "q1")->job.status = JOB_DONE;
	fake_add(fixture->api, "new", JOB_DONE, fixture_noon_ms() + 1);
}

static void read_first(struct sync_fixture *fixture)
{
	struct query all;

	query_init(&all);
	assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &all), 0);
}

static const struct {
	void (*prepare)(struct sync_fixture *fixture);
	enum listing_kind kind;
	enum query_filter filter;
	const char *words;   /* of the filter; NULL: none */
	const char *members; /* NULL: as in the account */
} listings[] = {
	{NULL, LISTING_JOBS, QUERY_STATUS, NULL, NULL},
	{change, LISTING_JOBS, QUERY_STATUS, NULL, NULL},
	{read_first, LISTING_JOBS, QUERY_STATUS, "done", NULL},
	{change, LISTING_JOBS, QUERY_STATUS, "done", NULL},
	{change, LISTING_JOBS, QUERY_STATUS, "queued", NULL},
	{NULL, LISTING_DAYS, QUERY_STATUS, NULL, "2026-04-01"},
	{read_first, LISTING_DAYS, QUERY_STATUS, NULL, "2026-04-01"},
	{NULL, LISTING_KEYS, QUERY_STATUS, NULL, "k l"},
	{NULL, LISTING_VALUES, QUERY_KEY, "k", "v w"},
	{read_first, LISTING_JOBS, QUERY_KEY, "k", "j020 j040"},
};

/* Reads the listing while call number `number` fails. Returns false if there is none. */
static bool read_listing(size_t i, unsigned number)
{
	struct sync_fixture *fixture;
	struct query query;

	assert_int_equal(fixture_set_up((void **)&fixture), 0);
	fill(fixture);
	if (listings[i].prepare)
		listings[i].prepare(fixture);
	query_init(&query);
	if (listings[i].words)
		assert_int_equal(
			query_narrow(&query, listings[i].filter, listings[i].words), 0);

	struct reader *reader = reader_open(fixture, listings[i].kind, &query);

	call_fails.left = number;

	int err = reader_finish(reader);
	bool failed = call_fails.failed;

	call_fails = (typeof(call_fails)){0};
	if (err) {
		assert_true(failed);
		assert_int_equal(err, -EIO);
		assert_int_equal(reader_finish(reader), 0);
	}
	if (listings[i].members)
		assert_members(reader, listings[i].members);
	else
		assert_as_account(reader, &query);
	reader_close(reader);
	fixture_tear_down((void **)&fixture);
	return failed;
}

static void no_listing_is_incomplete(void **state)
{
	/* Fewer calls fail under valgrind, which is fifty times slower. */
	const unsigned step = getenv("GLADIAFS_TEST_SHORT") ? 3 : 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(listings); i++) {
		unsigned number = 1;

		while (read_listing(i, number))
			number += step;
		assert_true(number > 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(no_listing_is_incomplete)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
