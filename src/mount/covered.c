/* SPDX-License-Identifier: MIT */
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

enum { LINKS_MAX = 40 }; /* as the kernel follows in one look-up */

/* A look-up that goes on. */
struct walk {
	int dir;    /* where it is */
	char *text; /* allocated */
	char *rest; /* of `text`: still to be looked up; NULL at the end */
	int links;  /* followed so far */
};

static void walk_done(struct walk *walk)
{
	if (walk->dir >= 0)
		close(walk->dir);
	free(walk->text);
}

static void walk_enter(struct walk *walk, int dir)
{
	if (walk->dir >= 0)
		close(walk->dir);
	walk->dir = dir;
}

/* Goes on with `text`, which it frees in the end. False if that cannot be. */
static bool walk_begin(struct walk *walk, char *text)
{
	free(walk->text);
	walk->text = text;
	walk->rest = text;
	if (text && *text == '/')
		walk_enter(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	return text && walk->dir >= 0;
}

/* `fd` is of a symbolic link: what it holds comes before the rest. */
static bool walk_follow(struct walk *walk, const char *target)
{
	char *text;

	if (++walk->links > LINKS_MAX ||
		asprintf(&text, "%s/%s", target, walk->rest ? walk->rest : "") < 0)
		return false;
	return walk_begin(walk, text);
}

static bool is_same(int fd, const struct statx *wanted)
{
	struct statx st;

	return statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_INO, &st) == 0 &&
	       st.stx_dev_major == wanted->stx_dev_major &&
	       st.stx_dev_minor == wanted->stx_dev_minor && st.stx_ino == wanted->stx_ino;
}

/* One component. False at the end, or if it cannot go on. */
static bool walk_step(struct walk *walk)
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
		walk_enter(walk, fd);
		return true;
	}
	close(fd);
	target[len] = '\0';
	return walk_follow(walk, target);
}

bool covered_by(const char *mountpoint, const char *path)
{
	CLEANUP(walk_done) struct walk walk = {.dir = -1};
	struct statx wanted;

	if (statx(AT_FDCWD, mountpoint, AT_NO_AUTOMOUNT, STATX_INO, &wanted) < 0 ||
		*path != '/' || !walk_begin(&walk, strdup(path)))
		return false;
	do
		if (is_same(walk.dir, &wanted))
			return true;
	while (walk_step(&walk));
	return false;
}
