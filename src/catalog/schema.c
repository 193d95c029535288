/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <errno.h>
#include <stdio.h>

/*
 * The schema, the SQL of all statements, and the settings of the connection. The tables:
 *
 * jobs      one row per job, in the order in which they were first seen, which is about
 *           the order in which a listing reads them; `ino` is derived from `id`;
 *           `node` is NULL for version 0, whose node is `ino`; `seen` is negative if the
 *           job is deleted; `used` is the time when its text was last read, NULL if it
 *           has no text; `facts` are those of struct job_facts, NULL if an older
 *           version stored the job; `name` is from view_name_number()
 * chunks    the texts in chunks, in a table of their own because listing a directory
 *           does not need them (texts.c), and the spool (spool.c)
 * metadata  the custom_metadata of each job as metadata_flatten() writes it; no row if
 *           a job has none or is deleted
 * listings  saved listings; `rows` are little-endian numbers of 8 bytes
 * totals    one row with sums over all jobs, so that df(1) and eviction need not count
 * newest    the newest change that each listing has shown (saved_listings.c)
 * account   one row with the API URL of the account, for gladiafs --cache
 */
enum { VERSION_MIN = 3, SCHEMA_VERSION = 7, APPLICATION_ID = 0x676c6164 /* "glad" */ };

_Static_assert(JOB_DONE == 2 && JOB_ERROR == 3, "statuses are kept as numbers");

static const char schema[] =
	"PRAGMA application_id = 1735156068;"
	"CREATE TABLE jobs("
	"	job INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	ino INTEGER NOT NULL,"
	"	node INTEGER,"
	"	version INTEGER NOT NULL,"
	"	id TEXT NOT NULL,"
	"	status INTEGER NOT NULL,"
	"	created INTEGER,"
	"	completed INTEGER,"
	"	size INTEGER NOT NULL,"
	"	seen INTEGER NOT NULL,"
	"	used INTEGER,"
	"	facts BLOB,"
	"	name INTEGER);"
	"CREATE UNIQUE INDEX jobs_by_ino ON jobs(ino);"
	"CREATE UNIQUE INDEX jobs_by_node ON jobs(node) WHERE node IS NOT NULL;"
	"CREATE INDEX jobs_by_name ON jobs(name, id) WHERE status = 2;"
	"CREATE INDEX jobs_by_use ON jobs(used) WHERE used IS NOT NULL;"
	"CREATE INDEX jobs_gone ON jobs(seen) WHERE seen < 0;"
	"CREATE INDEX jobs_unfinished ON jobs(job)"
	"	WHERE status NOT IN (2, 3) AND seen >= 0;"
	"INSERT INTO sqlite_sequence(name, seq) VALUES('jobs', 0);"
	"CREATE TABLE chunks(chunk INTEGER PRIMARY KEY, data BLOB NOT NULL);"
	"CREATE TABLE metadata(job INTEGER PRIMARY KEY, pairs BLOB NOT NULL);"
	"CREATE TABLE listings("
	"	listing INTEGER PRIMARY KEY,"
	"	key TEXT NOT NULL UNIQUE,"
	"	completed INTEGER NOT NULL,"
	"	ordered INTEGER NOT NULL,"
	"	rows BLOB NOT NULL);"
	"CREATE TABLE totals("
	"	jobs INTEGER, bytes INTEGER, text_bytes INTEGER);"
	"INSERT INTO totals VALUES(0, 0, 0);"
	"PRAGMA user_version = 7;";

/*
 * Changes of older versions, from the one in the index to the next. A program of such a
 * version that has the file open must not go on using it: it fails because it does not
 * find a table or column.
 */
static const char *const schema_changes[SCHEMA_VERSION] = {
	/* Version 3 stored the chunks as they are, which compressor_unpack() still
	 * reads. */
	[3] = "ALTER TABLE pieces RENAME TO chunks;"
	      "ALTER TABLE chunks RENAME COLUMN piece TO chunk;"
	      "PRAGMA user_version = 4;",
	/* Version 4 had its index of inode numbers in two tables. Their number of
	 * entries stays in the totals, unused. */
	[4] = "DROP TRIGGER jobs_came;"
	      "DROP TRIGGER jobs_went;"
	      "DROP TABLE inodes;"
	      "DROP TABLE inodes_recent;"
	      "CREATE UNIQUE INDEX jobs_by_ino ON jobs(ino);"
	      "PRAGMA user_version = 5;",
	/* Version 5 left only the two lowest bits of the numbers clear; 255 is
	 * JOB_FILES_MASK. */
	[5] = "ALTER TABLE totals RENAME COLUMN kept TO text_bytes;"
	      "UPDATE jobs SET ino = ino & ~255, node = node & ~255;"
	      "PRAGMA user_version = 6;",
	/* Version 6 had no facts. Without the saved listings, every job is read from the
	 * API once more, and its facts are stored then. */
	[6] = "ALTER TABLE jobs ADD COLUMN facts BLOB;"
	      "ALTER TABLE jobs ADD COLUMN name INTEGER;"
	      "CREATE INDEX jobs_by_name ON jobs(name, id) WHERE status = 2;"
	      "DELETE FROM listings;"
	      "PRAGMA user_version = 7;",
};

