/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>
#include <sys/resource.h>

#include "cmocka.h"

#include "base/clock.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "catalog/jobs.h"

/*
 * Fixture for the tests of the catalog: a directory for each test, a clock that the test
 * advances, the captured log, and a second SQL connection to the database.
 */
struct catalog_fixture {
	char dir[64];
	char path[80];    /* path of the database */
	const char *boot; /* boot id; NULL: that of the system */
	int64_t now_ms;
	struct clock clock;
	struct log log;
	FILE *captured; /* captured stderr */
	int stderr_fd;
	long checked_len; /* offset in `captured` up to which the log was checked */
};

enum { FIXTURE_START_MS = 1000000000, FIXTURE_NO_MAX = INT32_MAX };

int fixture_setup(void **state);
int fixture_teardown(void **state);

#define FIXTURE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

/*
 * Opens the fixture's database, or a temporary one, with room for `texts_max` bytes of
 * texts.
 */
struct catalog *fixture_open(struct catalog_fixture *fixture, uint64_t texts_max);
struct catalog *fixture_open_temporary(
	struct catalog_fixture *fixture, uint64_t texts_max);

/*
 * Returns the number of messages logged since the last call; the last one must contain
 * `words`.
 */
int fixture_messages(struct catalog_fixture *fixture, const char *words);

/* Returns the path of a file next to the database: the database's name plus `suffix`. */
const char *fixture_path(struct catalog_fixture *fixture, const char *suffix);

/* Runs SQL on a separate connection. Returns the first value, or -1 if there is none. */
int64_t fixture_sql(struct catalog_fixture *fixture, const char *sql);

/*
 * Returns a job with a fixed creation time and, if it is finished, a fixed completion
 * time.
 */
struct job fixture_job(const char *id, enum job_status status);

/* Puts a job with this text (NULL: a summary); this must succeed. */
struct catalog_job fixture_put(struct catalog *catalog, const char *id,
	enum job_status status, const char *text);

/* Like fixture_put(), and the change that jobs_put() reports must be `expected`. */
struct catalog_job fixture_put_as(struct catalog *catalog, const struct job *job,
	const char *text, enum catalog_change expected);

/* The cached text of the job must be `text`. */
void fixture_assert_text(
	struct catalog *catalog, const struct catalog_job *job, const char *text);

/* Returns a text of `size` bytes that does not get smaller; the caller frees it. */
char *fixture_noise(size_t size);

/* The totals must be `jobs` and `bytes`; the stored sums must match the rows. */
void fixture_assert_totals(struct catalog *catalog, uint64_t jobs, uint64_t bytes);
void fixture_assert_sums(struct catalog_fixture *fixture);

/* Simulates a full disk: no file can grow beyond `max` bytes (0: no limit). */
void fixture_limit_files(rlim_t max);

/* Returns the size of the fixture's database in bytes. */
rlim_t fixture_file_size(const struct catalog_fixture *fixture);
