/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "base/errmsg.h"
#include "config/cache_path.h"
#include "support/temp_root.h"

/* SEMANTICS 7.4: the path of the database file, and refused paths. */

enum { PATH_ROOM = 4096, SKIPPED = 77, NAME_LEN = 32 + 3 };

#define ORIGIN "https://api.gladia.io"
#define SECRET "45463597-5EC2-4af7-b3b3-f5fb778203ab"

/*
 * File system type that statfs(2) reports for `remote` and everything below it (the
 * linker's --wrap).
 */
static const char *remote = "/nowhere";
static unsigned filesystem = NFS_SUPER_MAGIC;

int __wrap_fstatfs(int fd, struct statfs *ret);
int __wrap_fstatfs64(int fd, struct statfs *ret);

int __wrap_fstatfs(int fd, struct statfs *ret)
{
	char link[64];
	char path[PATH_ROOM] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		return -1;
	*ret = (struct statfs){.f_type = EXT4_SUPER_MAGIC};
	if (!strncmp(path, remote, strlen(remote)))
		ret->f_type = filesystem;
	return 0;
}

int __wrap_fstatfs64(int fd, struct statfs *ret)
{
	return __wrap_fstatfs(fd, ret);
}

static char root[] = "/tmp/gladiafs-cache-XXXXXX";

static const char *in_root(const char *name)
{
	return temp_root_path(root, name);
}

static int begin(void **state)
{
	(void)state;
	unsetenv("XDG_CACHE_HOME");
	return temp_root_make(root) ? -1 : setenv("HOME", root, 1);
}

static int end(void **state)
{
	(void)state;
	return temp_root_remove(root);
}

/* Returns the path; the caller frees it. */
static char *path_of(const char *cache_dir, const char *origin, const char *key)
{
	struct buf note;
	struct buf errmsg;
	char *path = NULL;

	buf_init(&note, ERRMSG_MAX);
	buf_init(&errmsg, ERRMSG_MAX);

	int err = cache_path_find(cache_dir, origin, key, &path, &note, &errmsg);

	if (err)
		fail_msg("%d: %s", err, errmsg.data);
	assert_int_equal(errmsg.len, 0);
	buf_done(&note);
	buf_done(&errmsg);
	return path;
}

