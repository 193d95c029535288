/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

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
