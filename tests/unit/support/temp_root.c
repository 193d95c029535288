/* SPDX-License-Identifier: MIT */
#include "temp_root.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANDOM_LEN = 6, DESCRIPTORS = 8, PATH_ROOM = 4096 };

int temp_root_make(char *root)
{
	memcpy(root + strlen(root) - RANDOM_LEN, "XXXXXX", RANDOM_LEN);
	return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int temp_root_remove(const char *root)
{
	return nftw(root, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}

const char *temp_root_path(const char *root, const char *name)
{
	static char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}
