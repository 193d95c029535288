/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <errno.h>
#include <stdio.h>

/*
 * jobs      one row a job, in the order they were first seen (so that a listing reads
 *           them in the order of the table); `ino` is derived from `id`; `node` is NULL
 *           for version 0, whose node is `ino`; `seen` is -1 for one that is gone
 * bodies    the JSON files, apart from the rows that directories are made of
 * listings  `rows` are little-endian numbers of 8 bytes
 * totals    one row, so that df(1) and eviction cost nothing
 */
enum { SCHEMA_VERSION = 1, APPLICATION_ID = 0x676c6164 /* "glad" */ };

static const char schema[] =
	"PRAGMA application_id = 1735156068;"
	"CREATE TABLE jobs("
	"	job INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	ino INTEGER NOT NULL UNIQUE,"
	"	node INTEGER,"
	"	version INTEGER NOT NULL,"
	"	id TEXT NOT NULL,"
	"	status INTEGER NOT NULL,"
	"	created INTEGER,"
	"	completed INTEGER,"
	"	size INTEGER NOT NULL,"
	"	seen INTEGER NOT NULL);"
	"CREATE UNIQUE INDEX jobs_by_node ON jobs(node) WHERE node IS NOT NULL;"
	"CREATE INDEX jobs_gone ON jobs(seen) WHERE seen < 0;"
	"INSERT INTO sqlite_sequence(name, seq) VALUES('jobs', 0);"
	"CREATE TABLE bodies("
	"	job INTEGER PRIMARY KEY,"
	"	used INTEGER NOT NULL,"
	"	data BLOB NOT NULL);"
	"CREATE INDEX bodies_by_use ON bodies(used);"
	"CREATE TABLE listings("
	"	listing INTEGER PRIMARY KEY,"
	"	key TEXT NOT NULL UNIQUE,"
	"	completed INTEGER NOT NULL,"
	"	ordered INTEGER NOT NULL,"
	"	rows BLOB NOT NULL);"
	"CREATE TABLE totals(jobs INTEGER, bytes INTEGER, kept INTEGER);"
	"INSERT INTO totals VALUES(0, 0, 0);"
	"PRAGMA user_version = 1;";

#define JOB_COLUMNS "job, ino, node, version, id, status, created, completed, size, seen"

static const char *const texts[STATEMENTS] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_BURN_ROWS] = "UPDATE sqlite_sequence SET seq = max(seq, ?1)"
			  " WHERE name = 'jobs'",
	[SQL_TOTALS] = "SELECT jobs, bytes FROM totals",
	[SQL_TOTALS_ADD] = "UPDATE totals SET jobs = jobs + ?1, bytes = bytes + ?2,"
			   " kept = kept + ?3 RETURNING kept",
	[SQL_JOB_BY_ROW] = "SELECT " JOB_COLUMNS " FROM jobs WHERE job = ?1",
	[SQL_JOB_BY_INO] = "SELECT " JOB_COLUMNS " FROM jobs WHERE ino = ?1",
	[SQL_JOB_BY_NODE] = "SELECT " JOB_COLUMNS " FROM jobs WHERE node = ?1",
	[SQL_JOB_INSERT] =
		"INSERT INTO jobs(ino, version, id, status, created, completed, size,"
		" seen) VALUES(?1, 0, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_JOB_UPDATE] = "UPDATE jobs SET node = ?2, version = ?3, status = ?4,"
			   " created = ?5, completed = ?6, size = ?7, seen = ?8"
			   " WHERE job = ?1",
	[SQL_JOB_SEEN] = "UPDATE jobs SET seen = ?2 WHERE job = ?1 AND seen >= 0",
	[SQL_BODY_READ] = "SELECT coalesce(node, ino), seen, used, data"
			  " FROM jobs LEFT JOIN bodies ON bodies.job = jobs.job"
			  " WHERE jobs.job = ?1",
	[SQL_BODY_SIZE] = "SELECT length(data) FROM bodies WHERE job = ?1",
	[SQL_BODY_PUT] = "INSERT INTO bodies(job, used, data) VALUES(?1, ?2, ?3)",
	[SQL_BODY_DELETE] = "DELETE FROM bodies WHERE job = ?1",
	[SQL_BODY_USED] = "UPDATE bodies SET used = ?2 WHERE job = ?1",
	[SQL_BODIES_OLDEST] =
		"SELECT job, length(data) FROM bodies ORDER BY used, job LIMIT 2",
	[SQL_LISTING_BY_KEY] = "SELECT listing, completed, ordered, typeof(rows) = 'blob'"
			       " FROM listings WHERE key = ?1",
	[SQL_LISTING_INSERT] = "INSERT INTO listings(key, completed, ordered, rows)"
			       " VALUES(?1, ?2, ?3, zeroblob(?4))",
	[SQL_LISTING_DELETE] = "DELETE FROM listings WHERE key = ?1",
	[SQL_LISTINGS_CLEAR] = "DELETE FROM listings",
	/* 64 is LISTINGS_MAX. */
	[SQL_LISTINGS_TRIM] = "DELETE FROM listings WHERE listing IN (SELECT listing"
			      " FROM listings ORDER BY completed DESC, listing DESC"
			      " LIMIT -1 OFFSET 64)",
};

