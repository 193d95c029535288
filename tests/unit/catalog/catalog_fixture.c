/* SPDX-License-Identifier: MIT */
#include "catalog_fixture.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_ROOM = 4096, CAPTURED_ROOM = 65536 };

static int64_t fixture_now_ms(void *ctx)
{
	return ((struct catalog_fixture *)ctx)->now_ms;
}

int fixture_setup(void **state)
{
	struct catalog_fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	strcpy(fixture->dir, "/tmp/gladiafs-catalog-XXXXXX");
	fixture->captured = tmpfile();
	fixture->stderr_fd = dup(STDERR_FILENO);
	if (!mkdtemp(fixture->dir) || !fixture->captured || fixture->stderr_fd < 0)
		return -1;
	if (dup2(fileno(fixture->captured), STDERR_FILENO) < 0)
		return -1;
	snprintf(fixture->path, sizeof(fixture->path), "%s/db", fixture->dir);
	fixture->now_ms = FIXTURE_START_MS;
	fixture->clock = (struct clock){fixture_now_ms, fixture_now_ms, fixture};
	log_init(&fixture->log, "test", false, true);
	*state = fixture;
	return 0;
}

static int remove_one(
	const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

int fixture_teardown(void **state)
{
	struct catalog_fixture *fixture = *state;
	int err = nftw(fixture->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);

	dup2(fixture->stderr_fd, STDERR_FILENO);
	close(fixture->stderr_fd);
	fclose(fixture->captured);
	free(fixture);
	return err;
}

static struct catalog *open_at(
	struct catalog_fixture *fixture, const char *path, uint64_t texts_max)
{
	struct catalog_config config = {
		.path = path, .texts_max = texts_max, .boot = fixture->boot};
	struct catalog *catalog;

	assert_int_equal(
		catalog_open(&config, &fixture->clock, &fixture->log, &catalog), 0);
	return catalog;
}

struct catalog *fixture_open(struct catalog_fixture *fixture, uint64_t texts_max)
{
	return open_at(fixture, fixture->path, texts_max);
}

struct catalog *fixture_open_temporary(
	struct catalog_fixture *fixture, uint64_t texts_max)
{
	return open_at(fixture, NULL, texts_max);
}

int fixture_messages(struct catalog_fixture *fixture, const char *words)
{
	static char captured_text[CAPTURED_ROOM];
	ssize_t len = pread(fileno(fixture->captured), captured_text,
		sizeof(captured_text) - 1, fixture->checked_len);
	int lines = 0;
	char *last = captured_text;

	assert_true(len >= 0);
	captured_text[len] = '\0';
	fixture->checked_len += len;
	for (char *end = captured_text; (end = strchr(end, '\n')); lines++) {
		*end++ = '\0';
		if (*end)
			last = end;
	}
	if (lines && !strstr(last, words))
		fail_msg("\"%s\" says nothing of \"%s\"", last, words);
	return lines;
}

const char *fixture_path(struct catalog_fixture *fixture, const char *suffix)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s%s", fixture->path, suffix);
	return path;
}

