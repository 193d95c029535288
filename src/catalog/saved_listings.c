/* SPDX-License-Identifier: MIT */
#include "catalog/saved_listings.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "internal.h"

/*
 * We read and write the rows through SQLite's incremental blobs. A listing of a million
 * jobs has 8 MB, and this way we need no second copy of it beside the caller's array.
 */
enum { CHUNK_ROWS = 512 };

_Static_assert(sizeof(int64_t) == LISTING_ROW_BYTES, "a row is stored as one int64_t");

/* Opens the rows of a listing as a blob. Returns 0 or -EIO. */
static int saved_open_rows(
	struct catalog *catalog, int64_t listing, bool write, sqlite3_blob **ret_blob)
{
	int code = sqlite3_blob_open(
		catalog->db, "main", "listings", "rows", listing, write, ret_blob);

	return code == SQLITE_OK ? 0 : catalog_failed(catalog, "open a listing");
}

/* Writes the rows into a blob in chunks. Returns SQLite's result code. */
static int saved_write_rows(sqlite3_blob *blob, const int64_t *rows, size_t len)
{
	uint64_t chunk[CHUNK_ROWS];

	for (size_t at = 0; at < len; at += CHUNK_ROWS) {
		size_t count = len - at < CHUNK_ROWS ? len - at : CHUNK_ROWS;

		for (size_t i = 0; i < count; i++)
			chunk[i] = htole64((uint64_t)rows[at + i]);

		int code = sqlite3_blob_write(blob, chunk,
			(int)(count * LISTING_ROW_BYTES), (int)(at * LISTING_ROW_BYTES));

		if (code != SQLITE_OK)
			return code;
	}
	return SQLITE_OK;
}

/* Inserts a listing with room for `len` rows. Returns 0 or -EIO. */
static int saved_insert_listing(struct catalog *catalog, const char *key,
	const struct catalog_listing *listing, size_t len)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_LISTING_INSERT);

	sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 2, listing->completed_ms);
	sqlite3_bind_int(statement, 3, listing->ordered);
	sqlite3_bind_int64(statement, 4, (int64_t)(len * LISTING_ROW_BYTES));

	int err = catalog_run(catalog, statement);

	sqlite3_clear_bindings(statement);
	return err;
}

int saved_listings_save(struct catalog *catalog, const char *key,
	const struct catalog_listing *listing, const int64_t *rows, size_t len)
{
	int err = saved_listings_forget(catalog, key);

	if (err || len > LISTING_BYTES_MAX / LISTING_ROW_BYTES)
		return err;
	err = saved_insert_listing(catalog, key, listing, len);
	if (err)
		return err;

	sqlite3_blob *blob;

	err = saved_open_rows(
		catalog, sqlite3_last_insert_rowid(catalog->db), true, &blob);
	if (err)
		return err;
	if (saved_write_rows(blob, rows, len) != SQLITE_OK)
		err = catalog_failed(catalog, "write");
	sqlite3_blob_close(blob);
	if (err)
		return err;
	return catalog_run(catalog, catalog_statement(catalog, SQL_LISTINGS_TRIM));
}

/* Decodes the rows of a blob in place. Returns false if one is not a row number. */
static bool saved_decode_rows(int64_t *rows, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		rows[i] = (int64_t)le64toh((uint64_t)rows[i]);
		if (rows[i] <= 0)
			return false;
	}
	return true;
}

/*
 * Reads the rows of a listing; the caller frees the array. Returns 0, -EINVAL if they are
 * malformed, -ENOMEM or -EIO.
 */
static int saved_read_rows(
	struct catalog *catalog, int64_t listing, int64_t **ret_rows, size_t *ret_len)
{
	sqlite3_blob *blob;
	int err = saved_open_rows(catalog, listing, false, &blob);

	if (err)
		return err;

	int bytes = sqlite3_blob_bytes(blob);
	size_t len = (size_t)bytes / LISTING_ROW_BYTES;
	CLEANUP_FREE int64_t *rows = NULL;

	if (bytes % LISTING_ROW_BYTES || bytes > LISTING_BYTES_MAX)
		err = -EINVAL;
	else
		rows = malloc((size_t)bytes + !bytes);
	if (!err && !rows)
		err = -ENOMEM;
	if (!err && sqlite3_blob_read(blob, rows, bytes, 0) != SQLITE_OK)
		err = catalog_failed(catalog, "read");
	if (!err && !saved_decode_rows(rows, len))
		err = -EINVAL;
	sqlite3_blob_close(blob);
	if (err)
		return err;
	*ret_rows = cleanup_take(&rows);
	*ret_len = len;
	return 0;
}

int saved_listings_load(struct catalog *catalog, const char *key,
	struct catalog_listing *ret_listing, int64_t **ret_rows, size_t *ret_len)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_LISTING_BY_KEY);

	sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);

	int step = sqlite3_step(statement);

	if (step == SQLITE_DONE)
		return -ENOENT;
	if (step != SQLITE_ROW)
		return catalog_failed(catalog, "read");

	int64_t number = sqlite3_column_int64(statement, 0);
	struct catalog_listing listing = {
		.completed_ms = sqlite3_column_int64(statement, 1),
		.ordered = sqlite3_column_int(statement, 2) != 0,
	};
	bool is_blob = sqlite3_column_int(statement, 3) != 0;
	/* The statement is not reset yet. Its read transaction is still open, so that the
	 * rows belong to this listing even if another mount is replacing it. */
	int err = is_blob ? saved_read_rows(catalog, number, ret_rows, ret_len) : -EINVAL;

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	if (err == -EINVAL) {
		saved_listings_forget(catalog, key);
		return -ENOENT;
	}
	if (!err)
		*ret_listing = listing;
	return err;
}

int saved_listings_forget(struct catalog *catalog, const char *key)
{
	int err = catalog_begin(catalog);

	if (err)
		return err;

	sqlite3_stmt *statement = catalog_statement(catalog, SQL_LISTING_DELETE);

	sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
	err = catalog_run(catalog, statement);
	sqlite3_clear_bindings(statement);
	return err;
}

int saved_listings_forget_all(struct catalog *catalog)
{
	int err = catalog_begin(catalog);

	if (err)
		return err;
	return catalog_run(catalog, catalog_statement(catalog, SQL_LISTINGS_CLEAR));
}

int newest_save(struct catalog *catalog, uint64_t listing, int64_t changed_ms)
{
	int err = catalog_begin(catalog);

	if (err)
		return err;

	sqlite3_stmt *statement = catalog_statement(catalog, SQL_NEWEST_PUT);

	sqlite3_bind_int64(statement, 1, (int64_t)listing);
	sqlite3_bind_int64(statement, 2, changed_ms);
	err = catalog_run(catalog, statement);
	if (err)
		return err;
	return catalog_run(catalog, catalog_statement(catalog, SQL_NEWEST_TRIM));
}

int newest_load(struct catalog *catalog, uint64_t listing, int64_t *ret_changed_ms)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_NEWEST);

	sqlite3_bind_int64(statement, 1, (int64_t)listing);

	int step = sqlite3_step(statement);

	if (step == SQLITE_DONE)
		return -ENOENT;
	if (step != SQLITE_ROW)
		return catalog_failed(catalog, "read");
	*ret_changed_ms = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return 0;
}