/*
 * This table was added without a new schema version: a file may lack it, and an older
 * program ignores it without harm.
 */
static const char schema_newest[] =
	"CREATE TABLE IF NOT EXISTS newest("
	"	listing INTEGER PRIMARY KEY, changed INTEGER NOT NULL)";

#define JOB_COLUMNS                                                                  \
	"job, ino, node, version, id, status, created, completed, size, seen, used," \
	" facts IS NOT NULL"

static const char *const texts[STATEMENTS] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_BEGIN_READING] = "BEGIN",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_RESERVE_ROWS] = "UPDATE sqlite_sequence SET seq = max(seq, ?1)"
			     " WHERE name = 'jobs'",
	[SQL_TOTALS] = "SELECT jobs, bytes, text_bytes FROM totals",
	[SQL_TOTALS_ADD] = "UPDATE totals SET jobs = jobs + ?1, bytes = bytes + ?2,"
			   " text_bytes = text_bytes + ?3 RETURNING text_bytes",
	[SQL_PAGES] = "PRAGMA page_count",
	[SQL_FREE_PAGES] = "PRAGMA freelist_count",
	/* 512 pages are 2 MiB (4 MiB in old files), which takes some milliseconds. */
	[SQL_VACUUM] = "PRAGMA incremental_vacuum(512)",
	[SQL_JOB_BY_ROW] = "SELECT " JOB_COLUMNS " FROM jobs WHERE job = ?1",
	[SQL_JOB_BY_INO] = "SELECT " JOB_COLUMNS " FROM jobs WHERE ino = ?1",
	/* 64 is JOBS_NEXT_MAX. */
	[SQL_JOBS_NEXT_BY_INO] =
		"SELECT job FROM jobs WHERE ino > ?1 ORDER BY ino LIMIT 64",
	[SQL_JOB_BY_NODE] = "SELECT " JOB_COLUMNS " FROM jobs WHERE node = ?1",
	[SQL_JOB_INSERT] =
		"INSERT INTO jobs(ino, version, id, status, created, completed, size,"
		" seen, used, facts, name)"
		" VALUES(?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[SQL_JOB_UPDATE] = "UPDATE jobs SET node = ?2, version = ?3, status = ?4,"
			   " created = ?5, completed = ?6, size = ?7, seen = ?8,"
			   " used = ?9, facts = coalesce(?10, facts),"
			   " name = coalesce(?11, name) WHERE job = ?1",
	[SQL_JOB_FACTS] = "SELECT facts FROM jobs WHERE job = ?1",
	[SQL_JOB_FACTS_CLEAR] = "UPDATE jobs SET facts = x'', name = NULL WHERE job = ?1",
	/* 2 and 3 are JOB_DONE and JOB_ERROR. The condition is that of the index. */
	[SQL_JOBS_UNFINISHED] = "SELECT job FROM jobs"
				" WHERE status NOT IN (2, 3) AND seen >= 0",
	[SQL_JOBS_SEEN_BEFORE] = "SELECT job FROM jobs WHERE seen >= 0 AND seen < ?1",
	/* 2 is JOB_DONE. The condition is that of the index. */
	[SQL_JOBS_BY_NAME] = "SELECT job FROM jobs WHERE status = 2 AND name = ?1"
			     " AND id >= ?2 AND id < ?3 AND seen >= 0"
			     " ORDER BY created DESC, id DESC",
	/* A job without a creation time matches only the span of all times (?4). */
	[SQL_JOBS_ANY] = "SELECT EXISTS(SELECT 1 FROM jobs WHERE seen > 0"
			 " AND (?1 >> status & 1) AND (created >= ?2 AND created < ?3"
			 " OR created IS NULL AND ?4))",
	[SQL_JOB_SEEN] = "UPDATE jobs SET seen = ?2 WHERE job = ?1 AND seen >= 0",
	[SQL_JOB_USED] = "UPDATE jobs SET used = ?2 WHERE job = ?1",
	/* The text of an unfinished job must stay: see texts_used(). */
	[SQL_JOB_RETIRE] = "UPDATE jobs SET used = ?2 WHERE job = ?1"
			   " AND used IS NOT NULL AND status IN (2, 3)",
	[SQL_TEXT_HEAD] =
		"SELECT coalesce(node, ino), seen, size, used FROM jobs WHERE job = ?1",
	[SQL_TEXTS_OLDEST] = "SELECT job, used FROM jobs WHERE used IS NOT NULL"
			     " ORDER BY used, job LIMIT 2",
	[SQL_CHUNKS] = "SELECT chunk, data FROM chunks WHERE chunk >= ?1 AND chunk < ?2"
		       " ORDER BY chunk",
	[SQL_CHUNK_PUT] = "INSERT INTO chunks(chunk, data) VALUES(?1, ?2)",
	[SQL_CHUNKS_DELETE] = "DELETE FROM chunks WHERE chunk >= ?1 AND chunk < ?2"
			      " RETURNING length(data)",
	[SQL_SPOOL_EVICT] = "DELETE FROM chunks WHERE chunk IN (SELECT chunk FROM chunks"
			    " WHERE chunk < 0 ORDER BY chunk LIMIT 64)"
			    " RETURNING length(data)",
	[SQL_METADATA] = "SELECT pairs FROM metadata WHERE job = ?1",
	[SQL_METADATA_PUT] = "REPLACE INTO metadata(job, pairs) VALUES(?1, ?2)",
	[SQL_METADATA_DELETE] = "DELETE FROM metadata WHERE job = ?1",
	[SQL_LISTING_BY_KEY] = "SELECT listing, completed, ordered, typeof(rows) = 'blob'"
			       " FROM listings WHERE key = ?1",
	[SQL_LISTING_INSERT] = "INSERT INTO listings(key, completed, ordered, rows)"
			       " VALUES(?1, ?2, ?3, zeroblob(?4))",
	[SQL_LISTING_DELETE] = "DELETE FROM listings WHERE key = ?1",
	[SQL_LISTINGS_CLEAR] = "DELETE FROM listings",
	/* 64 is SAVED_LISTINGS_MAX. */
	[SQL_LISTINGS_TRIM] = "DELETE FROM listings WHERE listing IN (SELECT listing"
			      " FROM listings ORDER BY completed DESC, listing DESC"
			      " LIMIT -1 OFFSET 64)",
	[SQL_NEWEST] = "SELECT changed FROM newest WHERE listing = ?1",
	[SQL_NEWEST_PUT] = "REPLACE INTO newest(listing, changed) VALUES(?1, ?2)",
	/* 4096 is NEWEST_MAX. */
	[SQL_NEWEST_TRIM] = "DELETE FROM newest WHERE listing IN (SELECT listing"
			    " FROM newest ORDER BY changed DESC LIMIT -1 OFFSET 4096)",
};

