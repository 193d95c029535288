/* SPDX-License-Identifier: MIT */
/*
 * Follows a path component by component, the way the kernel does, and compares every
 * directory that it leads through with the mount point.
 */
#include "mount/covered.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { LINKS_MAX = 40 }; /* the kernel's limit for one path */

/* The state of one path walk. */
struct walk {
	int dir; /* O_PATH descriptor of the file reached so far; -1 before the start */
	char *text; /* the path being followed; we own it */
	char *rest; /* the part of `text` still to be followed; NULL at the end */
	int links;  /* number of symbolic links followed so far */
};

static void covered_walk_done(struct walk *walk)
{
	if (walk->dir >= 0)
		close(walk->dir);
	free(walk->text);
}

/* Moves the walk to `dir` and takes ownership of that descriptor. */
static void covered_walk_enter(struct walk *walk, int dir)
{
	if (walk->dir >= 0)
		close(walk->dir);
	walk->dir = dir;
}

/*
 * Makes `text` the path still to be followed and takes ownership of it. Returns false if
 * it is NULL or there is no directory to start from.
 */
static bool covered_walk_begin(struct walk *walk, char *text)
{
	free(walk->text);
	walk->text = text;
	walk->rest = text;
	if (text && *text == '/')
		covered_walk_enter(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	return text && walk->dir >= 0;
}

/*
 * Continues with the target of a symbolic link, followed by the rest of the path. Returns
 * false if there were too many links or memory is exhausted.
 */
static bool covered_walk_follow(struct walk *walk, const char *target)
{
	char *text;

	if (++walk->links > LINKS_MAX ||
		asprintf(&text, "%s/%s", target, walk->rest ? walk->rest : "") < 0)
		return false;
	return covered_walk_begin(walk, text);
}

/* True if `fd` is the file that `wanted` describes. */
static bool covered_is_same(int fd, const struct statx *wanted)
{
	struct statx st;

	return statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_INO, &st) == 0 &&
	       st.stx_dev_major == wanted->stx_dev_major &&
	       st.stx_dev_minor == wanted->stx_dev_minor && st.stx_ino == wanted->stx_ino;
}

/*
 * Follows one component of the path. Returns false at the end of the path or if the
 * component cannot be opened.
 */
static bool covered_walk_step(struct walk *walk)
{
	const char *name = walk->rest ? strsep(&walk->rest, "/") : NULL;
	char target[PATH_MAX];

	if (!name || !*name)
		return name;

	int fd = openat(walk->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target) - 1);

	if (fd < 0)
		return false;
	if (len < 0) {
		covered_walk_enter(walk, fd);
		return true;
	}
	close(fd);
	target[len] = '\0';
	return covered_walk_follow(walk, target);
}

bool covered_by(const char *mountpoint, const char *path)
{
	CLEANUP(covered_walk_done) struct walk walk = {.dir = -1};
	struct statx wanted;

	if (statx(AT_FDCWD, mountpoint, AT_NO_AUTOMOUNT, STATX_INO, &wanted) < 0 ||
		*path != '/' || !covered_walk_begin(&walk, strdup(path)))
		return false;
	do
		if (covered_is_same(walk.dir, &wanted))
			return true;
	while (covered_walk_step(&walk));
	return false;
}
