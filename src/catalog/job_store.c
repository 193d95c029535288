/* SPDX-License-Identifier: MIT */
/*
 * Stores, changes and deletes jobs. jobs.c finds and numbers them.
 */
#include <errno.h>
#include <string.h>

#include "catalog/jobs.h"
#include "gladia/view_name.h"
#include "internal.h"

static void job_store_bind_time(sqlite3_stmt *statement, int column, int64_t ms)
{
	if (ms == JOB_NO_TIME)
		sqlite3_bind_null(statement, column);
	else
		sqlite3_bind_int64(statement, column, ms);
}

/* Adds a job to the totals if `sign` is 1, subtracts it if it is -1. */
static void job_store_count(
	struct catalog *catalog, const struct catalog_job *job, int sign)
{
	int64_t bytes = job->size > 0 ? sign * job->size : 0;

	if (!job->deleted) {
		catalog->change.jobs += sign;
		catalog->change.bytes += bytes;
	}
}

/* Binds the columns that INSERT and UPDATE share, starting at parameter `first`. */
static void job_store_bind(struct catalog *catalog, sqlite3_stmt *statement, int first,
	const struct catalog_job *job)
{
	sqlite3_bind_int64(statement, first, (int64_t)job->job.status);
	job_store_bind_time(statement, first + 1, job->job.created_ms);
	job_store_bind_time(statement, first + 2, job->job.completed_ms);
	sqlite3_bind_int64(statement, first + 3, job->size);
	sqlite3_bind_int64(
		statement, first + 4, job->deleted ? -job->seen_ms : job->seen_ms);
	if (job->has_text)
		sqlite3_bind_int64(statement, first + 5, texts_used(catalog, &job->job));
}

/*
 * Binds facts and the number of the recording's name, starting at `column`; or NULL for
 * those that are stored, if there are any.
 */
static void job_store_bind_facts(
	sqlite3_stmt *statement, int column, const struct job_facts *facts)
{
	char name[VIEW_NAME_MAX + 1];

	if (!facts)
		return;
	sqlite3_bind_blob64(statement, column, facts->text, facts->len, SQLITE_STATIC);
	view_name_recording(facts, name);
	sqlite3_bind_int64(statement, column + 1, view_name_number(name, strlen(name)));
}

/* Inserts a job, sets its row and updates the totals. Returns 0 or -EIO. */
static int job_store_insert(
	struct catalog *catalog, struct catalog_job *job, const struct job_facts *facts)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_INSERT);

	sqlite3_bind_int64(statement, 1, (int64_t)job->ino);
	sqlite3_bind_text(statement, 2, job->job.id, -1, SQLITE_STATIC);
	job_store_bind(catalog, statement, 3, job);
	job_store_bind_facts(statement, 9, facts);

	int err = catalog_run(catalog, statement);

	sqlite3_clear_bindings(statement);
	if (err)
		return err;
	job->row = sqlite3_last_insert_rowid(catalog->db);
	catalog->last_row = job->row;
	job_store_count(catalog, job, 1);
	return 0;
}

/* Changes a job from `known` to `job` and updates the totals. Returns 0 or -EIO. */
static int job_store_update(struct catalog *catalog, const struct catalog_job *known,
	const struct catalog_job *job, const struct job_facts *facts)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_UPDATE);

	sqlite3_bind_int64(statement, 1, job->row);
	if (job->version)
		sqlite3_bind_int64(statement, 2, (int64_t)job->node);
	sqlite3_bind_int64(statement, 3, job->version);
	job_store_bind(catalog, statement, 4, job);
	job_store_bind_facts(statement, 10, facts);

	int err = catalog_run(catalog, statement);

	sqlite3_clear_bindings(statement);
	if (err)
		return err;
	job_store_count(catalog, known, -1);
	job_store_count(catalog, job, 1);
	return 0;
}

static int job_store_set_seen(struct catalog *catalog, int64_t row, int64_t seen_ms)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_SEEN);

	sqlite3_bind_int64(statement, 1, row);
	sqlite3_bind_int64(statement, 2, seen_ms);
	return catalog_run(catalog, statement);
}

/* Stores a job that the catalog does not have. Returns 0 or -EIO. */
static int job_store_put_new(
	struct catalog *catalog, const struct job_state *state, struct catalog_job *job)
{
	job->node = job->ino;

	int err = job_store_insert(catalog, job, state->facts);

	if (!err && state->text)
		err = texts_put(catalog, job->row, state->text, state->size);
	return err;
}

/* True if `known` is not deleted and has the status and timestamps of `job`. */
static bool job_store_same_head(
	const struct catalog_job *known, const struct catalog_job *job)
{
	return !known->deleted && known->job.status == job->job.status &&
	       known->job.created_ms == job->job.created_ms &&
	       known->job.completed_ms == job->job.completed_ms;
}

