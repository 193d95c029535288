/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <errno.h>
#include <time.h>

/*
 * The states of the transaction:
 *
 *            catalog_begin()           catalog_commit()
 *   none ───────────────────> open ───────────────────> none; it returns 0
 *                            │ ^ │
 *    no disk space: it stays └─┘ │ any failure: it is rolled back at once
 *    open, commit returns 0      v
 *                              none, `lost` is set: the next write begins another
 *                              transaction; the next catalog_commit() ends that one and
 *                              returns -EIO
 */

sqlite3_stmt *catalog_statement(struct catalog *catalog, enum statement which)
{
	sqlite3_stmt *statement = catalog->statements[which];

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return statement;
}

/* Runs a statement for its first row or its end. Returns SQLite's result code. */
static int transaction_run_once(struct catalog *catalog, enum statement which)
{
	int step = sqlite3_step(catalog_statement(catalog, which));

	sqlite3_reset(catalog->statements[which]);
	return step;
}

/*
 * Chooses where the next transaction keeps its journal. If the disk may become full, both
 * the journal and the changed pages stay in memory. Otherwise the journal is on disk. The
 * pages of a database file are even then written only by the commit, which first checks
 * for space; those of a temporary database can be written at any time, because otherwise
 * it would grow in memory without limit.
 */
static void transaction_choose_journal(struct catalog *catalog)
{
	if (!catalog->pages)
		catalog->pages = eviction_count_pages(catalog, SQL_PAGES);
	disk_space_update(catalog, catalog->pages);

	bool is_unsure = room_is_unsure(&catalog->room);

	if (room_is_low(&catalog->room))
		disk_space_report(catalog);
	if (is_unsure == catalog->unjournaled || catalog->unlinked)
		return;

	const char *settings =
		is_unsure ? "PRAGMA journal_mode = MEMORY; PRAGMA cache_spill = OFF"
		: catalog->db_file.path
			? "PRAGMA journal_mode = DELETE"
			: "PRAGMA journal_mode = DELETE; PRAGMA cache_spill = ON";

	if (sqlite3_exec(catalog->db, settings, NULL, NULL, NULL) == SQLITE_OK)
		catalog->unjournaled = is_unsure;
}

/*
 * True if the disk has space for the open transaction. If necessary, makes the file
 * smaller first by moving pages into those that evicted texts have freed.
 */
static bool transaction_has_room(struct catalog *catalog)
{
	int64_t pages = eviction_count_pages(catalog, SQL_PAGES);

	disk_space_update(catalog, pages);
	if (catalog->room.closed)
		return false;
	for (;; pages = eviction_count_pages(catalog, SQL_PAGES)) {
		int64_t growth = (pages - catalog->pages) * catalog->page_size;

		if (growth <= 0 || growth <= catalog->room.left)
			return true;
		if (!catalog->unjournaled ||
			!eviction_count_pages(catalog, SQL_FREE_PAGES) ||
			eviction_vacuum(catalog))
			return false;
	}
}

/*
 * Commits the open transaction. Returns 0, -ENOSPC if there is no space, or -EIO.
 *
 * If the process dies while it writes without a journal on disk, it leaves a torn file.
 * The crash marker says so until the commit is over (crash_marker.h).
 */
static int transaction_commit(struct catalog *catalog)
{
	bool doubtful = catalog->unjournaled && catalog->db_file.path &&
			!catalog->unlinked;

	if (!transaction_has_room(catalog) ||
		(doubtful && crash_marker_doubt(&catalog->crash_marker, true))) {
		disk_space_report(catalog);
		catalog->unsaved = true;
		return -ENOSPC;
	}

	int64_t pages = eviction_count_pages(catalog, SQL_PAGES);
	int err = catalog_run(catalog, catalog_statement(catalog, SQL_COMMIT));

	/* If the commit failed, the rollback has restored the file by now. */
	if (doubtful)
		crash_marker_doubt(&catalog->crash_marker, false);
	if (!err)
		catalog->pages = pages;
	return err;
}

/* Rolls the open transaction back and reserves the rows that it returned. */
static void transaction_lose(struct catalog *catalog)
{
	texts_discard(catalog);
	/* After some errors SQLite has already rolled back by itself. */
	if (!sqlite3_get_autocommit(catalog->db))
		transaction_run_once(catalog, SQL_ROLLBACK);
	catalog->in_transaction = false;
	catalog->unsaved = false;
	catalog->lost = true;
	/* Among the writes may be a text that a reader has read already. */
	catalog->dropped_ms = texts_now(catalog);
	catalog->change = (struct totals_change){0};
	if (catalog->last_row > catalog->reserved_rowid)
		catalog->reserved_rowid = catalog->last_row;
	catalog->last_row = 0;
}

/*
 * Continues after the file was renamed or removed. Another file may have its name by now,
 * and SQLite finds journals by name, so it must not take the journal of that file for
 * ours. Therefore we keep our journal in memory, which is safe because no process opens
 * our file after us. We also keep the file locked, because SQLite looks for a journal
 * when it takes the first lock.
 */
