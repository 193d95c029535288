/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka.h"

#include "config/home.h"
#include "support/temp_root.h"

/* When HOME is used, and when the password database: SEMANTICS 2.1, 7.4. */

enum { PATH_ROOM = 4096, OTHER_UID = 12345 };

static char root[] = "/tmp/gladiafs-home-XXXXXX";

static const char *in_root(const char *name)
{
	return temp_root_path(root, name);
}

static void set(const char *name, const char *value)
{
	assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

/* Returns a directory of another user: root creates one, others use one of root's. */
static const char *foreign(void)
{
	static char path[PATH_ROOM];

	if (geteuid() != 0)
		return "/usr";
	snprintf(path, sizeof(path), "%s/foreign", root);
	if (mkdir(path, 0755) == 0)
		assert_int_equal(chown(path, OTHER_UID, OTHER_UID), 0);
	return path;
}

static void assert_path(const char *path, const char *wanted)
{
	if (!wanted) {
		assert_null(path);
		return;
	}
	assert_non_null(path);
	assert_string_equal(path, wanted);
}

/* Returns our home according to the password database; NULL if we are not in it. */
static const char *home_of_database(void)
{
	static char home[PATH_ROOM];
	const struct passwd *user = getpwuid(geteuid());

	if (!user || *user->pw_dir != '/')
		return NULL;
	snprintf(home, sizeof(home), "%s", user->pw_dir);
	return home;
}

/* A relative path does not count, as in the XDG specification. */
static void test_variable(void **state)
{
	(void)state;
	set("GLADIAFS_TEST", NULL);
	assert_null(home_variable("GLADIAFS_TEST"));
	set("GLADIAFS_TEST", "");
	assert_null(home_variable("GLADIAFS_TEST"));
	set("GLADIAFS_TEST", "relative/path");
	assert_null(home_variable("GLADIAFS_TEST"));
	set("GLADIAFS_TEST", foreign());
	assert_path(home_variable("GLADIAFS_TEST"), foreign());
	set("GLADIAFS_TEST", NULL);
}

static void assert_counts(const char *home)
{
	set("HOME", home);
	assert_path(home_from_environment(), home);
	assert_path(home_directory(), home);
}

static void assert_does_not_count(const char *home)
{
	set("HOME", home);
	assert_null(home_from_environment());
	assert_path(home_directory(), home_of_database());
}

/* SEMANTICS 2.1: HOME counts if it is ours, or does not exist yet. */
static void test_counts(void **state)
{
	(void)state;
	assert_counts(root);
	assert_counts(in_root("missing"));
	assert_counts(in_root("missing/below"));
	assert_int_equal(symlink(".", in_root("link")), 0);
	assert_counts(in_root("link"));
}

/* SEMANTICS 2.1: otherwise the password database is used. */
static void test_does_not_count(void **state)
{
	(void)state;
	assert_does_not_count(NULL);
	assert_does_not_count("");
	assert_does_not_count("relative");
	assert_does_not_count(foreign());
	assert_does_not_count("/dev/null");
	assert_does_not_count("/dev/null/below");
	assert_int_equal(symlink(foreign(), in_root("to_foreign")), 0);
	assert_does_not_count(in_root("to_foreign"));
}

/* With HOME as mount.fuse3 sets it, an ordinary user may not even look into /root. */
static int check_below_closed(void)
{
	static char below[PATH_ROOM];

	strcpy(below, in_root("home"));
	if (setegid(OTHER_UID) || seteuid(OTHER_UID) || setenv("HOME", below, 1))
		return 1;
	if (home_from_environment())
		return 2;
	strcat(below, "/.cache");
	if (setenv("XDG_CACHE_HOME", below, 1) || home_xdg("XDG_CACHE_HOME"))
		return 3;
	return 0;
}

/* SEMANTICS 2.1: a HOME below a directory that we cannot search does not count. */
static void test_closed(void **state)
{
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();

	pid_t child = fork();

	assert_true(child >= 0);
	if (!child)
		_exit(check_below_closed());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void assert_xdg(const char *home, const char *xdg, const char *wanted)
{
	set("HOME", home);
	set("XDG_CACHE_HOME", xdg);
	assert_path(home_xdg("XDG_CACHE_HOME"), wanted);
	set("XDG_CACHE_HOME", NULL);
}

/*
 * SEMANTICS 2.1, 7.4: an XDG directory below a HOME that does not count is not used,
 * either.
 */
static void test_xdg(void **state)
{
	char theirs[PATH_ROOM], below[PATH_ROOM], beside[PATH_ROOM], slashes[PATH_ROOM];

	(void)state;
	strcpy(theirs, foreign());
	snprintf(below, sizeof(below), "%.*s/.missing", PATH_ROOM / 2, theirs);
	snprintf(beside, sizeof(beside), "%.*s-not", PATH_ROOM / 2, theirs);
	snprintf(slashes, sizeof(slashes), "%.*s//", PATH_ROOM / 2, theirs);

	assert_xdg(theirs, NULL, NULL);
	assert_xdg(theirs, "relative", NULL);
	assert_xdg(theirs, theirs, NULL);
	assert_xdg(theirs, below, NULL);
	assert_xdg(slashes, below, NULL);
	assert_xdg(slashes, theirs, NULL);
	/* A directory whose name only starts like HOME is not below it. */
	assert_xdg(theirs, beside, beside);
	assert_xdg(slashes, beside, beside);
	assert_xdg(theirs, root, root);
	/* In a container HOME may be "/": directories below it are used nevertheless. */
	if (geteuid() != 0)
		assert_xdg("/", root, root);

	/* If HOME counts, is unset or relative, any absolute XDG directory is used. */
	assert_xdg(root, below, below);
	assert_xdg(NULL, below, below);
	assert_xdg("relative", below, below);
	assert_xdg(root, in_root("missing"), in_root("missing"));
}

/* A directory of ours is used even if it is below a HOME that does not count. */
static void test_xdg_ours_below(void **state)
{
	char ours[PATH_ROOM];

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(ours, sizeof(ours), "%.*s/ours", PATH_ROOM / 2, foreign());
	assert_xdg(foreign(), ours, NULL);
	assert_int_equal(mkdir(ours, 0700), 0);
	assert_xdg(foreign(), ours, ours);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMP_ROOT_TEST(test_variable, root),
		TEMP_ROOT_TEST(test_counts, root),
		TEMP_ROOT_TEST(test_does_not_count, root),
		TEMP_ROOT_TEST(test_closed, root),
		TEMP_ROOT_TEST(test_xdg, root),
		TEMP_ROOT_TEST(test_xdg_ours_below, root),
	};

	return cmocka_run_group_tests_name("home", tests, NULL, NULL);
}