/*
 * Checks whether the text of the job is still the one of `known`. Returns 0 or -EIO.
 */
static int job_store_same_text(struct catalog *catalog, const struct catalog_job *known,
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
	*ret_same = job_store_same_head(known, job) && job_finished(&job->job);
	return 0;
}

/* Stores a job that the catalog has already. Returns 0 or -EIO. */
static int job_store_put_known(struct catalog *catalog, const struct job_state *state,
	const struct catalog_job *known, struct catalog_job *job, bool *ret_changed)
{
	const struct job_facts *facts = state->facts;
	const char *text = state->text;
	bool head = job_store_same_head(known, job);
	bool same;

	job->row = known->row;
	if (!text && head)
		job->size = known->size;

	int err = job_store_same_text(catalog, known, job, text, &same);

	if (err)
		return err;
	/* If the text was not known before, no reader has the old version: keep it. */
	job->version = known->version + (!same && known->size >= 0);
	job->node = jobs_node(job->job.id, job->version);
	job->has_text = text || (same && known->has_text);
	*ret_changed = !head || !same;
	/* A summary has fewer facts than the text. */
	if (!text && head && known->has_facts)
		facts = NULL;
	job->has_facts = facts || known->has_facts;
	if (head && same && job->has_text == known->has_text &&
		job->has_facts == known->has_facts)
		return job_store_set_seen(catalog, job->row, job->seen_ms);
	err = job_store_update(catalog, known, job, facts);
	if (!err && known->has_text && !same)
		err = texts_delete(catalog, job->row);
	if (!err && text && !(known->has_text && same))
		err = texts_put(catalog, job->row, text, (size_t)job->size);
	return err;
}

/* Wall times in the database are positive: deleted jobs have them negated. */
static int64_t job_store_now_ms(const struct catalog *catalog)
{
	int64_t now_ms = clock_wall_ms(catalog->clock);

	return now_ms > 0 ? now_ms : 1;
}

/* Stores a job. Returns as jobs_put() does. */
static int job_store_put(struct catalog *catalog, const struct job_state *state,
	struct catalog_job *job, enum catalog_change *ret_change)
{
	struct catalog_job known;
	bool changed;
	int err = jobs_by_ino(catalog, job->ino, &known);

	if (err == -ENOENT) {
		*ret_change = CATALOG_NEW;
		return job_store_put_new(catalog, state, job);
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
		known.seen_ms <= job_store_now_ms(catalog)) {
		/* An answer that took longer than the one that lacked the job. */
		*ret_change = CATALOG_SAME;
		*job = known;
		return 0;
	}
	err = job_store_put_known(catalog, state, &known, job, &changed);
	if (err)
		return err;
	*ret_change = known.deleted ? CATALOG_NEW
		      : changed     ? CATALOG_CHANGED
				    : CATALOG_SAME;
	return 0;
}

int jobs_put(struct catalog *catalog, const struct job_state *state,
	enum catalog_change *ret_change, struct catalog_job *ret_job)
{
	int64_t now_ms = job_store_now_ms(catalog);
	struct catalog_job put = {
		.ino = job_ino(state->job->id),
		.job = *state->job,
		.size = state->text ? (int64_t)state->size : -1,
		.has_text = state->text != NULL,
		.has_facts = state->facts != NULL,
		.seen_ms = state->asked_ms > now_ms ? now_ms
			   : state->asked_ms > 0    ? state->asked_ms
						    : 1,
	};
	enum catalog_change change;

	if (state->text && state->size > JOB_TEXT_MAX)
		return -EFBIG;

	int err = catalog_begin(catalog);

	if (!err)
		err = job_store_put(catalog, state, &put, &change);
	if (err)
		return err;
	*ret_change = change;
	*ret_job = put;
	return 0;
}

int jobs_invalidate(struct catalog *catalog, int64_t row)
{
	int err = catalog_begin(catalog);

	return err ? err : job_store_set_seen(catalog, row, 0);
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
	deleted.seen_ms = job_store_now_ms(catalog);
	deleted.has_text = false;
	err = job_store_update(catalog, &known, &deleted, NULL);
	if (!err)
		err = jobs_put_metadata(catalog, row, "", 0);
	if (!err)
		err = spool_delete_job(catalog, row);
	return err || !known.has_text ? err : texts_delete(catalog, row);
}

int jobs_erase(struct catalog *catalog, int64_t row)
{
	int err = jobs_mark_deleted(catalog, row);

	return err ? err : jobs_clear_facts(catalog, row);
}
