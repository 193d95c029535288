/* SPDX-License-Identifier: MIT */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

#include "catalog/catalog.h"

/* One prepared statement per question; their texts are the table in schema.c. */
enum statement {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_TOTALS,
	SQL_JOB_BY_ROW,
	SQL_JOB_BY_INO,
	SQL_JOB_INSERT,
	SQL_JOB_UPDATE,
	SQL_JOB_SEEN,
	SQL_JOB_DELETE,
	SQL_BODY_READ,
	SQL_BODY_PUT,
	SQL_BODY_DELETE,
	SQL_BODY_USED,
	SQL_BODIES_OLDEST,
	STATEMENTS,
};

struct catalog {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	const struct clock *clock;
	const struct log *log;
	uint64_t bodies_max;
	bool in_transaction;
	bool complained; /* a failed write was already logged; until one succeeds */
};

/*
 * Opens `path` ("" for a temporary database), makes or checks the schema, prepares the
 * statements. 0; -EUCLEAN where the file is not a sound database of ours; -EIO.
 */
int schema_open(struct catalog *catalog, const char *path);
void schema_close(struct catalog *catalog);

/*
 * The statement, reset and with no bindings left. A write (anything that changes a row)
 * asks catalog_begin() first.
 */
sqlite3_stmt *catalog_statement(struct catalog *catalog, enum statement which);

/* Opens the transaction if none is open. 0 or -EIO. */
int catalog_begin(struct catalog *catalog);

/* Runs a statement that gives no rows, and resets it. 0 or -EIO, logged. */
int catalog_run(struct catalog *catalog, sqlite3_stmt *statement);

/* Logs, once until it works again, that the database failed at `what`. Gives -EIO. */
int catalog_failed(struct catalog *catalog, const char *what);

/* How many bytes of bodies there are. 0 or -EIO. */
int bodies_total(struct catalog *catalog, uint64_t *ret_bytes);

/* Lets the least recently used go until `max` is kept, but never the last one. */
int bodies_evict(struct catalog *catalog, uint64_t max);

int bodies_put(struct catalog *catalog, int64_t row, const char *text, size_t size);
int bodies_delete(struct catalog *catalog, int64_t row);

/* 0 and whether the text kept for `row` is this one; false where none is kept. */
int bodies_equal(struct catalog *catalog, int64_t row, const char *text, size_t size,
	bool *ret_kept, bool *ret_equal);
