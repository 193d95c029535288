/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

sqlite3_stmt *catalog_statement(struct catalog *catalog, enum statement which)
{
	sqlite3_stmt *statement = catalog->statements[which];

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return statement;
}

int catalog_failed(struct catalog *catalog, const char *what)
{
	if (!catalog->complained)
		log_error(catalog->log,
			"the cache database failed to %s: %s; check the space on its "
			"disk, "
			"or mount with -o cache=off",
			what, sqlite3_errmsg(catalog->db));
	catalog->complained = true;
	return -EIO;
}

int catalog_run(struct catalog *catalog, sqlite3_stmt *statement)
{
	int step = sqlite3_step(statement);

	sqlite3_reset(statement);
	if (step != SQLITE_DONE)
		return catalog_failed(catalog, "write");
	return 0;
}

int catalog_begin(struct catalog *catalog)
{
	if (catalog->in_transaction)
		return 0;

	int err = catalog_run(catalog, catalog_statement(catalog, SQL_BEGIN));

	catalog->in_transaction = !err;
	return err;
}

int catalog_commit(struct catalog *catalog)
{
	if (!catalog->in_transaction)
		return 0;

	uint64_t kept;
	int err = bodies_total(catalog, &kept);

	if (!err && kept > catalog->bodies_max)
		err = bodies_evict(catalog, catalog->bodies_max);
	/* A body still being read would keep the transaction's snapshot open. */
	catalog_statement(catalog, SQL_BODY_READ);
	if (!err)
		err = catalog_run(catalog, catalog_statement(catalog, SQL_COMMIT));
	if (err && !sqlite3_get_autocommit(catalog->db))
		sqlite3_step(catalog_statement(catalog, SQL_ROLLBACK));
	catalog->in_transaction = false;
	catalog->complained = catalog->complained && err;
	return err;
}

void catalog_totals(struct catalog *catalog, struct catalog_totals *ret_totals)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_TOTALS);

	*ret_totals = (struct catalog_totals){0};
	if (sqlite3_step(statement) == SQLITE_ROW)
		*ret_totals = (struct catalog_totals){
			.jobs = (uint64_t)sqlite3_column_int64(statement, 0),
			.bytes = (uint64_t)sqlite3_column_int64(statement, 1),
		};
	sqlite3_reset(statement);
}

/* Moves PATH and what SQLite keeps beside it out of the way. */
static int set_aside(const char *path, const struct log *log)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};

	for (unsigned i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char *from CLEANUP_FREE = NULL;
		char *to CLEANUP_FREE = NULL;

		if (asprintf(&from, "%s%s", path, suffixes[i]) < 0 ||
			asprintf(&to, "%s.damaged%s", path, suffixes[i]) < 0)
			return -ENOMEM;
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	log_warning(log,
		"the cache %s is damaged or not this version's: set aside as %s.damaged, "
		"a new one is begun",
		path, path);
	return 0;
}

static int open_on_disk(struct catalog *catalog, const char *path)
{
	int err = schema_open(catalog, path);

	if (err != -EUCLEAN)
		return err;
	schema_close(catalog);
	err = set_aside(path, catalog->log);
	return err ? err : schema_open(catalog, path);
}

int catalog_open(const struct catalog_config *config, const struct clock *clock,
	const struct log *log, struct catalog **ret_catalog)
{
	struct catalog *catalog = calloc(1, sizeof(*catalog));

	if (!catalog)
		return -ENOMEM;
	catalog->clock = clock;
	catalog->log = log;
	catalog->bodies_max = config->bodies_max;

	int err = config->path ? open_on_disk(catalog, config->path)
			       : schema_open(catalog, "");

	if (err && config->path) {
		log_warning(log,
			"the cache %s cannot be used: %s; going on without one on disk "
			"(-o cache_dir=PATH names another place)",
			config->path,
			catalog->db ? sqlite3_errmsg(catalog->db) : strerror(-err));
		schema_close(catalog);
		err = schema_open(catalog, "");
	}
	if (err) {
		schema_close(catalog);
		free(catalog);
		return err == -ENOMEM ? err : -EIO;
	}
	*ret_catalog = catalog;
	return 0;
}

void catalog_close(struct catalog *catalog)
{
	if (!catalog)
		return;
	catalog_commit(catalog);
	schema_close(catalog);
	free(catalog);
}
