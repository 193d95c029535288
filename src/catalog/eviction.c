/* SPDX-License-Identifier: MIT */
#include "internal.h"

/*
 * A maximum that was lowered, and many jobs that were deleted, leave a file larger than
 * it should be (SPEC 7.4). It gets smaller in steps, so that nobody waits for long: texts
 * go that are too many, and pages at the file's end move to where others were. Some free
 * pages stay: what comes next needs them.
 */

enum { EVICT_STEP = 4 << 20, FREE_PAGES_MAX = 1024 };

int trim_bodies(struct catalog *catalog, uint64_t kept, uint64_t came)
{
	uint64_t max = catalog->bodies_max;
	uint64_t step = EVICT_STEP + came;

	if (kept <= max)
		return 0;
	return bodies_evict(catalog, kept, kept - max > step ? kept - step : max);
}

static int64_t free_pages(struct catalog *catalog)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_FREE_PAGES);
	int64_t pages = 0;

	if (sqlite3_step(statement) == SQLITE_ROW)
		pages = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return pages;
}

/* The statement has a row for each page that it gives back. */
static int vacuum(struct catalog *catalog)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_VACUUM);
	int step;

	do
		step = sqlite3_step(statement);
	while (step == SQLITE_ROW);
	sqlite3_reset(statement);
	return step == SQLITE_DONE ? 0 : catalog_failed(catalog, "write");
}

void trim_look(struct catalog *catalog, uint64_t kept)
{
	catalog->excess = kept > catalog->bodies_max ||
			  free_pages(catalog) > FREE_PAGES_MAX;
}

bool catalog_has_excess(const struct catalog *catalog)
{
	return catalog->excess;
}

void catalog_trim(struct catalog *catalog)
{
	struct catalog_totals totals;

	if (!catalog_try_begin(catalog))
		return;
	catalog_totals(catalog, &totals);

	int err = trim_bodies(catalog, totals.kept, 0);

	/* The last text stays, however large. */
	catalog->excess = catalog->change.kept != 0;
	if (!err && !catalog->excess && free_pages(catalog) > FREE_PAGES_MAX)
		catalog->excess = vacuum(catalog) == 0;
}
