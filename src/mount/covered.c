/* SPDX-License-Identifier: MIT */
#include "mount/covered.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { LINKS_MAX = 40 }; /* the kernel's limit for one path */

/* True if `path` is the directory that `wanted` describes. */
static bool covered_is_same(const char *path, const struct statx *wanted)
{
	struct statx st;

	return statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_INO, &st) == 0 &&
	       st.stx_dev_major == wanted->stx_dev_major &&
	       st.stx_dev_minor == wanted->stx_dev_minor && st.stx_ino == wanted->stx_ino;
}

/*
 * Returns the target of the symbolic link `name` in the directory `parent`, as an
 * absolute path, or NULL if it is not a link or memory is short. The caller frees it.
 */
static char *covered_read_link(const char *name, const char *parent, size_t parent_len)
{
	char target[PATH_MAX];
	ssize_t len = readlink(name, target, sizeof(target) - 1);
	char *path;

	if (len < 0)
		return NULL;
	target[len] = '\0';
	if (*target == '/')
		return strdup(target);
	return asprintf(&path, "%.*s/%s", (int)parent_len, parent, target) < 0 ? NULL
									       : path;
}

/*
 * True if the absolute `path` leads through the directory that `wanted` describes. Checks
 * "/", "/a", "/a/b" and so on. The target of a symbolic link is checked in the same way,
 * so that we never look at a file before we have checked the way to it: if the mount
 * point is an automount, the kernel would let us wait there until we have mounted.
 * `links` is the number of links followed so far.
 */
static bool covered_leads_through(
	const char *path, const struct statx *wanted, int *links)
{
	size_t parent_len = 0;
	size_t len = strspn(path, "/");

	while (len > parent_len) {
		CLEANUP_FREE char *name = strndup(path, len);
		CLEANUP_FREE char *target =
			name ? covered_read_link(name, path, parent_len) : NULL;

		if (target && ++*links > LINKS_MAX)
			return false;
		if (target ? covered_leads_through(target, wanted, links)
			   : name && covered_is_same(name, wanted))
			return true;
		parent_len = len;
		len += strspn(path + len, "/");
		len += strcspn(path + len, "/");
	}
	return false;
}

bool covered_by(const char *mountpoint, const char *path)
{
	struct statx wanted;
	int links = 0;

	return *path == '/' &&
	       statx(AT_FDCWD, mountpoint, AT_NO_AUTOMOUNT, STATX_INO, &wanted) == 0 &&
	       covered_leads_through(path, &wanted, &links);
}
