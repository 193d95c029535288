/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/list.h"
#include "internal.h"

/*
 * A layer on top of SQLite's file access (VFS). SQLite opens the journal and its
 * temporary files by name each time it needs them. This must work even if a mount,
 * perhaps our own, has covered their directory in the meantime. Therefore all names go
 * through the descriptor of the directory (/proc/self/fd/7/NAME), and this layer keeps
 * them as they are; SQLite would resolve the link in them.
 */

/* Implements xFullPathname: returns the name unchanged. */
static int vfs_keep_name(sqlite3_vfs *vfs, const char *name, int size, char *ret_name)
{
	(void)vfs;
	if (snprintf(ret_name, (size_t)size, "%s", name) >= size)
		return SQLITE_CANTOPEN;
	return SQLITE_OK;
}

/*
 * Implements xOpen. A temporary file has no name: we create it in our directory, and
 * SQLite removes it as soon as it is open.
 */
static int vfs_open_file(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file,
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
	catalog->vfs.xFullPathname = vfs_keep_name;
	catalog->vfs.xOpen = vfs_open_file;

	int code = sqlite3_vfs_register(&catalog->vfs, 0);

	if (code == SQLITE_OK)
		code = sqlite3_open_v2(path, &catalog->db, flags, name);
	/* The open database keeps using the VFS. We unregister it because other catalogs
	 * register their own under the same name. */
	sqlite3_vfs_unregister(&catalog->vfs);
	return code;
}
