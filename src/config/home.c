/* SPDX-License-Identifier: MIT */
#include "home.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *home_variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value == '/' ? value : NULL;
}

static bool home_is_ours(const char *directory)
{
	struct stat st;

	return stat(directory, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

/*
 * True only if the directory certainly does not exist; below an unreadable parent it
 * counts as existing.
 */
static bool home_is_missing(const char *directory)
{
	struct stat st;

	return stat(directory, &st) < 0 && errno == ENOENT;
}

static bool home_is_below(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	while (len && directory[len - 1] == '/')
		len--;
	return strncmp(path, directory, len) == 0 && (!path[len] || path[len] == '/');
}

const char *home_from_environment(void)
{
	const char *home = home_variable("HOME");

	return home && (home_is_ours(home) || home_is_missing(home)) ? home : NULL;
}

const char *home_directory(void)
{
	const char *home = home_from_environment();
	const struct passwd *user = home ? NULL : getpwuid(geteuid());

	return user && *user->pw_dir == '/' ? user->pw_dir : home;
}

const char *home_xdg(const char *name)
{
	const char *directory = home_variable(name);
	const char *home = home_variable("HOME");

	if (!directory || !home || home_from_environment())
		return directory;
	return home_is_below(directory, home) && !home_is_ours(directory) ? NULL
									  : directory;
}
