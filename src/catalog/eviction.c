/* SPDX-License-Identifier: MIT */
#include "internal.h"

/*
 * Decides how many texts are evicted, and makes the file smaller. The file is larger than
 * it should be if the maximum size was lowered or many jobs were deleted (SEMANTICS 7.4).
 * We make it smaller in steps, so that no request waits for long: first we evict texts,
 * then we move pages from the end of the file into free pages. Some free pages remain for
 * the next writes.
 */

enum {
	EVICT_STEP = 4 << 20, /* bytes of texts to evict in one step */
	FREE_MAX = 8 << 20,   /* bytes of free pages that may remain */
	/* Bytes of texts that remain on a full disk, in memory if necessary, because a
	 * text must remain until the readers that wait for it have read it. */
	FULL_MIN = 4 << 20,
};

int64_t eviction_count_pages(struct catalog *catalog, enum statement which)
{
	sqlite3_stmt *statement = catalog_statement(catalog, which);
	int64_t pages = 0;

	if (sqlite3_step(statement) == SQLITE_ROW)
		pages = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return pages;
}

/*
 * Returns how many of the `text_bytes` bytes of texts may remain: `texts_max` and the
 * headroom, or fewer if the disk is nearly full.
 */
static uint64_t eviction_find_max(struct catalog *catalog, uint64_t text_bytes)
{
	const struct room *room = &catalog->room;
	uint64_t max = catalog->texts_max + catalog->headroom;

	if (room->left / 2 >= room->reserve || text_bytes <= FULL_MIN)
		return max;

	int64_t pages = catalog->pages - eviction_count_pages(catalog, SQL_PAGES) +
			eviction_count_pages(catalog, SQL_FREE_PAGES);
	int64_t missing = room->reserve - room->left - pages * catalog->page_size;

	if (missing <= 0)
		return max;

	uint64_t least = text_bytes > (uint64_t)missing ? text_bytes - (uint64_t)missing
							: 0;

	if (least < FULL_MIN)
		least = FULL_MIN;
	return least < max ? least : max;
}

int eviction_trim(struct catalog *catalog, uint64_t text_bytes, uint64_t added)
{
	uint64_t max = eviction_find_max(catalog, text_bytes);
	uint64_t step = EVICT_STEP + added;

	if (text_bytes <= max)
		return 0;
	return texts_evict(
		catalog, text_bytes, text_bytes - max > step ? text_bytes - step : max);
}

/* True if the file has too many free pages; on a full disk one is too many. */
static bool eviction_has_free_pages(struct catalog *catalog)
{
	return eviction_count_pages(catalog, SQL_FREE_PAGES) * catalog->page_size >
	       (room_is_low(&catalog->room) ? 0 : FREE_MAX);
}

/* The statement returns a row for each page by which it makes the file smaller. */
int eviction_vacuum(struct catalog *catalog)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_VACUUM);
	int step;

	do
		step = sqlite3_step(statement);
	while (step == SQLITE_ROW);
	sqlite3_reset(statement);
	return step == SQLITE_DONE ? 0 : catalog_failed(catalog, "write");
}

void eviction_check(struct catalog *catalog, uint64_t text_bytes)
{
	catalog->excess = text_bytes > eviction_find_max(catalog, text_bytes) ||
			  eviction_has_free_pages(catalog);
}

void catalog_set_headroom(struct catalog *catalog, uint64_t bytes)
{
	uint64_t most = UINT64_MAX - catalog->texts_max;

	if (bytes < catalog->headroom)
		catalog->excess = true;
	catalog->headroom = bytes < most ? bytes : most;
}

bool catalog_has_excess(const struct catalog *catalog)
{
	return catalog->excess;
}

void catalog_trim(struct catalog *catalog)
{
	struct catalog_totals totals;

	if (!catalog_try_begin(catalog) || texts_flush(catalog))
		return;
	catalog_totals(catalog, &totals);

	int err = eviction_trim(catalog, totals.text_bytes, 0);

	/* If this step evicted nothing there are no more texts to evict: the last text
	 * remains, however large it is. */
	catalog->excess = catalog->change.text_bytes != 0;
	if (!err && !catalog->excess && eviction_has_free_pages(catalog))
		catalog->excess = eviction_vacuum(catalog) == 0;
}

/* Returns by how many bytes the texts can grow before the disk is nearly full. */
static uint64_t eviction_measure_disk(struct catalog *catalog)
{
	const struct db_file *place = &catalog->db_file;
	int64_t pages = eviction_count_pages(catalog, SQL_PAGES);

	if (!place->path || place->is_remote)
		return UINT64_MAX;

	struct room room = room_measure(place->dir, pages * catalog->page_size);
	int64_t unused = eviction_count_pages(catalog, SQL_FREE_PAGES);
	int64_t left;

	if (room.closed || __builtin_add_overflow(room.left - room.reserve,
				   unused * catalog->page_size, &left))
		return room.closed ? 0 : UINT64_MAX;
	return left > 0 ? (uint64_t)left : 0;
}

uint64_t catalog_free_bytes(struct catalog *catalog)
{
	struct catalog_totals totals;

	catalog_totals(catalog, &totals);

	uint64_t max = catalog->texts_max;
	uint64_t unused = max > totals.text_bytes ? max - totals.text_bytes : 0;
	uint64_t disk = eviction_measure_disk(catalog);

	return unused < disk ? unused : disk;
}
