/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "config/api_key.h"
#include "support/temp_root.h"

/*
 * SEMANTICS 2.2: directories in which a key file is refused. Checks of the file itself:
 * test_api_key.c.
 */

enum { WHY_MAX = 8192, PATH_ROOM = 4096, SKIPPED = 77 };

#define SECRET "45463597-5EC2-4af7-b3b3-f5fb778203ab"

static char root[] = "/tmp/gladiafs-keyplace-XXXXXX";

static const char *in_root(const char *name)
{
	return temp_root_path(root, name);
}

static void write_key(const char *name)
{
	int fd = open(in_root(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, SECRET "\n", sizeof(SECRET)), sizeof(SECRET));
	assert_int_equal(close(fd), 0);
}

static void make_directory(const char *name)
{
	assert_int_equal(mkdir(in_root(name), 0700), 0);
}

static void assert_taken(const char *path)
{
	struct buf errmsg;
	char *key = NULL;

	buf_init(&errmsg, WHY_MAX);

	struct key_source source = {0};
	int err = api_key_find(path, &key, &source, &errmsg);

	if (err)
		fail_msg("%d: %s", err, errmsg.data);
	assert_string_equal(key, SECRET);
	assert_string_equal(source.path, path);
	key_source_done(&source);
	api_key_free(key);
	buf_done(&errmsg);
}

/*
 * The key must be refused with -EACCES and a message that contains `wanted` and not the
 * key.
 */
static void assert_refused(const char *path, const char *wanted)
{
	struct buf errmsg;
	char *key = NULL;

	buf_init(&errmsg, WHY_MAX);
	struct key_source source = {0};

	assert_int_equal(api_key_find(path, &key, &source, &errmsg), -EACCES);
	assert_null(key);
	assert_null(source.path);
	assert_non_null(errmsg.data);
	if (!strstr(errmsg.data, wanted))
		fail_msg("not '%s' in '%s'", wanted, errmsg.data);
	assert_null(strstr(errmsg.data, "5EC2"));
	assert_null(strchr(errmsg.data, '\n'));
	buf_done(&errmsg);
}

/* SEMANTICS 2.2.6: a user who can write to the directory could replace the key file. */
static void test_directory(void **state)
{
	static const mode_t open_modes[] = {0770, 0707, 0777, 0722, 0730, 02770};
	static const mode_t good_modes[] = {0700, 0755, 0500, 01777, 01770};

	(void)state;
	make_directory("place");
	write_key("place/key");
	for (size_t i = 0; i < ARRAY_SIZE(open_modes); i++) {
		char command[PATH_ROOM + 16];

		assert_int_equal(chmod(in_root("place"), open_modes[i]), 0);
		snprintf(command, sizeof(command), "chmod go-w %s", in_root("place"));
		assert_refused(in_root("place/key"), command);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good_modes); i++) {
		assert_int_equal(chmod(in_root("place"), good_modes[i]), 0);
		assert_taken(in_root("place/key"));
	}
	assert_int_equal(chmod(in_root("place"), 0700), 0);
}

/*
 * Directories behind symbolic links, to the file or to a directory, are checked like the
 * key's own directory.
 */
static void test_directory_behind_links(void **state)
{
	(void)state;
	make_directory("open");
	make_directory("closed");
	write_key("open/key");
	write_key("closed/key");
	assert_int_equal(chmod(in_root("open"), 0777), 0);
	assert_int_equal(symlink("../open/key", in_root("closed/link")), 0);
	assert_int_equal(symlink("../closed/key", in_root("open/link")), 0);
	assert_int_equal(symlink("open", in_root("way")), 0);
	assert_refused(in_root("closed/link"), "/open");
	assert_refused(in_root("open/link"), "/open");
	assert_refused(in_root("way/key"), "/way");
	assert_int_equal(chdir(in_root("open")), 0);
	assert_refused("key", "chmod go-w .");
	assert_int_equal(chdir(in_root("closed")), 0);
	assert_taken("key");
	assert_int_equal(chdir("/"), 0);
}