static void transaction_go_on_alone(struct catalog *catalog)
{
	static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE;"
				       "PRAGMA journal_mode = MEMORY;"
				       "SELECT * FROM totals;";

	catalog->unlinked = true;
	sqlite3_exec(catalog->db, settings, NULL, NULL, NULL);
}

/* Returns what the user can do about an error, for the message. */
static const char *transaction_advice(const struct catalog *catalog, int code)
{
	if (schema_is_damage(code) || catalog->unlinked)
		return "unmount and mount again, which creates a new one";
	if (code == SQLITE_BUSY)
		return "check for another mount of this account that hangs";
	if (code == SQLITE_NOMEM)
		return "close other programs and try again";
	return catalog->db_file.path
		       ? "free space on its disk, or mount with -o cache=off"
		       : "free space in $TMPDIR or /var/tmp";
}

int catalog_wait_for_other(void *ctx, int tries)
{
	const struct timespec step = {.tv_nsec = tries < 10 ? 100000 : 1000000};
	struct catalog *catalog = ctx;
	int64_t now_ms = clock_mono_ms(&clock_system);

	if (!tries)
		catalog->busy_ms = now_ms;
	if (catalog->lock_timed_out || now_ms - catalog->busy_ms >= CATALOG_BUSY_MS)
		return 0;
	nanosleep(&step, NULL);
	catalog->waited_ms += clock_mono_ms(&clock_system) - now_ms;
	return 1;
}

int64_t catalog_waited_ms(const struct catalog *catalog)
{
	return catalog->waited_ms;
}

int64_t catalog_dropped_ms(struct catalog *catalog)
{
	struct catalog_totals totals;

	/* Texts beyond the maximum will be evicted when the headroom ends. */
	if (catalog->headroom) {
		catalog_totals(catalog, &totals);
		if (totals.text_bytes > catalog->texts_max)
			return texts_now(catalog);
	}
	return catalog->dropped_ms;
}

bool catalog_is_unsaved(const struct catalog *catalog)
{
	return catalog->unsaved;
}

/* True if the file was renamed or removed and we have not noticed yet. */
static bool transaction_is_moved(const struct catalog *catalog)
{
	return catalog->db_file.path && !catalog->unlinked &&
	       db_file_is_moved(&catalog->db_file);
}

/* Logs that the file was moved or removed, perhaps by a user, and goes on with it. */
static void transaction_stay_moved(struct catalog *catalog)
{
	log_warning(catalog->log,
		"the cache %s was moved or removed while it was in use: this mount keeps "
		"using it, but its contents will be lost; unmount and mount again",
		catalog->db_file.path);
	transaction_go_on_alone(catalog);
}

/* Renames the damaged file, so that the next mount creates a new one. */
static void transaction_set_aside(struct catalog *catalog)
{
	int lock = db_file_lock(&catalog->db_file);

	db_file_set_aside(&catalog->db_file, catalog->log, PLACE_DAMAGED);
	db_file_unlock(lock);
	catalog->set_aside = true;
	transaction_go_on_alone(catalog);
}

bool catalog_read_begin(struct catalog *catalog)
{
	if (catalog->in_transaction || catalog->reading)
		return false;
	catalog->reading = transaction_run_once(catalog, SQL_BEGIN_READING) ==
			   SQLITE_DONE;
	return catalog->reading;
}

void catalog_read_end(struct catalog *catalog)
{
	if (!catalog->reading)
		return;
	catalog->reading = false;
	/* If SQLite has already ended the transaction, this fails without harm. */
	transaction_run_once(catalog, SQL_COMMIT);
}

/*
 * Handles an error with SQLite's result code `code`: logs that the database failed to
 * `what` because of `why`, and rolls back. Returns -EIO.
 */
static int transaction_fail(
	struct catalog *catalog, int code, const char *what, const char *errmsg)
{
	bool moved = transaction_is_moved(catalog);

	if (!moved && !catalog->error_logged)
		log_error(catalog->log, "the cache database failed to %s: %s; %s", what,
			errmsg, transaction_advice(catalog, code));
	catalog->error_logged = true;
	catalog_read_end(catalog);
	if (catalog->in_transaction)
		transaction_lose(catalog);
	if (moved)
		transaction_stay_moved(catalog);
	if (code == SQLITE_BUSY)
		catalog->lock_timed_out = true;
	disk_space_note_failure(catalog, code);
	if (schema_is_damage(code) && catalog->db_file.path && !catalog->set_aside)
		transaction_set_aside(catalog);
	return -EIO;
}

int catalog_failed(struct catalog *catalog, const char *what)
{
	return transaction_fail(
		catalog, sqlite3_errcode(catalog->db), what, sqlite3_errmsg(catalog->db));
}

int catalog_damaged(struct catalog *catalog, const char *what)
{
	return transaction_fail(
		catalog, SQLITE_CORRUPT, what, "gladiafs did not write it");
}

int catalog_run(struct catalog *catalog, sqlite3_stmt *statement)
{
	int step = sqlite3_step(statement);

	sqlite3_reset(statement);
	if (step != SQLITE_DONE)
		return catalog_failed(catalog, "write");
	return 0;
}

