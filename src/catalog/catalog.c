/* SPDX-License-Identifier: MIT */
/*
 * Opens and closes the catalog. A damaged file is set aside and replaced; if the file
 * cannot be used at all, a temporary database takes its place.
 */
#include "catalog/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/*
 * Claims the file and opens the database in it. Returns 0, or a negative errno and a
 * reason for messages.
 */
static int catalog_claim_and_open(struct catalog *catalog, const char **ret_why)
{
	int err = db_file_claim(&catalog->db_file, ret_why);

	if (err)
		return err;
	err = schema_open(catalog, catalog->db_file.file);
	if (err)
		*ret_why = sqlite3_errmsg(catalog->db);
	return err;
}

/*
 * Sets the crash marker. If an earlier boot left the marker, the file is set aside first,
 * because afterwards the marker would no longer say that it cannot be trusted.
 */
static int catalog_mark_dirty(struct catalog *catalog, const char *boot)
{
	const char *errmsg;
	bool cut;
	int err = crash_marker_open(
		&catalog->crash_marker, &catalog->db_file, boot, &cut);

	if (!err && cut)
		err = db_file_claim(&catalog->db_file, &errmsg);
	if (!err && cut)
		err = db_file_set_aside(&catalog->db_file, catalog->log, PLACE_CUT);
	return err ? err : crash_marker_set(&catalog->crash_marker, &catalog->db_file);
}

/*
 * Opens the database, or sets it aside and opens a new one if it is damaged. The caller
 * holds the lock.
 */
static int catalog_open_sound_one(
	struct catalog *catalog, const char *boot, const char **ret_why)
{
	int err = catalog_mark_dirty(catalog, boot);

	*ret_why = strerror(-err);
	if (!err)
		err = catalog_claim_and_open(catalog, ret_why);
	if (err != -EUCLEAN)
		return err;
	schema_close(catalog);
	err = db_file_set_aside(&catalog->db_file, catalog->log, PLACE_DAMAGED);
	*ret_why = strerror(-err);
	return err ? err : catalog_claim_and_open(catalog, ret_why);
}

/* Opens a database on disk. Returns 0, or a negative errno and a reason for messages. */
static int catalog_open_on_disk(struct catalog *catalog,
	const struct catalog_config *config, const char **ret_why)
{
	int err = db_file_init(&catalog->db_file, config->path);

	*ret_why = strerror(-err);
	if (err)
		return err;

	int lock = db_file_lock(&catalog->db_file);

	err = catalog_open_sound_one(catalog, config->boot, ret_why);
	if (!err && config->origin)
		schema_store_origin(catalog, config->origin);
	db_file_unlock(lock);
	return err;
}

/* Frees the catalog, whose database is closed. */
static void catalog_free(struct catalog *catalog)
{
	compressor_free(catalog->compressor);
	if (catalog->temporary_dir >= 0)
		close(catalog->temporary_dir);
	free(catalog);
}

const char *catalog_library_version(void)
{
	return sqlite3_libversion();
}

int catalog_open(const struct catalog_config *config, const struct clock *clock,
	const struct log *log, struct catalog **ret_catalog)
{
	struct catalog *catalog = calloc(1, sizeof(*catalog));
	const char *errmsg = NULL;

	if (!catalog)
		return -ENOMEM;
	catalog->clock = clock;
	catalog->log = log;
	catalog->texts_max = config->texts_max;
	/* The maximum may have been larger when the file was last used. */
	catalog->excess = true;
	catalog->crash_marker.fd = -1;
	catalog->temporary_dir = open(
		catalog_temporary_dir(), O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (compressor_new(&catalog->compressor)) {
		catalog_free(catalog);
		return -ENOMEM;
	}

	int err = config->path ? catalog_open_on_disk(catalog, config, &errmsg)
			       : schema_open(catalog, "");

	if (err && config->path) {
		log_warning(log,
			"the cache %s cannot be used: %s; continuing without a cache on "
			"disk (-o cache_dir=PATH chooses another directory)",
			config->path, errmsg);
		schema_close(catalog);
		crash_marker_close(&catalog->crash_marker, &catalog->db_file);
		db_file_done(&catalog->db_file);
		err = schema_open(catalog, "");
	}
	if (err) {
		schema_close(catalog);
		catalog_free(catalog);
		return err == -ENOMEM ? err : -EIO;
	}
	*ret_catalog = catalog;
	return 0;
}

void catalog_close(struct catalog *catalog)
{
	if (!catalog)
		return;
	/* Try once more to write what the disk had no space for. */
	catalog->refused_ms = 0;
	catalog_commit(catalog);
	schema_close(catalog);
	crash_marker_close(&catalog->crash_marker, &catalog->db_file);
	db_file_done(&catalog->db_file);
	catalog_free(catalog);
}
