/* SPDX-License-Identifier: MIT */
#include "internal.h"

/*
 * Inode numbers are as good as random, so in a large table each new one lies on a page of
 * its own, which has to be read, journaled and written. Therefore those that come are
 * gathered in a small table, and merged into the large one in the order of the numbers,
 * a stretch with each commit, round and round: then several of them fall on a page.
 */

/*
 * Sixteen pages. Fewer would give longer ways between one entry of a stretch and the
 * next; of more, a commit, which brings a hundred jobs or so, would change nearly each.
 */
enum { RECENT_MAX = 8192 };

/* The end of the stretch of `most` entries at which the merge has come; their number. */
static int find_stretch(
	struct catalog *catalog, int64_t most, int64_t *ret_last, int64_t *ret_len)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_INODES_RECENT_PART);

	sqlite3_bind_int64(statement, 1, catalog->merged);
	sqlite3_bind_int64(statement, 2, most);
	if (sqlite3_step(statement) != SQLITE_ROW)
		return catalog_failed(catalog, "read");
	*ret_last = sqlite3_column_int64(statement, 0);
	*ret_len = sqlite3_column_int64(statement, 1);
	sqlite3_reset(statement);
	return 0;
}

static int run_up_to(struct catalog *catalog, enum statement which, int64_t last)
{
	sqlite3_stmt *statement = catalog_statement(catalog, which);

	sqlite3_bind_int64(statement, 1, catalog->merged);
	sqlite3_bind_int64(statement, 2, last);
	return catalog_run(catalog, statement);
}

int inodes_merge(struct catalog *catalog, int64_t came, int64_t recent)
{
	int64_t over = recent - RECENT_MAX;
	int64_t most = over < 2 * came ? over : 2 * came;
	int64_t last = 0;
	int64_t len = 0;

	if (most <= 0)
		return 0;

	int err = find_stretch(catalog, most, &last, &len);

	if (!err && len)
		err = run_up_to(catalog, SQL_INODES_RECENT_COPY, last);
	if (!err && len)
		err = run_up_to(catalog, SQL_INODES_RECENT_DELETE, last);
	if (err)
		return err;
	catalog->change.recent -= len;
	/* Past the highest it goes on with the lowest. */
	catalog->merged = len < most ? 0 : last;
	return 0;
}