/*
 * Reserves the row numbers that a lost transaction returned. They may be members of an
 * open listing, where no other job must appear in their place.
 */
static int transaction_reserve_rows(struct catalog *catalog)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_RESERVE_ROWS);

	sqlite3_bind_int64(statement, 1, catalog->reserved_rowid);
	return catalog_run(catalog, statement);
}

/* Begins a transaction. Returns SQLite's result code. */
static int transaction_begin(struct catalog *catalog)
{
	catalog_read_end(catalog);
	transaction_choose_journal(catalog);

	int step = transaction_run_once(catalog, SQL_BEGIN);

	catalog->in_transaction = step == SQLITE_DONE;
	if (catalog->in_transaction)
		catalog->pages = eviction_count_pages(catalog, SQL_PAGES);
	return step;
}

int catalog_begin(struct catalog *catalog)
{
	if (catalog->in_transaction)
		return 0;

	int step = transaction_begin(catalog);

	/* Wait only once for a mount that hangs, because the whole event loop waits. */
	catalog->lock_timed_out = step == SQLITE_BUSY;
	if (step != SQLITE_DONE)
		return catalog_failed(catalog, "write");
	return catalog->reserved_rowid ? transaction_reserve_rows(catalog) : 0;
}

bool catalog_try_begin(struct catalog *catalog)
{
	if (catalog->in_transaction)
		return true;

	bool impatient = catalog->lock_timed_out;

	catalog->lock_timed_out = true;

	bool begun = transaction_begin(catalog) == SQLITE_DONE;

	catalog->lock_timed_out = impatient;
	return begun &&
	       (!catalog->reserved_rowid || transaction_reserve_rows(catalog) == 0);
}

/*
 * Adds the changes of the transaction to the totals. Returns 0 and the size of all texts,
 * or -EIO.
 */
static int transaction_write_totals(struct catalog *catalog, uint64_t *ret_text_bytes)
{
	struct totals_change *change = &catalog->change;
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_TOTALS_ADD);

	sqlite3_bind_int64(statement, 1, change->jobs);
	sqlite3_bind_int64(statement, 2, change->bytes);
	sqlite3_bind_int64(statement, 3, change->text_bytes);

	int step = sqlite3_step(statement);
	int64_t text_bytes = sqlite3_column_int64(statement, 0);

	sqlite3_reset(statement);
	if (step == SQLITE_DONE)
		return catalog_damaged(catalog, "count");
	if (step != SQLITE_ROW)
		return catalog_failed(catalog, "write");
	*change = (struct totals_change){0};
	*ret_text_bytes = text_bytes > 0 ? (uint64_t)text_bytes : 0;
	return 0;
}

static bool transaction_is_changed(const struct totals_change *change)
{
	return change->jobs || change->bytes || change->text_bytes;
}

/*
 * Prepares a commit: updates the totals, and evicts texts if there are too many. Returns
 * 0 or -EIO.
 */
static int transaction_settle(struct catalog *catalog)
{
	int err = texts_flush(catalog);
	struct totals_change added = catalog->change;
	uint64_t text_bytes;

	if (err || !transaction_is_changed(&added))
		return err;
	err = transaction_write_totals(catalog, &text_bytes);
	if (!err && added.text_bytes > 0)
		err = eviction_trim(catalog, text_bytes, (uint64_t)added.text_bytes);
	if (!err && transaction_is_changed(&catalog->change))
		err = transaction_write_totals(catalog, &text_bytes);
	if (!err)
		eviction_check(catalog, text_bytes);
	return err;
}

int catalog_commit(struct catalog *catalog)
{
	catalog_read_end(catalog);
	if (catalog->in_transaction && transaction_settle(catalog) == 0 &&
		transaction_commit(catalog) == 0) {
		catalog->in_transaction = false;
		catalog->unsaved = false;
		catalog->last_row = 0;
		catalog->reserved_rowid = 0;
		catalog->error_logged = catalog->lost || catalog->set_aside;
	}
	if (transaction_is_moved(catalog) && !catalog->in_transaction)
		transaction_stay_moved(catalog);

	bool lost = catalog->lost;

	catalog->lost = false;
	return lost ? -EIO : 0;
}

void catalog_totals(struct catalog *catalog, struct catalog_totals *ret_totals)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_TOTALS);
	int64_t jobs = 0;
	int64_t bytes = 0;
	int64_t text_bytes = 0;

	if (sqlite3_step(statement) == SQLITE_ROW) {
		jobs = sqlite3_column_int64(statement, 0) + catalog->change.jobs;
		bytes = sqlite3_column_int64(statement, 1) + catalog->change.bytes;
		text_bytes = sqlite3_column_int64(statement, 2) +
			     catalog->change.text_bytes;
	}
	sqlite3_reset(statement);
	*ret_totals = (struct catalog_totals){
		.jobs = jobs > 0 ? (uint64_t)jobs : 0,
		.bytes = bytes > 0 ? (uint64_t)bytes : 0,
		.text_bytes = text_bytes > 0 ? (uint64_t)text_bytes : 0,
	};
}
