/* SPDX-License-Identifier: MIT */
/*
 * Stores jobs and finds them by row, inode number, node or id.
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

/* Returns the node number of a version of a job. */
static uint64_t jobs_job_node(const char *id, int64_t version)
{
	char text[FILENAME_BYTES_MAX + 24];

	if (version == 0)
		return job_ino(id);
	(void)snprintf(text, sizeof(text), "%s %" PRId64, id, version);
	return jobs_as_number(sha256_u63("node", text));
}

static void jobs_bind_time(sqlite3_stmt *statement, int column, int64_t ms)
{
	if (ms == JOB_NO_TIME)
		sqlite3_bind_null(statement, column);
	else
		sqlite3_bind_int64(statement, column, ms);
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
	return jobs_fetch_job(catalog, statement, ret_job);
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

/* Adds a job to the totals if `sign` is 1, subtracts it if it is -1. */
static void jobs_count_job(
	struct catalog *catalog, const struct catalog_job *job, int sign)
{
	int64_t bytes = job->size > 0 ? sign * job->size : 0;

	if (!job->deleted) {
		catalog->change.jobs += sign;
		catalog->change.bytes += bytes;
	}
}

/* Binds the columns that INSERT and UPDATE share, starting at parameter `first`. */
static void jobs_bind_job(struct catalog *catalog, sqlite3_stmt *statement, int first,
	const struct catalog_job *job)
{
	sqlite3_bind_int64(statement, first, (int64_t)job->job.status);
	jobs_bind_time(statement, first + 1, job->job.created_ms);
	jobs_bind_time(statement, first + 2, job->job.completed_ms);
	sqlite3_bind_int64(statement, first + 3, job->size);
	sqlite3_bind_int64(
		statement, first + 4, job->deleted ? -job->seen_ms : job->seen_ms);
	if (job->has_text)
		sqlite3_bind_int64(statement, first + 5, texts_used(catalog, &job->job));
}

/* Binds facts, or NULL for those that are stored, if there are any. */
static void jobs_bind_facts(
	sqlite3_stmt *statement, int column, const struct job_facts *facts)
{
	if (facts)
		sqlite3_bind_blob64(
			statement, column, facts->text, facts->len, SQLITE_STATIC);
}

/* Inserts a job, sets its row and updates the totals. Returns 0 or -EIO. */
static int jobs_insert_job(
	struct catalog *catalog, struct catalog_job *job, const struct job_facts *facts)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_INSERT);

	sqlite3_bind_int64(statement, 1, (int64_t)job->ino);
	sqlite3_bind_text(statement, 2, job->job.id, -1, SQLITE_STATIC);
	jobs_bind_job(catalog, statement, 3, job);
	jobs_bind_facts(statement, 9, facts);

	int err = catalog_run(catalog, statement);

	sqlite3_clear_bindings(statement);
	if (err)
		return err;
	job->row = sqlite3_last_insert_rowid(catalog->db);
	catalog->last_row = job->row;
	jobs_count_job(catalog, job, 1);
	return 0;
}

/* Changes a job from `known` to `job` and updates the totals. Returns 0 or -EIO. */
static int jobs_update_job(struct catalog *catalog, const struct catalog_job *known,
	const struct catalog_job *job, const struct job_facts *facts)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_UPDATE);

	sqlite3_bind_int64(statement, 1, job->row);
	if (job->version)
		sqlite3_bind_int64(statement, 2, (int64_t)job->node);
	sqlite3_bind_int64(statement, 3, job->version);
	jobs_bind_job(catalog, statement, 4, job);
	jobs_bind_facts(statement, 10, facts);

	int err = catalog_run(catalog, statement);

	sqlite3_clear_bindings(statement);
	if (err)
		return err;
	jobs_count_job(catalog, known, -1);
	jobs_count_job(catalog, job, 1);
	return 0;
}

static int jobs_set_seen(struct catalog *catalog, int64_t row, int64_t seen_ms)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_SEEN);

	sqlite3_bind_int64(statement, 1, row);
	sqlite3_bind_int64(statement, 2, seen_ms);
	return catalog_run(catalog, statement);
}

/* Stores a job that the catalog does not have. Returns 0 or -EIO. */
static int jobs_put_new(struct catalog *catalog, struct catalog_job *job,
	const char *text, const struct job_facts *facts)
{
	job->node = job->ino;

	int err = jobs_insert_job(catalog, job, facts);

	if (!err && text)
		err = texts_put(catalog, job->row, text, (size_t)job->size);
	return err;
}

/* True if `known` is not deleted and has the status and timestamps of `job`. */
static bool jobs_same_head(const struct catalog_job *known, const struct catalog_job *job)
{
	return !known->deleted && known->job.status == job->job.status &&
	       known->job.created_ms == job->job.created_ms &&
	       known->job.completed_ms == job->job.completed_ms;
}

/*
 * Checks whether the text of the job is still the one of `known`. Returns 0 or -EIO.
 */
static int jobs_same_text(struct catalog *catalog, const struct catalog_job *known,
	const struct catalog_job *job, const char *text, bool *ret_same)
{
	if (!text || known->deleted || known->size != job->size) {
		*ret_same = !known->deleted && known->size == job->size;
		return 0;
	}
	if (known->has_text)
		return texts_equal(
			catalog, known->row, text, (size_t)job->size, ret_same);
	/* An evicted text cannot be compared. That of a finished job does not change. */
	*ret_same = jobs_same_head(known, job) && job_finished(&job->job);
	return 0;
}