int64_t fixture_sql(struct catalog_fixture *fixture, const char *sql)
{
	sqlite3 *db;
	int64_t value = -1;

	assert_int_equal(sqlite3_open_v2(fixture->path, &db, SQLITE_OPEN_READWRITE, NULL),
		SQLITE_OK);
	sqlite3_busy_timeout(db, 100);
	while (*sql) {
		sqlite3_stmt *statement;
		int code = sqlite3_prepare_v2(db, sql, -1, &statement, &sql);

		if (code != SQLITE_OK)
			fail_msg("%s: %s", sql, sqlite3_errmsg(db));
		code = sqlite3_step(statement);
		if (code == SQLITE_ROW)
			value = sqlite3_column_int64(statement, 0);
		else
			assert_int_equal(code, SQLITE_DONE);
		sqlite3_finalize(statement);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return value;
}

struct job fixture_job(const char *id, enum job_status status)
{
	struct job job = {
		.status = status,
		.created_ms = 1700000000123,
		.completed_ms = JOB_NO_TIME,
	};

	assert_true(strlen(id) < sizeof(job.id));
	strcpy(job.id, id);
	if (job_finished(&job))
		job.completed_ms = 1700000001456;
	return job;
}

struct catalog_job fixture_put_as(struct catalog *catalog, const struct job *job,
	const char *text, enum catalog_change expected)
{
	struct catalog_job put;
	struct catalog_job found;
	enum catalog_change change;

	assert_int_equal(jobs_put(catalog,
				 &(struct job_state){job, text, text ? strlen(text) : 0,
					 NULL, INT64_MAX},
				 &change, &put),
		0);
	assert_int_equal(change, expected);
	/* Reading the job back must return what jobs_put() returned. */
	assert_int_equal(jobs_by_row(catalog, put.row, &found), 0);
	assert_string_equal(found.job.id, put.job.id);
	assert_int_equal(found.ino, put.ino);
	assert_int_equal(found.node, put.node);
	assert_int_equal(found.version, put.version);
	assert_int_equal(found.job.status, put.job.status);
	assert_int_equal(found.job.created_ms, put.job.created_ms);
	assert_int_equal(found.job.completed_ms, put.job.completed_ms);
	assert_int_equal(found.size, put.size);
	assert_int_equal(found.seen_ms, put.seen_ms);
	assert_int_equal(found.has_text, put.has_text);
	assert_int_equal(found.deleted, put.deleted);
	return put;
}

struct catalog_job fixture_put(
	struct catalog *catalog, const char *id, enum job_status status, const char *text)
{
	struct job job = fixture_job(id, status);
	struct catalog_job put;
	enum catalog_change change;

	assert_int_equal(jobs_put(catalog,
				 &(struct job_state){&job, text, text ? strlen(text) : 0,
					 NULL, INT64_MAX},
				 &change, &put),
		0);
	return put;
}

void fixture_assert_text(
	struct catalog *catalog, const struct catalog_job *job, const char *text)
{
	static char read[TEXT_ROOM];
	size_t len = 0;

	assert_true(job->has_text);
	assert_int_equal(job->size, strlen(text));
	assert_int_equal(texts_read(catalog, job, 0, read, sizeof(read), &len), 0);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(read, text, len);
}

char *fixture_noise(size_t size)
{
	char *text = malloc(size + 1);
	uint32_t random = 1;

	assert_non_null(text);
	for (size_t i = 0; i < size; i++) {
		random = random * 1664525 + 1013904223;
		text[i] = (char)(' ' + (random >> 16) % 224);
	}
	text[size] = '\0';
	return text;
}

void fixture_assert_totals(struct catalog *catalog, uint64_t jobs, uint64_t bytes)
{
	struct catalog_totals totals;

	catalog_totals(catalog, &totals);
	assert_int_equal(totals.jobs, jobs);
	assert_int_equal(totals.bytes, bytes);
}

void fixture_assert_sums(struct catalog_fixture *fixture)
{
	assert_int_equal(fixture_sql(fixture, "SELECT jobs FROM totals"),
		fixture_sql(fixture, "SELECT count(*) FROM jobs WHERE seen >= 0"));
	assert_int_equal(fixture_sql(fixture, "SELECT bytes FROM totals"),
		fixture_sql(fixture, "SELECT coalesce(sum(max(size, 0)), 0) FROM jobs"
				     " WHERE seen >= 0"));
	assert_int_equal(fixture_sql(fixture, "SELECT text_bytes FROM totals"),
		fixture_sql(
			fixture, "SELECT coalesce(sum(length(data)), 0) FROM chunks"));
	/* There are chunks of exactly the jobs that have a text, unless it is empty. */
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM jobs"
					      " WHERE used IS NOT NULL AND size > 0"),
		fixture_sql(fixture,
			"SELECT count(DISTINCT chunk / 8192) FROM chunks JOIN jobs"
			" ON job = chunk / 8192 AND used IS NOT NULL"));
}

void fixture_limit_files(rlim_t max)
{
	struct rlimit limit;

	signal(SIGXFSZ, max ? SIG_IGN : SIG_DFL);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = max ? max : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

rlim_t fixture_file_size(const struct catalog_fixture *fixture)
{
	struct stat status;

	assert_int_equal(stat(fixture->path, &status), 0);
	return (rlim_t)status.st_size;
}
