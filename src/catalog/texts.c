/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/param.h>

#include "catalog/jobs.h"
#include "internal.h"

/*
 * Stores, reads and evicts the texts of jobs. A text is stored in compressed chunks, so
 * that reading a part of a large text costs no more than that part and needs no more
 * memory than one chunk. The chunks of a job have consecutive numbers.
 */
enum { ROW_CHUNKS = 8192 };

_Static_assert((int64_t)CHUNK_SIZE *ROW_CHUNKS == JOB_TEXT_MAX, "chunks are numbered");

enum {
	/* The time of last use is updated at most this often, so that most reads need no
	 * write. */
	USED_STEP_MS = 300 * 1000,
	/* The text of an unfinished job counts as used this much later than it was. */
	UNFINISHED_STAYS_MS = 24 * 3600 * 1000,
	/* A retired text counts as used this much earlier than it was. */
	RETIRED_AGE_MS = 7 * 24 * 3600 * 1000,
};

int64_t texts_now(const struct catalog *catalog)
{
	int64_t now_ms = clock_wall_ms(catalog->clock);

	return now_ms > 0 ? now_ms : 0;
}

int64_t texts_used(const struct catalog *catalog, const struct job *job)
{
	return texts_now(catalog) + (job_finished(job) ? 0 : UNFINISHED_STAYS_MS);
}

/* Writes the oldest chunk of the compressor's queue. Returns false if that is empty. */
static bool texts_write_chunk(struct catalog *catalog, int *ret_err)
{
	int64_t number;
	const char *stored;
	size_t len;

	if (!compressor_take(catalog->compressor, &number, &stored, &len))
		return false;

	sqlite3_stmt *statement = catalog_statement(catalog, SQL_CHUNK_PUT);

	sqlite3_bind_int64(statement, 1, number);
	sqlite3_bind_blob64(statement, 2, stored, len, SQLITE_STATIC);
	*ret_err = catalog_run(catalog, statement);
	sqlite3_clear_bindings(statement);
	if (!*ret_err && number < 0)
		catalog->spool_bytes += (int64_t)len;
	else if (!*ret_err)
		catalog->change.text_bytes += (int64_t)len;
	return true;
}

int texts_flush(struct catalog *catalog)
{
	int err = 0;

	while (!err && texts_write_chunk(catalog, &err))
		;
	return err;
}

void texts_discard(struct catalog *catalog)
{
	int64_t number;
	const char *stored;
	size_t len;

	while (compressor_take(catalog->compressor, &number, &stored, &len))
		;
}

int texts_put_chunk(
	struct catalog *catalog, int64_t number, const char *chunk, size_t len)
{
	int err = 0;

	while (!err && !compressor_put(catalog->compressor, number, chunk, len))
		texts_write_chunk(catalog, &err);
	return err;
}

int texts_put(struct catalog *catalog, int64_t row, const char *text, size_t size)
{
	int err = 0;

	for (size_t at = 0; at < size && !err; at += CHUNK_SIZE) {
		int64_t number = row * ROW_CHUNKS + (int64_t)(at / CHUNK_SIZE);
		size_t len = size - at < CHUNK_SIZE ? size - at : CHUNK_SIZE;

		err = texts_put_chunk(catalog, number, text + at, len);
	}
	return err;
}

int texts_run_delete(struct catalog *catalog, sqlite3_stmt *statement, int64_t *ret_freed)
{
	int64_t freed = 0;
	int step;

	while ((step = sqlite3_step(statement)) == SQLITE_ROW)
		freed += sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	if (step != SQLITE_DONE)
		return catalog_failed(catalog, "write");
	*ret_freed = freed;
	return 0;
}

int texts_delete_chunks(
	struct catalog *catalog, int64_t from, int64_t to, int64_t *ret_freed)
{
	int err = texts_flush(catalog);

	if (err)
		return err;

	sqlite3_stmt *statement = catalog_statement(catalog, SQL_CHUNKS_DELETE);

