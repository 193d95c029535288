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
 * What tests of the catalog need: a directory of their own, a clock that stands still
 * until it is moved, what was logged, and SQL behind the catalog's back.
 */
struct kit {
	char dir[64];
	char path[80];    /* of the database */
	const char *boot; /* NULL: the system's */
	int64_t now_ms;
	struct clock clock;
	struct log log;
	FILE *ear; /* stderr goes there */
	int stderr_fd;
	long heard; /* up to there it was looked at */
};

enum { KIT_START_MS = 1000000000, KIT_NO_MAX = INT32_MAX };

int kit_setup(void **state);
int kit_teardown(void **state);

#define KIT_TEST(test) cmocka_unit_test_setup_teardown(test, kit_setup, kit_teardown)

/* The kit's database, or a temporary one, with that many bytes of bodies. */
struct catalog *kit_open(struct kit *kit, uint64_t texts_max);
struct catalog *kit_open_temporary(struct kit *kit, uint64_t texts_max);

/* How many sentences came since the last look; the last of them holds `words`. */
int kit_heard(struct kit *kit, const char *words);

/* A file beside the database: its name is the database's and `suffix`. */
const char *kit_beside(struct kit *kit, const char *suffix);

/* Runs SQL through a connection of its own; the first value, or -1 where there is none.
 */
int64_t kit_sql(struct kit *kit, const char *sql);

/* A job that was created and, if it is finished, completed at some fixed time. */
struct job kit_job(const char *id, enum job_status status);

/* Puts a job with that text (NULL: a summary), which must succeed. */
struct catalog_job kit_put(struct catalog *catalog, const char *id,
	enum job_status status, const char *text);

/* The same, and what became of it. */
struct catalog_job kit_put_as(struct catalog *catalog, const struct job *job,
	const char *text, enum catalog_change expected);

/* The text kept for a job must be this one. */
void kit_assert_text(
	struct catalog *catalog, const struct catalog_job *job, const char *text);

/* The totals must be these; those written what the rows add up to, and the rows found. */
void kit_assert_totals(struct catalog *catalog, uint64_t jobs, uint64_t bytes);
void kit_assert_sums(struct kit *kit);

/* No file grows beyond `max` bytes (0: as big as it may): a disk that is full. */
void kit_limit_files(rlim_t max);

/* Bytes of the kit's database. */
rlim_t kit_file_size(const struct kit *kit);
