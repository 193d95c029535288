/* SPDX-License-Identifier: MIT */
/*
 * Decides how much of the database can be written to the disk.
 */
#include "internal.h"

enum {
	REFUSED_MS = 10 * 1000, /* how long a disk counts as full after a failed write */
	FULL_LOG_MS = 60 * 60 * 1000, /* minimum time between messages about it */
};

/*
 * True if a temporary database of `pages` pages is in memory: SQLite creates no file
 * before its cache is full.
 */
static bool disk_space_is_unused(const struct catalog *catalog, int64_t pages)
{
	return !catalog->db_file.path && pages * catalog->page_size < SCHEMA_CACHE_SIZE;
}

/*
 * Takes into account that a write has failed: statvfs(3) does not report quotas, nor that
 * the kernel has stopped writing to a disk after an error. From time to time we try
 * again, with a file of our own, because a transaction that fails is lost.
 */
static void disk_space_check_refusal(struct catalog *catalog, int dir)
{
	int64_t now_ms = clock_mono_ms(catalog->clock);

	if (!catalog->refused_ms)
		return;
	if (now_ms - catalog->refused_ms >= REFUSED_MS) {
		catalog->refused_ms = room_takes_writes(dir) ? 0 : now_ms;
		if (!catalog->refused_ms)
			return;
	}
	catalog->room.left = 0;
	catalog->room.closed = catalog->room.closed || catalog->refused_all;
}

void disk_space_update(struct catalog *catalog, int64_t pages)
{
	const struct db_file *place = &catalog->db_file;
	int dir = place->path ? place->dir : catalog->temporary_dir;

	if (disk_space_is_unused(catalog, pages)) {
		catalog->room = room_unsure();
		return;
	}
	catalog->room = room_measure(dir, catalog->pages * catalog->page_size);
	disk_space_check_refusal(catalog, dir);
}

void disk_space_report(struct catalog *catalog)
{
	const char *where = catalog->db_file.path ? catalog->db_file.path
						  : catalog_temporary_dir();
	int64_t now_ms = clock_mono_ms(catalog->clock);

	/* Eviction makes room, which fills up again. We do not report that each time. */
	if (catalog->full_logged_ms && now_ms - catalog->full_logged_ms < FULL_LOG_MS)
		return;
	catalog->full_logged_ms = now_ms;
	if (catalog->room.closed)
		log_warning(catalog->log,
			"the disk of the cache in %s cannot be written: changes are kept "
			"in memory only; make it writable, or mount with -o "
			"cache_dir=PATH",
			where);
	else
		log_warning(catalog->log,
			"the disk of the cache in %s is nearly full: old texts are "
			"evicted to make room, and new ones may be kept in memory only; "
			"free some space",
			where);
}

void disk_space_note_failure(struct catalog *catalog, int code)
{
	bool all = code == SQLITE_CANTOPEN || code == SQLITE_READONLY;

	if (!all && code != SQLITE_FULL && code != SQLITE_IOERR)
		return;
	catalog->refused_ms = clock_mono_ms(catalog->clock);
	catalog->refused_all = all;
}
