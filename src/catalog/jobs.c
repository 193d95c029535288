/* SPDX-License-Identifier: MIT */
#include "catalog/jobs.h"

#include <errno.h>
#include <string.h>

#include "base/digest.h"
#include "internal.h"

uint64_t job_ino(const char *id)
{
	return (digest_u63("job", id) | 1ull << 62) & ~3ull;
}

static void bind_time(sqlite3_stmt *statement, int column, int64_t ms)
{
	if (ms == JOB_NO_TIME)
		sqlite3_bind_null(statement, column);
	else
		sqlite3_bind_int64(statement, column, ms);
}

static int64_t column_time(sqlite3_stmt *statement, int column)
{
	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		return JOB_NO_TIME;
	return sqlite3_column_int64(statement, column);
}

/* Steps a SELECT of JOB_COLUMNS and resets it. 0, -ENOENT, -EIO. */
static int fetch_job(
	struct catalog *catalog, sqlite3_stmt *statement, struct catalog_job *ret_job)
{
	int step = sqlite3_step(statement);

	if (step == SQLITE_DONE)
		return -ENOENT;
	if (step != SQLITE_ROW)
		return catalog_failed(catalog, "read");

	const char *id = (const char *)sqlite3_column_text(statement, 2);
	int status = sqlite3_column_int(statement, 3);

	/* The file is as suspect as the network. */
	if (!id || strlen(id) > NAME_BYTES_MAX || status < 0 || status > JOB_OTHER) {
		sqlite3_reset(statement);
		return catalog_failed(catalog, "give a sound row");
	}
	ret_job->row = sqlite3_column_int64(statement, 0);
	ret_job->ino = (uint64_t)sqlite3_column_int64(statement, 1);
	strcpy(ret_job->job.id, id);
	ret_job->job.status = (enum job_status)status;
	ret_job->job.created_ms = column_time(statement, 4);
	ret_job->job.completed_ms = column_time(statement, 5);
	ret_job->size = sqlite3_column_int64(statement, 6);
	ret_job->seen_ms = sqlite3_column_int64(statement, 7);
	sqlite3_reset(statement);
	return 0;
}

int jobs_by_row(struct catalog *catalog, int64_t row, struct catalog_job *ret_job)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_BY_ROW);

	sqlite3_bind_int64(statement, 1, row);
	return fetch_job(catalog, statement, ret_job);
}

int jobs_by_ino(struct catalog *catalog, uint64_t ino, struct catalog_job *ret_job)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_BY_INO);

	sqlite3_bind_int64(statement, 1, (int64_t)ino);
	return fetch_job(catalog, statement, ret_job);
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

static int insert_job(struct catalog *catalog, struct catalog_job *job)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_INSERT);

	sqlite3_bind_int64(statement, 1, (int64_t)job->ino);
	sqlite3_bind_text(statement, 2, job->job.id, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 3, job->job.status);
	bind_time(statement, 4, job->job.created_ms);
	bind_time(statement, 5, job->job.completed_ms);
	sqlite3_bind_int64(statement, 6, job->size);
	sqlite3_bind_int64(statement, 7, job->seen_ms);

	int err = catalog_run(catalog, statement);

	sqlite3_clear_bindings(statement);
	job->row = sqlite3_last_insert_rowid(catalog->db);
	return err;
}

static int update_job(struct catalog *catalog, const struct catalog_job *job)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_UPDATE);

	sqlite3_bind_int64(statement, 1, job->row);
	sqlite3_bind_int(statement, 2, job->job.status);
	bind_time(statement, 3, job->job.created_ms);
	bind_time(statement, 4, job->job.completed_ms);
	sqlite3_bind_int64(statement, 5, job->size);
	sqlite3_bind_int64(statement, 6, job->seen_ms);
	return catalog_run(catalog, statement);
}

static int set_seen(struct catalog *catalog, int64_t row, int64_t seen_ms)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_SEEN);

	sqlite3_bind_int64(statement, 1, row);
	sqlite3_bind_int64(statement, 2, seen_ms);
	return catalog_run(catalog, statement);
}

static int put_new(struct catalog *catalog, struct catalog_job *job, const char *text)
{
	int err = insert_job(catalog, job);

	if (!err && text)
		err = bodies_put(catalog, job->row, text, (size_t)job->size);
	return err;
}

/* What the known row and the job just shown have in common, text apart. */
static bool same_head(const struct catalog_job *known, const struct catalog_job *job)
{
	return known->job.status == job->job.status &&
	       known->job.created_ms == job->job.created_ms &&
	       known->job.completed_ms == job->job.completed_ms;
}

static int put_known(struct catalog *catalog, const struct catalog_job *known,
	struct catalog_job *job, const char *text, bool *ret_changed)
{
	bool kept = false;
	bool equal = false;
	bool head = same_head(known, job);

	job->row = known->row;
	if (!text && head && known->size >= 0)
		job->size = known->size;
	if (head && job->size == known->size) {
		int err = text && job->size >= 0
				  ? bodies_equal(catalog, job->row, text,
					    (size_t)job->size, &kept, &equal)
				  : 0;

		if (err)
			return err;
		/* A text that was let go cannot be compared; a finished one is the same.
		 */
		*ret_changed = text && !equal && (kept || !job_finished(&job->job));
		if (!text || equal)
			return set_seen(catalog, job->row, job->seen_ms);
	} else {
		*ret_changed = true;
	}

	int err = update_job(catalog, job);

	if (!err)
		err = bodies_delete(catalog, job->row);
	if (!err && text)
		err = bodies_put(catalog, job->row, text, (size_t)job->size);
	return err;
}

int jobs_put(struct catalog *catalog, const struct job *job, const char *text,
	size_t size, enum catalog_change *ret_change, struct catalog_job *ret_job)
{
	struct catalog_job put = {
		.ino = job_ino(job->id),
		.job = *job,
		.size = text ? (int64_t)size : -1,
		.seen_ms = clock_wall_ms(catalog->clock),
	};
	struct catalog_job known;
	bool changed = false;
	int err = catalog_begin(catalog);

	if (err)
		return err;

	int found = jobs_by_ino(catalog, put.ino, &known);

	if (found == -ENOENT) {
		err = put_new(catalog, &put, text);
	} else if (found) {
		err = found;
	} else if (strcmp(known.job.id, job->id) != 0) {
		log_error(catalog->log,
			"the jobs %s and %s have the same inode number: the second is "
			"not "
			"shown",
			known.job.id, job->id);
		err = -EEXIST;
	} else {
		err = put_known(catalog, &known, &put, text, &changed);
	}
	if (err)
		return err;
	*ret_change = found == -ENOENT ? CATALOG_NEW
		      : changed        ? CATALOG_CHANGED
				       : CATALOG_SAME;
	*ret_job = put;
	return 0;
}

int jobs_doubt(struct catalog *catalog, int64_t row)
{
	int err = catalog_begin(catalog);

	return err ? err : set_seen(catalog, row, 0);
}

int jobs_forget(struct catalog *catalog, int64_t row)
{
	int err = catalog_begin(catalog);

	if (!err)
		err = bodies_delete(catalog, row);
	if (err)
		return err;

	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_DELETE);

	sqlite3_bind_int64(statement, 1, row);
	return catalog_run(catalog, statement);
}