	sqlite3_bind_int64(statement, 1, from);
	sqlite3_bind_int64(statement, 2, to);
	return texts_run_delete(catalog, statement, ret_freed);
}

int texts_delete(struct catalog *catalog, int64_t row)
{
	int64_t freed;
	int err = texts_delete_chunks(
		catalog, row * ROW_CHUNKS, (row + 1) * ROW_CHUNKS, &freed);

	if (!err)
		catalog->change.text_bytes -= freed;
	return err;
}

/* Called with the requested bytes, chunk by chunk. Returns false to stop. */
typedef bool visit_fn(void *ctx, const void *bytes, size_t len);

/* Calls `visit` for `len` bytes of a job's text from `offset` on. Returns 0 or -EIO. */
static int texts_visit_chunks(struct catalog *catalog, int64_t row, uint64_t offset,
	size_t len, visit_fn *visit, void *ctx)
{
	int64_t chunk = row * ROW_CHUNKS + (int64_t)(offset / CHUNK_SIZE);
	size_t skip = offset % CHUNK_SIZE;
	int err = texts_flush(catalog);

	if (err)
		return err;

	sqlite3_stmt *statement = catalog_statement(catalog, SQL_CHUNKS);

	sqlite3_bind_int64(statement, 1, chunk);
	sqlite3_bind_int64(statement, 2, (row + 1) * ROW_CHUNKS);
	for (bool more = true; more && len; chunk++, skip = 0) {
		int step = sqlite3_step(statement);
		size_t take = len < CHUNK_SIZE - skip ? len : CHUNK_SIZE - skip;

		if (step != SQLITE_ROW && step != SQLITE_DONE) {
			err = catalog_failed(catalog, "read");
			break;
		}

		const char *stored = sqlite3_column_blob(statement, 1);
		size_t there = (size_t)sqlite3_column_bytes(statement, 1);
		const char *bytes = compressor_unpack(
			catalog->compressor, stored, there, &there);

		if (step == SQLITE_DONE || sqlite3_column_int64(statement, 0) != chunk ||
			!bytes || there < skip + take) {
			err = catalog_damaged(catalog, "return a complete text");
			break;
		}
		more = visit(ctx, bytes + skip, take);
		len -= take;
	}
	sqlite3_reset(statement);
	return err;
}

/* A visit_fn that copies the bytes to the pointer in `ctx`, and advances that. */
static bool texts_copy_bytes(void *ctx, const void *bytes, size_t len)
{
	char **to = ctx;

	memcpy(*to, bytes, len);
	*to += len;
	return true;
}

struct comparison {
	const char *text; /* the rest of the text to compare with */
	bool equal;       /* all bytes so far were equal */
};

/* A visit_fn that compares the bytes with the struct comparison in `ctx`. */
static bool texts_compare_bytes(void *ctx, const void *bytes, size_t len)
{
	struct comparison *comparison = ctx;

	comparison->equal = memcmp(comparison->text, bytes, len) == 0;
	comparison->text += len;
	return comparison->equal;
}

int texts_equal(struct catalog *catalog, int64_t row, const char *text, size_t size,
	bool *ret_equal)
{
	struct comparison comparison = {.text = text, .equal = true};
	int err = texts_visit_chunks(
		catalog, row, 0, size, texts_compare_bytes, &comparison);

	if (!err)
		*ret_equal = comparison.equal;
	return err;
}

/* Sets the time of last use; `used` is -1 if the job has no text any more. */
static int texts_set_used(struct catalog *catalog, int64_t row, int64_t used)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_USED);

	sqlite3_bind_int64(statement, 1, row);
	if (used >= 0)
		sqlite3_bind_int64(statement, 2, used);
	return catalog_run(catalog, statement);
}

/*
 * Reads a job's text. `head` is a statement at the job's row that is not reset yet: its
 * read transaction is still open, so the row and the text are from the same version.
 */