/*
 * Settings for a new file. Incremental vacuum lets eviction.c free unused pages. A
 * compressed text has about 5 kB: larger pages would be half empty, because only one of
 * them fits in 8 KiB, while the rest of a text that is longer than a page of 4 KiB fills
 * pages of its own.
 */
static const char layout[] = "PRAGMA page_size = 4096;"
			     "PRAGMA auto_vacuum = INCREMENTAL;";

/*
 * Settings of every connection.
 *
 * journal_mode: we use a rollback journal, not the write-ahead log. The log would cost no
 * more, but its checkpoints wait for the disk, so they would need a thread; and on a full
 * disk we could not even evict texts, because that needs space in the log. With DELETE, a
 * read only needs one access(2) to see that there is no journal; a truncated or zeroed
 * journal would be opened and read each time.
 *
 * cache_spill: pages are only written by the commit, which first checks for disk space
 * (transaction.c).
 *
 * synchronous: this is a cache, so a power cut may destroy it (crash_marker.h), but the
 * crash of a process may not. With NORMAL the event loop, and with it every reader, would
 * wait for the disk at each commit, which takes some 20 ms. It is FULL on a network or
 * FUSE filesystem, where the crash marker is not used.
 *
 * secure_delete: what is deleted is overwritten with zeros, so nothing that was evicted
 * is left of a job that the user deletes (SEMANTICS 10.1.6). We measured no cost.
 */
static const char settings[] = "PRAGMA journal_mode = DELETE;"
			       "PRAGMA cache_spill = OFF;"
			       "PRAGMA synchronous = OFF;"
			       "PRAGMA cache_size = -8192;" /* SCHEMA_CACHE_SIZE */
			       "PRAGMA cell_size_check = ON;"
			       "PRAGMA secure_delete = ON;";

bool schema_is_damage(int code)
{
	switch (code) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
	/* Our writes cannot violate a constraint unless an index is wrong. */
	case SQLITE_CONSTRAINT:
		return true;
	default:
		/* Temporary errors, which do not mean that the file is damaged. */
		return false;
	}
}

/* Returns the last error of the connection as -EUCLEAN, -ENOMEM or -EIO. */
static int schema_open_error(sqlite3 *db)
{
	int code = sqlite3_errcode(db);

	if (schema_is_damage(code))
		return -EUCLEAN;
	return code == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

static int schema_run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : schema_open_error(db);
}