/* The file must be in `directory`, which only its owner can access. */
static void assert_in(const char *cache_dir, const char *directory)
{
	char *path = path_of(cache_dir, ORIGIN, SECRET);
	char *slash = strrchr(path, '/');
	struct stat st;

	assert_non_null(slash);
	*slash = '\0';
	assert_string_equal(path, directory);
	assert_int_equal(stat(directory, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0700);
	free(path);
}

static void assert_refused(const char *cache_dir, int error, const char *wanted)
{
	struct buf note;
	struct buf errmsg;
	char *path = NULL;

	buf_init(&note, ERRMSG_MAX);
	buf_init(&errmsg, ERRMSG_MAX);
	assert_int_equal(
		cache_path_find(cache_dir, ORIGIN, SECRET, &path, &note, &errmsg), error);
	assert_null(path);
	assert_non_null(errmsg.data);
	if (!strstr(errmsg.data, wanted))
		fail_msg("not '%s' in '%s'", wanted, errmsg.data);
	assert_null(strchr(errmsg.data, '\n'));
	buf_done(&note);
	buf_done(&errmsg);
}

/*
 * SEMANTICS 7.4: $XDG_CACHE_HOME, else ~/.cache; SEMANTICS 1.4: cache_dir= overrides
 * both.
 */
static void test_order(void **state)
{
	(void)state;
	assert_in(NULL, in_root(".cache/gladiafs"));
	assert_int_equal(setenv("XDG_CACHE_HOME", "relative", 1), 0);
	assert_in(NULL, in_root(".cache/gladiafs"));
	assert_int_equal(setenv("XDG_CACHE_HOME", in_root("not/there/yet"), 1), 0);
	assert_in(NULL, in_root("not/there/yet/gladiafs"));
	assert_in(in_root("named/with option/"), in_root("named/with option/"));
	assert_in(in_root("named//twice"), in_root("named//twice"));
}

/* The mode of the directory does not depend on umask(2). */
static void test_mode(void **state)
{
	mode_t mask = umask(0);

	(void)state;
	assert_in(NULL, in_root(".cache/gladiafs"));
	umask(mask);
}

/*
 * SEMANTICS 7.4: each account has its own file, whose name reveals neither origin nor
 * key.
 */
static void test_name(void **state)
{
	char *one = path_of(NULL, ORIGIN, SECRET);
	char *again = path_of(NULL, ORIGIN, SECRET);
	char *other_key = path_of(NULL, ORIGIN, "another");
	char *other_origin = path_of(NULL, "http://127.0.0.1:8080", SECRET);
	const char *name = strrchr(one, '/') + 1;

	(void)state;
	assert_string_equal(one, again);
	assert_string_not_equal(one, other_key);
	assert_string_not_equal(one, other_origin);
	assert_int_equal(strlen(name), NAME_LEN);
	assert_int_equal(strspn(name, "0123456789abcdef"), NAME_LEN - strlen(".db"));
	assert_string_equal(name + NAME_LEN - strlen(".db"), ".db");
	/* Must never change: printf 'cache\0%s\n%s' ORIGIN KEY | sha256sum */
	assert_string_equal(name, "63e87d124d3ed11a8f243596081d945a.db");
	free(one);
	free(again);
	free(other_key);
	free(other_origin);
}

/*
 * SEMANTICS 7.4: a directory that others can write to is refused: they could put another
 * database there.
 */
static void test_open_to_others(void **state)
{
	static const mode_t open_modes[] = {0777, 0770, 0720, 0702, 01777};
	static const mode_t good_modes[] = {0700, 0755, 0711};
	char dir[PATH_ROOM];

	(void)state;
	strcpy(dir, in_root("dir"));
	assert_int_equal(mkdir(dir, 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(open_modes); i++) {
		assert_int_equal(chmod(dir, open_modes[i]), 0);
		assert_refused(dir, -EPERM, "chmod 700");
	}
	for (size_t i = 0; i < ARRAY_SIZE(good_modes); i++) {
		assert_int_equal(chmod(dir, good_modes[i]), 0);
		free(path_of(dir, ORIGIN, SECRET));
	}
}

/* SEMANTICS 7.4: a directory of another user is refused. */
static void test_of_another_user(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		assert_refused("/usr", -EPERM, "belongs to another user");
		return;
	}
	assert_int_equal(mkdir(in_root("dir"), 0700), 0);
	assert_int_equal(chown(in_root("dir"), 12345, 12345), 0);
	assert_refused(in_root("dir"), -EPERM, "belongs to another user (12345)");
}

static void test_cannot_be_made(void **state)
{
	int fd = open(in_root("file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_refused(in_root("file"), -ENOTDIR, "is not a directory");
	assert_refused(in_root("file/below"), -ENOTDIR, "cannot create");
	assert_refused("/proc/gladiafs", -ENOENT, "-o cache_dir=PATH");
	assert_int_equal(symlink("loop", in_root("loop")), 0);
	assert_refused(in_root("loop"), -ELOOP, "cannot access");
	assert_int_equal(symlink("nowhere", in_root("gone")), 0);
	assert_refused(in_root("gone"), -ENOENT, "cannot access");
}

/*
 * Runs `fn` in a child process with empty private /var/cache and /etc; skips the test if
 * the system does not permit that.
 */
static void in_child(int (*fn)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		if (unshare(CLONE_NEWNS) ||
			mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
			mount("none", "/var/cache", "tmpfs", 0, "mode=755") ||
			mount("none", "/etc", "tmpfs", 0, "mode=755"))
			_exit(SKIPPED);
		_exit(fn());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static bool is_below(const char *directory)
{
	struct buf note;
	struct buf errmsg;
	char *path = NULL;

	buf_init(&note, ERRMSG_MAX);
	buf_init(&errmsg, ERRMSG_MAX);

	int err = cache_path_find(NULL, ORIGIN, SECRET, &path, &note, &errmsg);
	bool good = !err && strncmp(path, directory, strlen(directory)) == 0 &&
		    path[strlen(directory)] == '/';

	if (!good)
		fprintf(stderr, "%d: %s\n", err, err ? errmsg.data : path);
	free(path);
	buf_done(&note);
	buf_done(&errmsg);
	return good;
}

static bool put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	return file && fputs(text, file) >= 0 && fclose(file) == 0;
}

static int without_home(void)
{
	char line[PATH_ROOM];

	unsetenv("HOME");
	if (!is_below("/var/cache/gladiafs"))
		return 1;
	/* The home of another user is taken from the password database. */
	snprintf(line, sizeof(line), "somebody:x:12345:12345::%s:/bin/sh\n", root);
	if (!put_file("/etc/passwd", line) ||
		!put_file("/etc/nsswitch.conf", "passwd: files\n") ||
		chown(root, 12345, 12345) || seteuid(12345))
		return SKIPPED;
	if (!is_below(in_root(".cache/gladiafs")))
		return 2;
	/*
	 * That also holds if HOME belongs to another user: mount.fuse3 sets it to /root.
	 */
	if (setenv("HOME", "/etc", 1) || setenv("XDG_CACHE_HOME", "/etc/cache", 1))
		return SKIPPED;
	return is_below(in_root(".cache/gladiafs")) ? 0 : 3;
}

/* SEMANTICS 7.4, 2.1: a mount from fstab may have no HOME, or that of another user. */
static void test_without_home(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	in_child(without_home);
}

/* Finds the path and the note about it. Returns 0, or an error. */
static int find_cache(const char *cache_dir, char *path, char *messages)
{
	struct buf note;
	struct buf errmsg;
	char *found = NULL;

	buf_init(&note, ERRMSG_MAX);
	buf_init(&errmsg, ERRMSG_MAX);

	int err = cache_path_find(cache_dir, ORIGIN, SECRET, &found, &note, &errmsg);

	snprintf(path, PATH_ROOM, "%s", found ? found : "");
	snprintf(messages, PATH_ROOM, "%s%s", note.len ? note.data : "",
		errmsg.len ? errmsg.data : "");
	free(found);
	buf_done(&note);
	buf_done(&errmsg);
	return err;
}

static bool is_in(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return !strncmp(path, directory, len) && path[len] == '/';
}

/* Returns 0, or the number of the check that failed. */
static int on_a_network(void)
{
	char path[PATH_ROOM], messages[PATH_ROOM], local[64];
	struct stat st;

	if (mount("none", "/var/tmp", "tmpfs", 0, "mode=1777"))
		return SKIPPED;
	snprintf(local, sizeof(local), "/var/tmp/gladiafs-%u", geteuid());
	/*
	 * By default another directory is used, and nothing is created in the original
	 * one.
	 */
	remote = root;
	if (find_cache(NULL, path, messages) || !is_in(path, local) ||
		!strstr(messages, local) ||
		!strstr(messages, in_root(".cache/gladiafs")) ||
		!strstr(messages, "NFS") || stat(local, &st) ||
		(st.st_mode & 07777) != 0700)
		return 1;
	if (!stat(in_root(".cache"), &st))
		return 2;
	/* A directory that the user names is used nevertheless. */
	if (find_cache(in_root("named"), path, messages) ||
		!is_in(path, in_root("named")) || !strstr(messages, "NFS") ||
		!strstr(messages, "cache_dir=PATH"))
		return 3;
	filesystem = FUSE_SUPER_MAGIC;
	if (find_cache(NULL, path, messages) || !is_in(path, local) ||
		!strstr(messages, "FUSE"))
		return 4;
	/* The local directory is refused if another user could replace it. */
	if (rmdir(local) || symlink(root, local) ||
		find_cache(NULL, path, messages) != -ENOTDIR)
		return 5;
	if (unlink(local) || mkdir(local, 0700) || chown(local, 12345, 12345) ||
		find_cache(NULL, path, messages) != -EPERM ||
		!strstr(messages, "another user"))
		return 6;
	if (rmdir(local) || mkdir(local, 0777) || chmod(local, 0777) ||
		find_cache(NULL, path, messages) != -EPERM)
		return 7;
	/* There is no local disk. */
	remote = "/";
	if (find_cache(NULL, path, messages) ||
		!is_in(path, in_root(".cache/gladiafs")) || !strstr(messages, "FUSE"))
		return 8;
	/* On a local disk there is no note. */
	remote = "/nowhere";
	return find_cache(NULL, path, messages) || *messages ? 9 : 0;
}

/*
 * SEMANTICS 7.6.2: a cache on a network file system is moved to a local disk, with a
 * note.
 */
static void test_network_filesystem(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	in_child(on_a_network);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, begin, end),
		cmocka_unit_test_setup_teardown(test_mode, begin, end),
		cmocka_unit_test_setup_teardown(test_name, begin, end),
		cmocka_unit_test_setup_teardown(test_open_to_others, begin, end),
		cmocka_unit_test_setup_teardown(test_of_another_user, begin, end),
		cmocka_unit_test_setup_teardown(test_cannot_be_made, begin, end),
		cmocka_unit_test_setup_teardown(test_without_home, begin, end),
		cmocka_unit_test_setup_teardown(test_network_filesystem, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
