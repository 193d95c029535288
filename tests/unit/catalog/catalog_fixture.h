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
struct kit {
	char dir[64];
	char path[80];    /* path of the database */
	const char *boot; /* boot id; NULL: that of the system */
	int64_t now_ms;
	struct clock clock;
	struct log log;
	FILE *ear; /* captured stderr */
	int stderr_fd;
	long heard; /* offset in `ear` up to which the log was checked */
};

enum { KIT_START_MS = 1000000000, KIT_NO_MAX = INT32_MAX };

int kit_setup(void **state);
int kit_teardown(void **state);

#define KIT_TEST(test) cmocka_unit_test_setup_teardown(test, kit_setup, kit_teardown)

/*
 * Opens the kit's database, or a temporary one, with room for `texts_max` bytes of texts.
 */
struct catalog *kit_open(struct kit *kit, uint64_t texts_max);
struct catalog *kit_open_temporary(struct kit *kit, uint64_t texts_max);

/*
 * Returns the number of messages logged since the last call; the last one must contain
 * `words`.
 */
int kit_heard(struct kit *kit, const char *words);

/* Returns the path of a file next to the database: the database's name plus `suffix`. */
const char *kit_beside(struct kit *kit, const char *suffix);

/* Runs SQL on a separate connection. Returns the first value, or -1 if there is none. */
int64_t kit_sql(struct kit *kit, const char *sql);

/*
 * Returns a job with a fixed creation time and, if it is finished, a fixed completion
 * time.
 */
struct job kit_job(const char *id, enum job_status status);

/* Puts a job with this text (NULL: a summary); this must succeed. */
struct catalog_job kit_put(struct catalog *catalog, const char *id,
	enum job_status status, const char *text);

/* Like kit_put(), and the change that jobs_put() reports must be `expected`. */
struct catalog_job kit_put_as(struct catalog *catalog, const struct job *job,
	const char *text, enum catalog_change expected);

/* The cached text of the job must be `text`. */
void kit_assert_text(
	struct catalog *catalog, const struct catalog_job *job, const char *text);

/* The totals must be `jobs` and `bytes`; the stored sums must match the rows. */
void kit_assert_totals(struct catalog *catalog, uint64_t jobs, uint64_t bytes);
void kit_assert_sums(struct kit *kit);

/* Simulates a full disk: no file can grow beyond `max` bytes (0: no limit). */
void kit_limit_files(rlim_t max);

/* Returns the size of the kit's database in bytes. */
rlim_t kit_file_size(const struct kit *kit);