/* The whole message names the file first, then what is wrong, and ends with a command. */
__attribute__((format(printf, 2, 3))) static void assert_message(
	const char *path, const char *format, ...)
{
	struct key_source source = {0};
	struct buf errmsg;
	char *key = NULL;
	char wanted[WHY_MAX];
	va_list args;
	int len = snprintf(
		wanted, sizeof(wanted), "the key in %s is not used, because ", path);

	va_start(args, format);
	vsnprintf(wanted + len, sizeof(wanted) - (size_t)len, format, args);
	va_end(args);
	buf_init(&errmsg, WHY_MAX);
	assert_int_equal(api_key_find(path, &key, &source, &errmsg), -EACCES);
	assert_string_equal(errmsg.data, wanted);
	buf_done(&errmsg);
}

static void test_messages(void **state)
{
	char path[PATH_ROOM];

	(void)state;
	make_directory("a place");
	write_key("a place/key");
	snprintf(path, sizeof(path), "%s", in_root("a place/key"));
	assert_int_equal(chmod(path, 0604), 0);
	assert_message(path,
		"others can read or write the file (mode 0604): chmod 600 '%s'", path);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(chmod(in_root("a place"), 0707), 0);
	assert_message(path,
		"others can write to its directory (mode 0707) and replace the file: "
		"chmod go-w '%s'",
		in_root("a place"));
	assert_int_equal(chmod(in_root("a place"), 0700), 0);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(path, 12345, 12345), 0);
	assert_message(path,
		"the file belongs to another user (12345): copy it to a file of your "
		"own, or chown 0 '%s'",
		path);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chown(in_root("a place"), 12345, 12345), 0);
	assert_message(path,
		"its directory %s belongs to another user (12345), and they could "
		"replace the file: move it to a directory of your own",
		in_root("a place"));
}

static void test_directory_of_others(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	make_directory("theirs");
	write_key("theirs/key");
	assert_int_equal(chown(in_root("theirs"), 12345, 12345), 0);
	assert_refused(in_root("theirs/key"), "belongs to another user (12345)");
	assert_int_equal(chmod(in_root("theirs"), 01777), 0);
	assert_refused(in_root("theirs/key"), "belongs to another user (12345)");
}

/* Returns 0 if the key is accepted or refused, as `wanted` says. */
static int is_wrong(const char *name, bool wanted)
{
	CLEANUP(buf_done) struct buf errmsg;
	CLEANUP(key_source_done) struct key_source source = {0};
	char *key = NULL;

	buf_init(&errmsg, WHY_MAX);

	bool taken = api_key_find(in_root(name), &key, &source, &errmsg) == 0;

	api_key_free(key);
	if (taken != wanted)
		fprintf(stderr, "%s: %s\n", name, errmsg.data ? errmsg.data : "taken");
	return taken != wanted;
}

/* Runs in a child process with its own mount namespace, if the system permits that. */
static int in_a_container(void)
{
	static const struct {
		mode_t mode;
		uid_t owner;
		bool taken;
	} files[] = {
		{0444, 0, true},
		{0440, 0, true},
		{0644, 0, true},
		{0664, 0, false},
		{0646, 0, false},
		{0444, 12345, false},
	};
	char secrets[PATH_ROOM];
	char name[32];

	snprintf(secrets, sizeof(secrets), "%s", in_root("secrets"));
	if (unshare(CLONE_NEWNS) ||
		mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
		mount("none", secrets, "tmpfs", 0, "mode=1777"))
		return SKIPPED;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(name, sizeof(name), "secrets/key%zu", i);
		write_key(name);
		if (chown(in_root(name), files[i].owner, 0) ||
			chmod(in_root(name), files[i].mode) || is_wrong(name, false))
			return 1;
	}
	if (mount("none", secrets, "none", MS_REMOUNT | MS_RDONLY, NULL))
		return SKIPPED;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(name, sizeof(name), "secrets/key%zu", i);
		if (is_wrong(name, files[i].taken))
			return 2;
	}
	return 0;
}

/*
 * SEMANTICS 2.2: secrets of Docker (0444) and Kubernetes (0644) are accepted if the mount
 * is read-only.
 */
static void test_read_only_mount(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip();
	make_directory("secrets");
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(in_a_container());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMP_ROOT_TEST(test_directory, root),
		TEMP_ROOT_TEST(test_directory_behind_links, root),
		TEMP_ROOT_TEST(test_messages, root),
		TEMP_ROOT_TEST(test_directory_of_others, root),
		TEMP_ROOT_TEST(test_read_only_mount, root),
	};

	return cmocka_run_group_tests_name("keyplace", tests, NULL, NULL);
}
