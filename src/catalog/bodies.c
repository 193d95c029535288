/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "catalog/jobs.h"
#include "internal.h"

/* "Last used" is noted this coarsely, so that reading does not become writing. */
enum { USED_STEP_S = 300 };

static int64_t now_s(const struct catalog *catalog)
{
	return clock_wall_ms(catalog->clock) / 1000;
}

int bodies_put(struct catalog *catalog, int64_t row, const char *text, size_t size)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_BODY_PUT);

	sqlite3_bind_int64(statement, 1, row);
	sqlite3_bind_int64(statement, 2, now_s(catalog));
	sqlite3_bind_blob64(statement, 3, text, size, SQLITE_STATIC);

	int err = catalog_run(catalog, statement);

	sqlite3_clear_bindings(statement);
	if (!err)
		catalog->change.kept += (int64_t)size;
	return err;
}

int bodies_delete(struct catalog *catalog, int64_t row)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_BODY_SIZE);

	sqlite3_bind_int64(statement, 1, row);

	int step = sqlite3_step(statement);
	int64_t size = sqlite3_column_int64(statement, 0);

	sqlite3_reset(statement);
	if (step == SQLITE_DONE)
		return 0;
	if (step != SQLITE_ROW)
		return catalog_failed(catalog, "read");
	statement = catalog_statement(catalog, SQL_BODY_DELETE);
	sqlite3_bind_int64(statement, 1, row);

	int err = catalog_run(catalog, statement);

	if (!err)
		catalog->change.kept -= size;
	return err;
}

/* A row of SQL_BODY_READ, good until the statement is reset. */
struct body {
	sqlite3_stmt *statement;
	uint64_t node;
	bool gone;
	bool kept;
	int64_t used;
	const char *data;
	size_t size;
};

/* 0, -ENOENT, -EIO; with 0 the statement is to be reset. */
static int body_fetch(struct catalog *catalog, int64_t row, struct body *ret_body)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_BODY_READ);

	sqlite3_bind_int64(statement, 1, row);

	int step = sqlite3_step(statement);

	if (step == SQLITE_DONE)
		return -ENOENT;
	if (step != SQLITE_ROW)
		return catalog_failed(catalog, "read");
	*ret_body = (struct body){
		.statement = statement,
		.node = (uint64_t)sqlite3_column_int64(statement, 0),
		.gone = sqlite3_column_int64(statement, 1) < 0,
		.kept = sqlite3_column_type(statement, 3) != SQLITE_NULL,
		.used = sqlite3_column_int64(statement, 2),
		.data = sqlite3_column_blob(statement, 3),
		.size = (size_t)sqlite3_column_bytes(statement, 3),
	};
	if (ret_body->size && !ret_body->data) {
		sqlite3_reset(statement);
		return catalog_failed(catalog, "read");
	}
	return 0;
}

int bodies_equal(struct catalog *catalog, int64_t row, const char *text, size_t size,
	bool *ret_kept, bool *ret_equal)
{
	struct body body;
	int err = body_fetch(catalog, row, &body);

	*ret_kept = false;
	*ret_equal = false;
	if (err)
		return err == -ENOENT ? 0 : err;
	*ret_kept = body.kept;
	*ret_equal = body.kept && body.size == size && memcmp(body.data, text, size) == 0;
	sqlite3_reset(body.statement);
	return 0;
}

static int note_use(struct catalog *catalog, int64_t row)
{
	int err = catalog_begin(catalog);

	if (err)
		return err;

	sqlite3_stmt *statement = catalog_statement(catalog, SQL_BODY_USED);

	sqlite3_bind_int64(statement, 1, row);
	sqlite3_bind_int64(statement, 2, now_s(catalog));
	return catalog_run(catalog, statement);
}

int bodies_read(struct catalog *catalog, const struct catalog_job *job, uint64_t offset,
	void *data, size_t len, size_t *ret_len)
{
	struct body body;
	int err = body_fetch(catalog, job->row, &body);

	if (err)
		return err == -ENOENT ? -ESTALE : err;

	size_t there = offset < body.size ? body.size - (size_t)offset : 0;
	size_t take = there < len ? there : len;

	if (body.gone || body.node != job->node)
		err = -ESTALE;
	else if (!body.kept)
		err = -ENODATA;
	else if (take)
		memcpy(data, body.data + offset, take);
	sqlite3_reset(body.statement);
	if (err)
		return err;

	/* Where the note cannot be written the bytes are right all the same. */
	if (now_s(catalog) - body.used >= USED_STEP_S)
		note_use(catalog, job->row);
	*ret_len = take;
	return 0;
}

int bodies_evict(struct catalog *catalog, uint64_t kept, uint64_t max)
{
	while (kept > max) {
		sqlite3_stmt *statement = catalog_statement(catalog, SQL_BODIES_OLDEST);

		if (sqlite3_step(statement) != SQLITE_ROW)
			return catalog_failed(catalog, "read");

		int64_t row = sqlite3_column_int64(statement, 0);
		uint64_t size = (uint64_t)sqlite3_column_int64(statement, 1);
		bool last = sqlite3_step(statement) != SQLITE_ROW;

		sqlite3_reset(statement);
		if (last)
			return 0;

		int err = bodies_delete(catalog, row);

		if (err)
			return err;
		kept -= size < kept ? size : kept;
	}
	return 0;
}
