/* SPDX-License-Identifier: MIT */
/*
 * Numbers jobs, and finds them by row, inode number, node, id or state. job_store.c
 * stores them.
 */
#include "catalog/jobs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/sha256.h"
#include "internal.h"

/* Turns a hash into an inode or node number (job_ino()). */
static uint64_t jobs_as_number(uint64_t hash)
{
	return (hash | 1ull << 62) & ~(uint64_t)JOB_FILES_MASK;
}

uint64_t job_ino(const char *id)
{
	return jobs_as_number(sha256_u63("job", id));
}

uint64_t jobs_node(const char *id, int64_t version)
{
	char text[FILENAME_BYTES_MAX + 24];

	if (version == 0)
		return job_ino(id);
	(void)snprintf(text, sizeof(text), "%s %" PRId64, id, version);
	return jobs_as_number(sha256_u63("node", text));
}

static int64_t jobs_column_time(sqlite3_stmt *statement, int column)
{
	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		return JOB_NO_TIME;
	return sqlite3_column_int64(statement, column);
}

/*
 * Reads one row from a SELECT of JOB_COLUMNS and resets the statement. Returns 0, -ENOENT
 * if it returns no row, or -EIO.
 */
static int jobs_fetch_job(
	struct catalog *catalog, sqlite3_stmt *statement, struct catalog_job *ret_job)
{
	int step = sqlite3_step(statement);

	if (step == SQLITE_DONE)
		return -ENOENT;
	if (step != SQLITE_ROW)
		return catalog_failed(catalog, "read");

	const char *id = (const char *)sqlite3_column_text(statement, 4);
	int status = sqlite3_column_int(statement, 5);

	int64_t size = sqlite3_column_int64(statement, 8);

	/* We trust the file no more than the network. */
	if (!id || strlen(id) > FILENAME_BYTES_MAX || status < 0 || status > JOB_OTHER ||
		size < -1 || size > JOB_TEXT_MAX) {
		sqlite3_reset(statement);
		return catalog_damaged(catalog, "return a valid row");
	}

	bool first = sqlite3_column_type(statement, 2) == SQLITE_NULL;
	int64_t seen = sqlite3_column_int64(statement, 9);

	ret_job->row = sqlite3_column_int64(statement, 0);
	ret_job->ino = (uint64_t)sqlite3_column_int64(statement, 1);
	ret_job->node = first ? ret_job->ino
			      : (uint64_t)sqlite3_column_int64(statement, 2);
	ret_job->version = sqlite3_column_int64(statement, 3);
	strcpy(ret_job->job.id, id);
	ret_job->job.status = (enum job_status)status;
	ret_job->job.created_ms = jobs_column_time(statement, 6);
	ret_job->job.completed_ms = jobs_column_time(statement, 7);
	ret_job->size = size;
	ret_job->deleted = seen < 0;
	ret_job->seen_ms = seen < 0 ? -seen : seen;
	ret_job->has_text = sqlite3_column_type(statement, 10) != SQLITE_NULL;
	ret_job->has_facts = sqlite3_column_int(statement, 11);
	sqlite3_reset(statement);
	return 0;
}

int jobs_by_row(struct catalog *catalog, int64_t row, struct catalog_job *ret_job)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_BY_ROW);

	sqlite3_bind_int64(statement, 1, row);

	int err = jobs_fetch_job(catalog, statement, ret_job);

	/* It may have been stored in the transaction that was lost. */
	return err == -ENOENT && catalog->lost ? -EIO : err;
}

int jobs_by_ino(struct catalog *catalog, uint64_t ino, struct catalog_job *ret_job)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_BY_INO);

	sqlite3_bind_int64(statement, 1, (int64_t)ino);

	struct catalog_job found;
	int err = jobs_fetch_job(catalog, statement, &found);

	if (err)
		return err;
	if (found.ino != ino)
		return catalog_damaged(catalog, "return the row of an inode number");
	*ret_job = found;
	return 0;
}