/* Runs a query that returns one number. */
static int schema_read_number(sqlite3 *db, const char *sql, int64_t *ret_value)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		return schema_open_error(db);

	int step = sqlite3_step(statement);
	int err = step == SQLITE_ROW ? 0 : schema_open_error(db);

	*ret_value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return err;
}

/*
 * Checks whether the file is a database of ours or an empty one. Writes nothing, so that
 * a file of another program is not changed. Returns 0 and its schema version, -EUCLEAN if
 * it is neither, or another negative errno.
 */
static int schema_identify(sqlite3 *db, bool *ret_empty, int64_t *ret_version)
{
	int64_t tables, version, application;
	int err = schema_read_number(db, "SELECT count(*) FROM sqlite_master", &tables);

	if (!err)
		err = schema_read_number(db, "PRAGMA user_version", &version);
	if (!err)
		err = schema_read_number(db, "PRAGMA application_id", &application);
	if (err)
		return err;
	*ret_empty = !tables && !version && !application;
	*ret_version = version;
	return *ret_empty || (version >= VERSION_MIN && version <= SCHEMA_VERSION &&
				     application == APPLICATION_ID)
		       ? 0
		       : -EUCLEAN;
}

/*
 * Runs the statements in one transaction. If that fails, the caller closes the database,
 * which rolls back and keeps the error message until then.
 */
static int schema_change(sqlite3 *db, const char *sql)
{
	int err = schema_run(db, "BEGIN IMMEDIATE");

	if (err)
		return err;
	err = schema_run(db, sql);
	return err ? err : schema_run(db, "COMMIT");
}

/* Prepares all statements. Returns 0, -EUCLEAN if the schema is not ours, or an error. */
static int schema_prepare(struct catalog *catalog)
{
	for (unsigned i = 0; i < STATEMENTS; i++) {
		int code = sqlite3_prepare_v3(catalog->db, texts[i], -1,
			SQLITE_PREPARE_PERSISTENT, &catalog->statements[i], NULL);

		/* SQLITE_ERROR means that a table or column is missing. */
		if (code != SQLITE_OK)
			return code == SQLITE_ERROR ? -EUCLEAN
						    : schema_open_error(catalog->db);
	}
	return 0;
}

int schema_open(struct catalog *catalog, const char *path)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
	int64_t version;
	bool empty;

	if (!*path)
		flags |= SQLITE_OPEN_CREATE;
	if (vfs_open(catalog, path, flags) != SQLITE_OK)
		return schema_open_error(catalog->db);
	sqlite3_busy_handler(catalog->db, catalog_wait_for_other, catalog);

	int err = schema_identify(catalog->db, &empty, &version);

	if (!err && empty)
		err = schema_run(catalog->db, layout);
	if (!err)
		err = schema_run(catalog->db, settings);
	if (!err && catalog->db_file.is_remote)
		err = schema_run(catalog->db, "PRAGMA synchronous = FULL");
	if (!err && empty)
		err = schema_change(catalog->db, schema);
	for (; !err && !empty && version < SCHEMA_VERSION; version++)
		err = schema_change(catalog->db, schema_changes[version]);
	if (!err)
		err = schema_run(catalog->db, schema_newest);
	if (!err)
		err = schema_read_number(
			catalog->db, "PRAGMA page_size", &catalog->page_size);
	if (!err)
		err = schema_prepare(catalog);
	/* Drop what earlier mounts have left: rows of deleted jobs, and the spool. If the
	 * file is locked, the next mount will do it. */
	if (!err)
		sqlite3_exec(catalog->db,
			"DELETE FROM jobs WHERE seen < 0;"
			"DELETE FROM chunks WHERE chunk < 0;",
			NULL, NULL, NULL);
	return err;
}

void schema_store_origin(const struct catalog *catalog, const char *origin)
{
	/* Like schema_newest, this table has no schema version of its own. */
	static const char table[] =
		"CREATE TABLE IF NOT EXISTS account(origin TEXT NOT NULL)";
	char *row = sqlite3_mprintf("DELETE FROM account WHERE origin <> %Q;"
				    "INSERT INTO account SELECT %Q"
				    " WHERE NOT EXISTS(SELECT 1 FROM account);",
		origin, origin);

	if (row && sqlite3_exec(catalog->db, table, NULL, NULL, NULL) == SQLITE_OK)
		sqlite3_exec(catalog->db, row, NULL, NULL, NULL);
	sqlite3_free(row);
}

void schema_close(struct catalog *catalog)
{
	for (unsigned i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(catalog->statements[i]);
		catalog->statements[i] = NULL;
	}
	sqlite3_close(catalog->db);
	catalog->db = NULL;
}
