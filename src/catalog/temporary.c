/* SPDX-License-Identifier: MIT */
#include "catalog/catalog.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"

/* True if we can create files in the directory. */
static bool temporary_is_usable(const char *directory)
{
	struct stat status;

	return directory && *directory == '/' && stat(directory, &status) == 0 &&
	       S_ISDIR(status.st_mode) && access(directory, W_OK | X_OK) == 0;
}

const char *catalog_temporary_dir(void)
{
	/* The directories that SQLite tries, in its order. */
	const char *const places[] = {getenv("SQLITE_TMPDIR"), getenv("TMPDIR"),
		"/var/tmp", "/usr/tmp", "/tmp"};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (temporary_is_usable(places[i]))
			return places[i];
	return "/";
}