int jobs_by_id(struct catalog *catalog, const char *id, struct catalog_job *ret_job)
{
	struct catalog_job found;
	int err = jobs_by_ino(catalog, job_ino(id), &found);

	if (err)
		return err;
	if (strcmp(found.job.id, id) != 0)
		return -ENOENT;
	*ret_job = found;
	return 0;
}

int jobs_by_node(struct catalog *catalog, uint64_t node, struct catalog_job *ret_job)
{
	struct catalog_job found;
	int err = jobs_by_ino(catalog, node, &found);

	if (err == -ENOENT || (!err && found.node != node)) {
		sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_BY_NODE);

		sqlite3_bind_int64(statement, 1, (int64_t)node);
		err = jobs_fetch_job(catalog, statement, &found);
	}
	if (err == -ENOENT || (!err && found.deleted))
		return -ESTALE;
	if (!err)
		*ret_job = found;
	return err;
}

int jobs_collect_rows(struct catalog *catalog, sqlite3_stmt *statement,
	int64_t **ret_rows, size_t *ret_len)
{
	struct rows rows = {0};
	int err = 0;
	int step = SQLITE_DONE;

	while (!err && (step = sqlite3_step(statement)) == SQLITE_ROW) {
		int64_t row = sqlite3_column_int64(statement, 0);

		err = rows_append(&rows, &row, 1);
	}
	sqlite3_reset(statement);
	if (!err && step != SQLITE_DONE)
		err = catalog_failed(catalog, "read");
	if (err) {
		rows_done(&rows);
		return err;
	}
	*ret_rows = rows.rows;
	*ret_len = rows.len;
	return 0;
}

int jobs_next_by_ino(struct catalog *catalog, uint64_t ino,
	int64_t ret_rows[static JOBS_NEXT_MAX], size_t *ret_len)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOBS_NEXT_BY_INO);
	size_t len = 0;
	int step;

	sqlite3_bind_int64(statement, 1, (int64_t)ino);
	while ((step = sqlite3_step(statement)) == SQLITE_ROW && len < JOBS_NEXT_MAX)
		ret_rows[len++] = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		return catalog_failed(catalog, "read");
	*ret_len = len;
	return 0;
}

int jobs_unfinished(struct catalog *catalog, int64_t **ret_rows, size_t *ret_len)
{
	return jobs_collect_rows(catalog, catalog_statement(catalog, SQL_JOBS_UNFINISHED),
		ret_rows, ret_len);
}

int jobs_seen_before(
	struct catalog *catalog, int64_t wall_ms, int64_t **ret_rows, size_t *ret_len)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOBS_SEEN_BEFORE);

	sqlite3_bind_int64(statement, 1, wall_ms);
	return jobs_collect_rows(catalog, statement, ret_rows, ret_len);
}

int jobs_any(struct catalog *catalog, const struct query *query, bool *ret_any)
{
	unsigned statuses = query->statuses;

	if (statuses == QUERY_ALL_STATUSES)
		statuses |= 1U << JOB_OTHER;
	*ret_any = false;
	for (unsigned i = 0; i < query->spans_len && !*ret_any; i++) {
		sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOBS_ANY);
		const struct span *span = &query->spans[i];
		bool always = span->from_ms == INT64_MIN && span->to_ms == INT64_MAX;

		sqlite3_bind_int64(statement, 1, statuses);
		sqlite3_bind_int64(statement, 2, span->from_ms);
		sqlite3_bind_int64(statement, 3, span->to_ms);
		sqlite3_bind_int(statement, 4, always);

		int step = sqlite3_step(statement);

		*ret_any = step == SQLITE_ROW && sqlite3_column_int(statement, 0);
		sqlite3_reset(statement);
		if (step != SQLITE_ROW)
			return catalog_failed(catalog, "read");
	}
	return 0;
}