static int pragma_number(sqlite3 *db, const char *sql, int64_t *ret_value)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		return -EUCLEAN;

	int step = sqlite3_step(statement);

	*ret_value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return step == SQLITE_ROW ? 0 : -EUCLEAN;
}

/* 0: ours and sound as far as a quick look tells, or empty and now ours. */
static int schema_check(struct catalog *catalog)
{
	int64_t tables, version, application;

	if (pragma_number(catalog->db, "SELECT count(*) FROM sqlite_master", &tables) ||
		pragma_number(catalog->db, "PRAGMA user_version", &version) ||
		pragma_number(catalog->db, "PRAGMA application_id", &application))
		return -EUCLEAN;
	if (tables > 0)
		return version == SCHEMA_VERSION && application == APPLICATION_ID
			       ? 0
			       : -EUCLEAN;

	/* Another mount of the account may be making it in this moment: look again. */
	if (sqlite3_exec(catalog->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return -EIO;
	if (pragma_number(catalog->db, "SELECT count(*) FROM sqlite_master", &tables) ==
			0 &&
		tables == 0 &&
		sqlite3_exec(catalog->db, schema, NULL, NULL, NULL) != SQLITE_OK) {
		sqlite3_exec(catalog->db, "ROLLBACK", NULL, NULL, NULL);
		return -EIO;
	}
	return sqlite3_exec(catalog->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK ? 0
										  : -EIO;
}

/* SQLite's reasons that mean "this file is no good", as opposed to "not now". */
static int open_error(sqlite3 *db)
{
	switch (sqlite3_errcode(db)) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return -EUCLEAN;
	case SQLITE_NOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

int schema_open(struct catalog *catalog, const char *path)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

	if (sqlite3_open_v2(path, &catalog->db, flags, NULL) != SQLITE_OK)
		return open_error(catalog->db);
	sqlite3_busy_timeout(catalog->db, CATALOG_BUSY_MS);

	/* It is a cache: a power cut may cost the last writes, never its consistency. */
	static const char settings[] = "PRAGMA journal_mode = WAL;"
				       "PRAGMA synchronous = OFF;"
				       "PRAGMA cache_size = -8192;"
				       "PRAGMA wal_autocheckpoint = 4096;"
				       "PRAGMA journal_size_limit = 33554432;"
				       "PRAGMA cell_size_check = ON;";

	if (sqlite3_exec(catalog->db, settings, NULL, NULL, NULL) != SQLITE_OK)
		return open_error(catalog->db);

	int err = schema_check(catalog);

	for (unsigned i = 0; !err && i < STATEMENTS; i++) {
		if (sqlite3_prepare_v3(catalog->db, texts[i], -1,
			    SQLITE_PREPARE_PERSISTENT, &catalog->statements[i],
			    NULL) != SQLITE_OK)
			err = -EUCLEAN;
	}
	/* Those of this mount's past; where it cannot be now, the next one does it. */
	if (!err)
		sqlite3_exec(
			catalog->db, "DELETE FROM jobs WHERE seen < 0", NULL, NULL, NULL);
	return err;
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
