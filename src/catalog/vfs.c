/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/list.h"
#include "internal.h"

/*
 * SQLite opens the database's journal and its temporary files by name, again and again. A
 * mount that covers their directory meanwhile must not be in the way, as it may be our
 * own. So all names begin with a directory's descriptor (/proc/self/fd/7/NAME), and this
 * layer on SQLite's own one keeps them like that: SQLite would replace the link by what
 * it leads to.
 */

static int keep_name(sqlite3_vfs *vfs, const char *name, int size, char *ret_name)
{
	(void)vfs;
	if (snprintf(ret_name, (size_t)size, "%s", name) >= size)
		return SQLITE_CANTOPEN;
	return SQLITE_OK;
}

/* A temporary file has no name; SQLite removes it as soon as it is open. */
static int open_file(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file,
	int flags, int *ret_flags)
{
	struct catalog *catalog = list_entry(vfs, struct catalog, vfs);
	char temporary[96];

	if (!name) {
		uint64_t random;

		sqlite3_randomness(sizeof(random), &random);
		(void)snprintf(temporary, sizeof(temporary),
			"/proc/self/fd/%d/gladiafs-%016jx", catalog->temporary_dir,
			(uintmax_t)random);
		name = temporary;
	}
	return catalog->system_vfs->xOpen(
		catalog->system_vfs, name, file, flags, ret_flags);
}

int vfs_open(struct catalog *catalog, const char *path, int flags)
{
	static const char name[] = "gladiafs";
	sqlite3_vfs *system = sqlite3_initialize() ? NULL : sqlite3_vfs_find(NULL);

	if (!system)
		return SQLITE_NOMEM;
	catalog->system_vfs = system;
	catalog->vfs = *system;
	catalog->vfs.pNext = NULL;
	catalog->vfs.zName = name;
	catalog->vfs.xFullPathname = keep_name;
	catalog->vfs.xOpen = open_file;

	int code = sqlite3_vfs_register(&catalog->vfs, 0);

	if (code == SQLITE_OK)
		code = sqlite3_open_v2(path, &catalog->db, flags, name);
	/* The database has it; other catalogs have one of their own by that name. */
	sqlite3_vfs_unregister(&catalog->vfs);
	return code;
}