static int texts_read_text(struct catalog *catalog, const struct catalog_job *job,
	sqlite3_stmt *head, uint64_t offset, void *data, size_t len, size_t *ret_len)
{
	uint64_t node = (uint64_t)sqlite3_column_int64(head, 0);
	bool deleted = sqlite3_column_int64(head, 1) < 0;
	int64_t size = sqlite3_column_int64(head, 2);
	bool has_text = sqlite3_column_type(head, 3) != SQLITE_NULL;

	if (deleted || node != job->node)
		return -ESTALE;
	if (!has_text || size < 0)
		return -ENODATA;

	uint64_t there = offset < (uint64_t)size ? (uint64_t)size - offset : 0;

	*ret_len = there < len ? (size_t)there : len;
	return texts_visit_chunks(
		catalog, job->row, offset, *ret_len, texts_copy_bytes, &data);
}

int texts_read(struct catalog *catalog, const struct catalog_job *job, uint64_t offset,
	void *data, size_t len, size_t *ret_len)
{
	sqlite3_stmt *head = catalog_statement(catalog, SQL_TEXT_HEAD);

	sqlite3_bind_int64(head, 1, job->row);

	int step = sqlite3_step(head);
	size_t copied;

	if (step == SQLITE_DONE)
		return -ESTALE;
	if (step != SQLITE_ROW)
		return catalog_failed(catalog, "read");

	int64_t used = sqlite3_column_int64(head, 3);
	int err = texts_read_text(catalog, job, head, offset, data, len, &copied);

	sqlite3_reset(head);
	if (err)
		return err;
	/* An error is ignored here, because the bytes have been read. */
	if (texts_now(catalog) - used >= USED_STEP_MS && catalog_try_begin(catalog))
		texts_set_used(catalog, job->row, texts_now(catalog));
	*ret_len = copied;
	return 0;
}

void texts_retire(struct catalog *catalog, int64_t row)
{
	int64_t now_ms = texts_now(catalog);

	if (!catalog_try_begin(catalog))
		return;

	sqlite3_stmt *statement = catalog_statement(catalog, SQL_JOB_RETIRE);

	sqlite3_bind_int64(statement, 1, row);
	sqlite3_bind_int64(statement, 2, MAX(now_ms - RETIRED_AGE_MS, 0));
	if (!catalog_run(catalog, statement))
		catalog->retired_ms = now_ms;
}

/* Updates `dropped_ms` for an evicted text. The table may say too early a time of use. */
static void texts_note_dropped(struct catalog *catalog, int64_t used_ms)
{
	bool retired = catalog->retired_ms &&
		       used_ms <= catalog->retired_ms - RETIRED_AGE_MS;
	int64_t last_ms = (retired ? catalog->retired_ms : used_ms) + USED_STEP_MS;

	catalog->dropped_ms = MAX(catalog->dropped_ms, last_ms);
}

int texts_evict(struct catalog *catalog, uint64_t text_bytes, uint64_t max)
{
	while (text_bytes > max) {
		sqlite3_stmt *statement = catalog_statement(catalog, SQL_TEXTS_OLDEST);

		int step = sqlite3_step(statement);

		if (step == SQLITE_DONE)
			return catalog_damaged(catalog, "count");
		if (step != SQLITE_ROW)
			return catalog_failed(catalog, "read");

		int64_t row = sqlite3_column_int64(statement, 0);
		int64_t used_ms = sqlite3_column_int64(statement, 1);
		int64_t before = catalog->change.text_bytes;
		bool last = sqlite3_step(statement) != SQLITE_ROW;

		sqlite3_reset(statement);
		if (last)
			return 0;

		int err = texts_delete(catalog, row);

		if (!err)
			err = texts_set_used(catalog, row, -1);
		if (err)
			return err;
		texts_note_dropped(catalog, used_ms);

		uint64_t freed = (uint64_t)(before - catalog->change.text_bytes);

		text_bytes -= freed < text_bytes ? freed : text_bytes;
	}
	return 0;
}
