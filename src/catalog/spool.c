/* SPDX-License-Identifier: MIT */
#include "catalog/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "internal.h"

/*
 * A spooled file is one chunk with a negative number, which no text has. Before its bytes
 * it has the node of the job's version. The lowest bits of a node are clear, so a chunk
 * never begins with the byte 1 (compressor.h).
 */
enum { HEAD = sizeof(uint64_t) };

_Static_assert(HEAD + SPOOL_FILE_MAX <= CHUNK_SIZE, "a file fits in a chunk");

static int64_t spool_number(int64_t row, unsigned file)
{
	return -(row * (JOB_FILES_MASK + 1) + (int64_t)file);
}

/* Subtracts what a deletion has freed from the size of the spool. */
static void spool_shrink(struct catalog *catalog, int64_t freed)
{
	catalog->spool_bytes -= freed < catalog->spool_bytes ? freed
							     : catalog->spool_bytes;
}

static int spool_delete(struct catalog *catalog, int64_t from, int64_t to)
{
	int64_t freed;
	int err = texts_delete_chunks(catalog, from, to, &freed);

	if (!err)
		spool_shrink(catalog, freed);
	return err;
}

int spool_delete_job(struct catalog *catalog, int64_t row)
{
	return spool_delete(
		catalog, spool_number(row, JOB_FILES_MASK), spool_number(row, 0) + 1);
}

/* Deletes files until the spool is no larger than it may be. */
static int spool_evict(struct catalog *catalog)
{
	while ((uint64_t)catalog->spool_bytes > catalog->texts_max / 2) {
		sqlite3_stmt *statement = catalog_statement(catalog, SQL_SPOOL_EVICT);
		int64_t freed;
		int err = texts_run_delete(catalog, statement, &freed);

		if (err)
			return err;
		/* Another process may have deleted them. */
		spool_shrink(catalog, freed ? freed : catalog->spool_bytes);
	}
	return 0;
}

void spool_put(struct catalog *catalog, const struct catalog_job *job, unsigned file,
	const char *text, size_t len)
{
	int64_t number = spool_number(job->row, file);
	CLEANUP_FREE char *chunk = NULL;

	if (len > SPOOL_FILE_MAX || room_is_low(&catalog->room) ||
		!catalog_try_begin(catalog))
		return;
	chunk = malloc(HEAD + len);
	if (!chunk || spool_evict(catalog) || spool_delete(catalog, number, number + 1))
		return;
	memcpy(chunk, &job->node, HEAD);
	if (len)
		memcpy(chunk + HEAD, text, len);
	texts_put_chunk(catalog, number, chunk, HEAD + len);
}

/* Copies a file out of the spool. Returns as spool_take() does. */
static int spool_copy(struct catalog *catalog, const struct catalog_job *job,
	int64_t number, struct buf *text)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_CHUNKS);

	sqlite3_bind_int64(statement, 1, number);
	sqlite3_bind_int64(statement, 2, number + 1);

	int step = sqlite3_step(statement);

	if (step == SQLITE_DONE)
		return -ENODATA;
	if (step != SQLITE_ROW)
		return catalog_failed(catalog, "read");

	const char *stored = sqlite3_column_blob(statement, 1);
	size_t len = (size_t)sqlite3_column_bytes(statement, 1);
	const char *chunk = compressor_unpack(catalog->compressor, stored, len, &len);
	int err;

	if (!chunk || len < HEAD)
		err = catalog_damaged(catalog, "return a complete text");
	else if (memcmp(chunk, &job->node, HEAD) != 0)
		err = -ENODATA;
	else
		err = buf_append(text, chunk + HEAD, len - HEAD);
	sqlite3_reset(statement);
	return err;
}

int spool_take(struct catalog *catalog, const struct catalog_job *job, unsigned file,
	struct buf *text)
{
	int64_t number = spool_number(job->row, file);
	int err = texts_flush(catalog);

	/* Most readers spool nothing. */
	if (!err && !catalog->spool_bytes)
		err = -ENODATA;
	if (!err)
		err = spool_copy(catalog, job, number, text);
	/* If it stays, it will be displaced. */
	if (!err && catalog_try_begin(catalog))
		spool_delete(catalog, number, number + 1);
	return err;
}
