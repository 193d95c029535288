/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "catalog/jobs.h"
#include "internal.h"

/* Reads and deletes the facts of jobs, which job_store.c stores in their rows. */

int jobs_facts(struct catalog *catalog, int64_t row, struct job_facts *ret_facts)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_FACTS);

	sqlite3_bind_int64(statement, 1, row);

	int step = sqlite3_step(statement);

	if (step == SQLITE_DONE)
		return -ENOENT;
	if (step != SQLITE_ROW)
		return catalog_failed(catalog, "read");

	const void *text = sqlite3_column_blob(statement, 0);
	size_t len = (size_t)sqlite3_column_bytes(statement, 0);
	bool sound = true;

	if (text)
		sound = job_facts_load(text, len, ret_facts);
	else
		job_facts_init(ret_facts);
	sqlite3_reset(statement);
	return sound ? 0 : catalog_damaged(catalog, "return the facts of a job");
}

int jobs_clear_facts(struct catalog *catalog, int64_t row)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_FACTS_CLEAR);

	sqlite3_bind_int64(statement, 1, row);
	return catalog_run(catalog, statement);
}
