/* SPDX-License-Identifier: MIT */
#include "temp_root.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

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

const char *temp_root_write(const char *root, const char *name, const char *text)
{
	FILE *file = fopen(temp_root_path(root, name), "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return temp_root_path(root, name);
}

int temp_root_set_up(void **state)
{
	return temp_root_make(*state);
}

int temp_root_tear_down(void **state)
{
	return temp_root_remove(*state);
}
