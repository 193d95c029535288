/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "catalog/jobs.h"
#include "gladia/view_name.h"
#include "internal.h"

/* Finds jobs by the names of their recordings. */

int jobs_by_name(struct catalog *catalog, const char *name, size_t len, const char *id,
	int64_t **ret_rows, size_t *ret_len)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOBS_BY_NAME);
	char end[FILENAME_BYTES_MAX + 2];

	/* Ids are UTF-8, so this is greater than all that begin with `id`. */
	(void)snprintf(end, sizeof(end), "%s\xff", id);
	sqlite3_bind_int64(statement, 1, view_name_number(name, len));
	sqlite3_bind_text(statement, 2, id, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 3, end, -1, SQLITE_STATIC);

	int err = jobs_collect_rows(catalog, statement, ret_rows, ret_len);

	sqlite3_clear_bindings(statement);
	return err;
}
