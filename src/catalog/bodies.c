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

/* SQLITE_ROW with the body in column 0, or SQLITE_DONE. */
static int body_step(struct catalog *catalog, int64_t row, sqlite3_stmt **ret_statement)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_BODY_READ);

	sqlite3_bind_int64(statement, 1, row);
	*ret_statement = statement;
	return sqlite3_step(statement);
}

int bodies_total(struct catalog *catalog, uint64_t *ret_bytes)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_TOTALS);
	int step = sqlite3_step(statement);
	int64_t bytes = sqlite3_column_int64(statement, 2);

	sqlite3_reset(statement);
	if (step != SQLITE_ROW)
		return catalog_failed(catalog, "read");
	*ret_bytes = bytes < 0 ? 0 : (uint64_t)bytes;
	return 0;
}

int bodies_put(struct catalog *catalog, int64_t row, const char *text, size_t size)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_BODY_PUT);

	sqlite3_bind_int64(statement, 1, row);
	sqlite3_bind_int64(statement, 2, now_s(catalog));
	sqlite3_bind_blob64(statement, 3, text, size, SQLITE_STATIC);

	int err = catalog_run(catalog, statement);

	sqlite3_clear_bindings(statement);
	return err;
}

int bodies_delete(struct catalog *catalog, int64_t row)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_BODY_DELETE);

	sqlite3_bind_int64(statement, 1, row);
	return catalog_run(catalog, statement);
}

int bodies_equal(struct catalog *catalog, int64_t row, const char *text, size_t size,
	bool *ret_kept, bool *ret_equal)
{
	sqlite3_stmt *statement;
	int step = body_step(catalog, row, &statement);

	if (step != SQLITE_ROW && step != SQLITE_DONE)
		return catalog_failed(catalog, "read");
	*ret_kept = step == SQLITE_ROW;
	*ret_equal = *ret_kept && (size_t)sqlite3_column_bytes(statement, 0) == size &&
		     memcmp(sqlite3_column_blob(statement, 0), text, size) == 0;
	sqlite3_reset(statement);
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

int bodies_read(struct catalog *catalog, int64_t row, uint64_t offset, void *data,
	size_t len, size_t *ret_len)
{
	sqlite3_stmt *statement;
	int step = body_step(catalog, row, &statement);

	if (step == SQLITE_DONE)
		return -ENODATA;
	if (step != SQLITE_ROW)
		return catalog_failed(catalog, "read");

	const char *body = sqlite3_column_blob(statement, 0);
	size_t size = (size_t)sqlite3_column_bytes(statement, 0);
	int64_t used = sqlite3_column_int64(statement, 1);
	size_t there = offset < size ? size - (size_t)offset : 0;
	size_t take = there < len ? there : len;

	if (take && !body) {
		sqlite3_reset(statement);
		return catalog_failed(catalog, "read");
	}
	if (take)
		memcpy(data, body + offset, take);
	sqlite3_reset(statement);

	/* Where the note cannot be written the bytes are right all the same. */
	if (now_s(catalog) - used >= USED_STEP_S)
		note_use(catalog, row);
	*ret_len = take;
	return 0;
}

int bodies_evict(struct catalog *catalog, uint64_t max)
{
	for (;;) {
		uint64_t kept;
		int err = bodies_total(catalog, &kept);

		if (err || kept <= max)
			return err;

		sqlite3_stmt *statement = catalog_statement(catalog, SQL_BODIES_OLDEST);

		if (sqlite3_step(statement) != SQLITE_ROW)
			return catalog_failed(catalog, "read");

		int64_t row = sqlite3_column_int64(statement, 0);
		bool last = sqlite3_step(statement) != SQLITE_ROW;

		sqlite3_reset(statement);
		if (last)
			return 0;
		err = bodies_delete(catalog, row);
		if (err)
			return err;
	}
}
