/* SPDX-License-Identifier: MIT */
#include "internal.h"

/*
 * Keeps the index from inode numbers to jobs. Inode numbers are random, so in a large
 * table almost every new one is on a different page, which must be read, journaled and
 * written. Therefore we collect new numbers in a small table (inodes_recent) and merge it
 * into the large one (inodes) in ascending order, a range of numbers with each commit and
 * starting over at the end. Then several numbers share a page.
 */

/*
 * Maximum number of entries in inodes_recent, which fill 32 pages. With fewer, the
 * entries of one range would be farther apart in `inodes`. With more, inodes_recent would
 * have more pages, and a commit, which adds about a hundred jobs, would change nearly all
 * of them.
 */
enum { RECENT_MAX = 8192 };

/*
 * Finds the range of at most `most` entries that is to be merged next: its last inode
 * number and the number of its entries. Returns 0 or -EIO.
 */
static int inodes_find_stretch(
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

/* Runs a statement on the entries after `catalog->merged`, up to and including `last`. */
static int inodes_run_up_to(struct catalog *catalog, enum statement which, int64_t last)
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

	int err = inodes_find_stretch(catalog, most, &last, &len);

	if (!err && len)
		err = inodes_run_up_to(catalog, SQL_INODES_RECENT_COPY, last);
	if (!err && len)
		err = inodes_run_up_to(catalog, SQL_INODES_RECENT_DELETE, last);
	if (err)
		return err;
	catalog->change.recent -= len;
	/* After the highest number, the next commit continues with the lowest. */
	catalog->merged = len < most ? 0 : last;
	return 0;
}