/* Stores a job that the catalog has already. Returns 0 or -EIO. */
static int jobs_put_known(struct catalog *catalog, const struct catalog_job *known,
	struct catalog_job *job, const char *text, const struct job_facts *facts,
	bool *ret_changed)
{
	bool head = jobs_same_head(known, job);
	bool same;

	job->row = known->row;
	if (!text && head)
		job->size = known->size;

	int err = jobs_same_text(catalog, known, job, text, &same);

	if (err)
		return err;
	/* If the text was not known before, no reader has the old version: keep it. */
	job->version = known->version + (!same && known->size >= 0);
	job->node = jobs_job_node(job->job.id, job->version);
	job->has_text = text || (same && known->has_text);
	*ret_changed = !head || !same;
	/* A summary has fewer facts than the text. */
	if (!text && head && known->has_facts)
		facts = NULL;
	job->has_facts = facts || known->has_facts;
	if (head && same && job->has_text == known->has_text &&
		job->has_facts == known->has_facts)
		return jobs_set_seen(catalog, job->row, job->seen_ms);
	err = jobs_update_job(catalog, known, job, facts);
	if (!err && known->has_text && !same)
		err = texts_delete(catalog, job->row);
	if (!err && text && !(known->has_text && same))
		err = texts_put(catalog, job->row, text, (size_t)job->size);
	return err;
}

/* Wall times in the database are positive: deleted jobs have them negated. */
static int64_t jobs_now_ms(const struct catalog *catalog)
{
	int64_t now_ms = clock_wall_ms(catalog->clock);

	return now_ms > 0 ? now_ms : 1;
}

/* Stores a job. Returns as jobs_put() does. */
static int jobs_put_job(struct catalog *catalog, struct catalog_job *job,
	const char *text, const struct job_facts *facts, enum catalog_change *ret_change)
{
	struct catalog_job known;
	bool changed;
	int err = jobs_by_ino(catalog, job->ino, &known);

	if (err == -ENOENT) {
		*ret_change = CATALOG_NEW;
		return jobs_put_new(catalog, job, text, facts);
	}
	if (err)
		return err;
	if (strcmp(known.job.id, job->job.id) != 0) {
		log_error(catalog->log,
			"the jobs %s and %s have the same inode number: the second is "
			"not shown",
			known.job.id, job->job.id);
		return -EEXIST;
	}
	if (known.deleted && known.seen_ms > job->seen_ms &&
		known.seen_ms <= jobs_now_ms(catalog)) {
		/* An answer that took longer than the one that lacked the job. */
		*ret_change = CATALOG_SAME;
		*job = known;
		return 0;
	}
	err = jobs_put_known(catalog, &known, job, text, facts, &changed);
	if (err)
		return err;
	*ret_change = known.deleted ? CATALOG_NEW
		      : changed     ? CATALOG_CHANGED
				    : CATALOG_SAME;
	return 0;
}

int jobs_put(struct catalog *catalog, const struct job *job, const char *text,
	size_t size, const struct job_facts *facts, int64_t asked_ms,
	enum catalog_change *ret_change, struct catalog_job *ret_job)
{
	int64_t now_ms = jobs_now_ms(catalog);
	struct catalog_job put = {
		.ino = job_ino(job->id),
		.job = *job,
		.size = text ? (int64_t)size : -1,
		.has_text = text != NULL,
		.has_facts = facts != NULL,
		.seen_ms = asked_ms > now_ms ? now_ms
			   : asked_ms > 0    ? asked_ms
					     : 1,
	};
	enum catalog_change change;

	if (text && size > JOB_TEXT_MAX)
		return -EFBIG;

	int err = catalog_begin(catalog);

	if (!err)
		err = jobs_put_job(catalog, &put, text, facts, &change);
	if (err)
		return err;
	*ret_change = change;
	*ret_job = put;
	return 0;
}

int jobs_invalidate(struct catalog *catalog, int64_t row)
{
	int err = catalog_begin(catalog);

	return err ? err : jobs_set_seen(catalog, row, 0);
}

int jobs_mark_deleted(struct catalog *catalog, int64_t row)
{
	struct catalog_job known;
	int err = catalog_begin(catalog);

	if (!err)
		err = jobs_by_row(catalog, row, &known);
	if (err || known.deleted)
		return err == -ENOENT ? 0 : err;

	struct catalog_job deleted = known;

	deleted.deleted = true;
	deleted.seen_ms = jobs_now_ms(catalog);
	deleted.has_text = false;
	err = jobs_update_job(catalog, &known, &deleted, NULL);
	if (!err)
		err = jobs_put_metadata(catalog, row, "", 0);
	return err || !known.has_text ? err : texts_delete(catalog, row);
}

int jobs_erase(struct catalog *catalog, int64_t row)
{
	/* A setting of the connection. SQLite zeroes everything that is deleted while it
	 * is on. */
	int code = sqlite3_exec(
		catalog->db, "PRAGMA secure_delete = ON", NULL, NULL, NULL);
	int err = code == SQLITE_OK ? jobs_mark_deleted(catalog, row) : -EIO;

	if (!err)
		err = jobs_clear_facts(catalog, row);
	sqlite3_exec(catalog->db, "PRAGMA secure_delete = OFF", NULL, NULL, NULL);
	return err;
}

/*
 * Runs a statement that returns row numbers and collects them in an array, which the
 * caller frees. Returns 0, -ENOMEM or -EIO.
 */
static int jobs_collect_rows(struct catalog *catalog, sqlite3_stmt *statement,
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
