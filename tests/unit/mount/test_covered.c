/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka.h"

#include "mount/covered.h"
#include "support/temp_root.h"

/* SEMANTICS 11.5: which files a mount would hide. */

enum { PATH_ROOM = 4096, SKIPPED = 77 };

static char root[] = "/tmp/gladiafs-covered-XXXXXX";

static void make(const char *name)
{
	assert_int_equal(mkdir(temp_root_path(root, name), 0700), 0);
}

static void make_link(const char *target, const char *name)
{
	assert_int_equal(symlink(target, temp_root_path(root, name)), 0);
}

static bool covers(const char *mountpoint, const char *path)
{
	char full[PATH_ROOM];

	snprintf(full, sizeof(full), "%s", temp_root_path(root, mountpoint));
	return covered_by(full, temp_root_path(root, path));
}

static int begin(void **state)
{
	(void)state;
	if (temp_root_make(root))
		return -1;
	make("home");
	make("home/mnt");
	make("home/mnt/below");
	make("home/other");
	return 0;
}

static int end(void **state)
{
	(void)state;
	return temp_root_remove(root);
}

static void test_paths(void **state)
{
	(void)state;
	assert_true(covers("home", "home"));
	assert_true(covers("home", "home/mnt/below"));
	assert_true(covers("home", "home//mnt/./below/"));
	assert_true(covers("home/mnt", "home/mnt/below"));
	assert_false(covers("home/mnt", "home"));
	assert_false(covers("home/mnt", "home/other"));
	assert_false(covers("home/mnt", "home/mnt2"));
	assert_true(covered_by("/", "/usr"));
	assert_true(covered_by("/", "/"));
}

/*
 * A path that does not exist yet is covered if it would be created below the mount point.
 */
static void test_end_is_missing(void **state)
{
	(void)state;
	assert_true(covers("home/mnt", "home/mnt/below/not/there"));
	assert_true(covers("home/mnt", "home/mnt/not"));
	assert_false(covers("home/mnt", "home/not/there"));
	assert_false(covers("home/not", "home/not/there"));
}

/* A path that leads through the mount point is covered, even if the file is elsewhere. */
static void test_through(void **state)
{
	(void)state;
	assert_true(covers("home/mnt", "home/mnt/../other"));
	make_link("../other", "home/mnt/link");
	assert_true(covers("home/mnt", "home/mnt/link"));
	make_link("mnt/link", "home/twice");
	assert_true(covers("home/mnt", "home/twice"));
	assert_false(covers("home/mnt", "home/other/../other"));
}

static void test_links(void **state)
{
	char target[PATH_ROOM];

	(void)state;
	make_link("mnt/below", "home/relative");
	make_link("relative", "home/chain");
	snprintf(target, sizeof(target), "%s", temp_root_path(root, "home/mnt"));
	make_link(target, "home/other/absolute");
	make_link("loop", "home/loop");
	make_link("nowhere", "home/dangling");
	assert_true(covers("home/mnt", "home/relative"));
	assert_true(covers("home/mnt", "home/chain/file"));
	assert_true(covers("home/mnt", "home/other/absolute/below"));
	assert_true(covers("home/other/absolute", "home/mnt/below"));
	assert_false(covers("home/mnt", "home/loop"));
	assert_false(covers("home/mnt", "home/dangling"));
}

/*
 * Runs in a child with its own mount namespace. Returns SKIPPED if that is not permitted.
 */
static int with_bind_mounts(void)
{
	char mnt[PATH_ROOM];
	char other[PATH_ROOM];

	snprintf(mnt, sizeof(mnt), "%s", temp_root_path(root, "home/mnt"));
	snprintf(other, sizeof(other), "%s", temp_root_path(root, "home/other"));
	if (unshare(CLONE_NEWNS) ||
		mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
		mount(mnt, other, "none", MS_BIND, NULL))
		return SKIPPED;
	if (!covers("home/mnt", "home/other/below") ||
		!covers("home/other", "home/mnt/below"))
		return 1;
	/* A filesystem that is mounted over a directory hides the directory's files. */
	if (mount("none", mnt, "tmpfs", 0, NULL))
		return SKIPPED;
	return covers("home/mnt", "home/other/below") ? 2 : 0;
}

static void test_bind_mounts(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (!child)
		_exit(with_bind_mounts());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_paths, begin, end),
		cmocka_unit_test_setup_teardown(test_end_is_missing, begin, end),
		cmocka_unit_test_setup_teardown(test_through, begin, end),
		cmocka_unit_test_setup_teardown(test_links, begin, end),
		cmocka_unit_test_setup_teardown(test_bind_mounts, begin, end),
	};

	return cmocka_run_group_tests_name("covered", tests, NULL, NULL);
}
