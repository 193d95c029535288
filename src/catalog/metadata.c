/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "catalog/jobs.h"
#include "internal.h"

/*
 * Stores the custom_metadata of each job as one text, in a table of its own because
 * listing a directory does not need it. Most jobs have no metadata or only a few pairs,
 * and we only ever match one job at a time (sync/source_select). Therefore a table of
 * pairs with indexes would not save anything.
 */

int jobs_put_metadata(struct catalog *catalog, int64_t row, const char *text, size_t len)
{
	int err = catalog_begin(catalog);

	if (err)
		return err;

	sqlite3_stmt *statement = catalog_statement(
		catalog, len ? SQL_METADATA_PUT : SQL_METADATA_DELETE);

	sqlite3_bind_int64(statement, 1, row);
	if (len)
		sqlite3_bind_blob64(statement, 2, text, len, SQLITE_STATIC);
	err = catalog_run(catalog, statement);
	sqlite3_clear_bindings(statement);
	return err;
}

/*
 * True if a text is well-formed. We trust the file no more than the network, because the
 * names in it go to the kernel.
 */
static bool metadata_is_sound(const char *text, size_t len)
{
	struct metadata_pair pair;
	size_t at = 0;
	char name[FILENAME_BYTES_MAX + 1];

	if (len > METADATA_TEXT_MAX)
		return false;
	while (metadata_next(text, len, &at, &pair))
		if (metadata_show(pair.key, pair.key_len, name) ||
			metadata_show(pair.value, pair.value_len, name))
			return false;
	return len > 0 && at == len;
}

/*
 * Reads the metadata text of a job, or "" if it has none. The text is valid until the
 * statement is reset. Returns 0 or -EIO.
 */
static int metadata_fetch(struct catalog *catalog, int64_t row,
	sqlite3_stmt **ret_statement, const char **ret_text, size_t *ret_len)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_METADATA);

	sqlite3_bind_int64(statement, 1, row);

	int step = sqlite3_step(statement);

	if (step != SQLITE_ROW && step != SQLITE_DONE)
		return catalog_failed(catalog, "read");

	const char *text = "";
	size_t len = 0;

	if (step == SQLITE_ROW) {
		text = sqlite3_column_blob(statement, 0);
		len = (size_t)sqlite3_column_bytes(statement, 0);
		if (!text || !metadata_is_sound(text, len)) {
			sqlite3_reset(statement);
			return catalog_damaged(catalog, "return valid metadata");
		}
	}
	*ret_statement = statement;
	*ret_text = text;
	*ret_len = len;
	return 0;
}

int jobs_metadata(struct catalog *catalog, int64_t row, struct buf *text)
{
	sqlite3_stmt *statement = NULL;
	const char *found = "";
	size_t len = 0;
	int err = metadata_fetch(catalog, row, &statement, &found, &len);

	if (err)
		return err;
	buf_reset(text);
	err = buf_append(text, found, len);
	sqlite3_reset(statement);
	return err;
}

int jobs_match(struct catalog *catalog, const struct query *query,
	const struct catalog_job *job, bool *ret_matches)
{
	sqlite3_stmt *statement = NULL;
	const char *text = "";
	size_t len = 0;

	*ret_matches = query_matches(query, &job->job);
	if (!*ret_matches || !*query->metadata)
		return 0;

	int err = metadata_fetch(catalog, job->row, &statement, &text, &len);

	if (err)
		return err;
	*ret_matches = metadata_matches(query->metadata, text, len);
	sqlite3_reset(statement);
	return 0;
}
