/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "config/api_key.h"
#include "support/temp_root.h"

/* Where the key is searched for, and what is refused: SEMANTICS 2.1, 2.2. */

enum { WHY_MAX = 8192, PATH_ROOM = 4096 };

#define SECRET "45463597-5EC2-4af7-b3b3-f5fb778203ab"

/* Directory of this test; the environment names no other. */
static char root[] = "/tmp/gladiafs-key-XXXXXX";

static const char *in_root(const char *name)
{
	return temp_root_path(root, name);
}

static void write_file(const char *name, const void *bytes, size_t len, mode_t mode)
{
	/* Creates the file again: a read-only file cannot be opened for writing. */
	unlink(in_root(name));

	int fd = open(in_root(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static void write_key(const char *name, const char *text)
{
	write_file(name, text, strlen(text), 0600);
}

static void make_directory(const char *name)
{
	assert_int_equal(mkdir(in_root(name), 0700), 0);
}

static int begin(void **state)
{
	(void)state;
	if (temp_root_make(root))
		return -1;
	unsetenv("CREDENTIALS_DIRECTORY");
	unsetenv("GLADIA_API_KEY");
	unsetenv("XDG_CONFIG_HOME");
	return setenv("HOME", root, 1);
}

static int end(void **state)
{
	(void)state;
	return temp_root_remove(root);
}

static void assert_key(const char *key_file, const char *wanted)
{
	struct buf errmsg;
	char *key = NULL;

	buf_init(&errmsg, WHY_MAX);

	struct key_source source = {0};
	int err = api_key_find(key_file, &key, &source, &errmsg);

	if (err)
		fail_msg("%d: %s", err, errmsg.data);
	key_source_done(&source);
	assert_string_equal(key, wanted);
	assert_int_equal(errmsg.len, 0);
	api_key_free(key);
	buf_done(&errmsg);
}

/*
 * Reading the key must fail with a one-line message that contains `wanted` and not the
 * key.
 */
static void assert_refused(const char *key_file, int error, const char *wanted)
{
	struct buf errmsg;
	char *key = NULL;

	buf_init(&errmsg, WHY_MAX);
	struct key_source source = {0};

	assert_int_equal(api_key_find(key_file, &key, &source, &errmsg), error);
	assert_null(key);
	assert_non_null(errmsg.data);
	if (!strstr(errmsg.data, wanted))
		fail_msg("not '%s' in '%s'", wanted, errmsg.data);
	assert_null(strstr(errmsg.data, "5EC2"));
	assert_null(strchr(errmsg.data, '\n'));
	buf_done(&errmsg);
}

/*
 * SEMANTICS 2.1.1: each place takes precedence over those after it; tested from the last
 * to the first.
 */
static void test_order(void **state)
{
	char option[PATH_ROOM];

	(void)state;
	write_key(".gladia", "of-home\n");
	assert_key(NULL, "of-home");

	make_directory(".config");
	make_directory(".config/gladiafs");
	write_key(".config/gladiafs/key", "of-config\n");
	assert_key(NULL, "of-config");

	make_directory("xdg");
	assert_int_equal(setenv("XDG_CONFIG_HOME", in_root("xdg"), 1), 0);
	assert_key(NULL, "of-home");
	make_directory("xdg/gladiafs");
	write_key("xdg/gladiafs/key", "of-xdg\n");
	assert_key(NULL, "of-xdg");

	assert_int_equal(setenv("GLADIA_API_KEY", "of-variable", 1), 0);
	assert_key(NULL, "of-variable");

	make_directory("credentials");
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", in_root("credentials"), 1), 0);
	assert_int_equal(setenv("GLADIA_API_KEY", "of-variable", 1), 0);
	assert_key(NULL, "of-variable");
	assert_int_equal(setenv("GLADIA_API_KEY", "of-variable", 1), 0);
	write_key("credentials/gladia-key", "of-credentials");
	assert_key(NULL, "of-credentials");

	write_key("option", "of-option\n");
	strcpy(option, in_root("option"));
	assert_key(option, "of-option");
}

/* SEMANTICS 2.1: the first place that exists decides, even if its file is refused. */
static void test_refused_ends_the_search(void **state)
{
	(void)state;
	make_directory(".config");
	make_directory(".config/gladiafs");
	write_key(".gladia", "good\n");
	write_file(".config/gladiafs/key", SECRET, strlen(SECRET), 0644);
	assert_refused(NULL, -EACCES, "/.config/gladiafs/key");
	assert_int_equal(setenv("GLADIA_API_KEY", " a " SECRET, 1), 0);
	assert_refused(NULL, -EINVAL, "GLADIA_API_KEY");
	assert_refused(in_root("missing"), -ENOENT, "/missing");
}

/* An unusable place is skipped: a file as directory, a relative or empty variable. */
static void test_no_places(void **state)
{
	(void)state;
	write_key(".gladia", "of-home\n");
	write_key(".config", "a file\n");
	assert_key(NULL, "of-home");
	assert_int_equal(setenv("XDG_CONFIG_HOME", "relative", 1), 0);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "", 1), 0);
	assert_int_equal(setenv("GLADIA_API_KEY", "", 1), 0);
	assert_key(NULL, "of-home");
	assert_int_equal(symlink("nowhere", in_root("gone")), 0);
	assert_int_equal(setenv("XDG_CONFIG_HOME", in_root("gone"), 1), 0);
	assert_key(NULL, "of-home");
}

/*
 * SEMANTICS 2.2: the variable is not inherited by children, nor visible in
 * /proc/PID/environ.
 */
static void test_variable_is_wiped(void **state)
{
	char variable[] = "GLADIA_API_KEY=" SECRET;

	(void)state;
	assert_int_equal(putenv(variable), 0);
	assert_key(NULL, SECRET);
	assert_null(getenv("GLADIA_API_KEY"));
	for (size_t i = strlen("GLADIA_API_KEY="); i < sizeof(variable); i++)
		assert_int_equal(variable[i], 0);

	/* The variable is also wiped if another place decides. */
	write_key("option", "of-option\n");
	assert_int_equal(setenv("GLADIA_API_KEY", SECRET, 1), 0);
	assert_key(in_root("option"), "of-option");
	assert_null(getenv("GLADIA_API_KEY"));
}

/* The key is the first line, without surrounding white space. */
static void test_first_line(void **state)
{
	static const char *const texts[] = {SECRET, SECRET "\n", SECRET "\r\n",
		"  " SECRET "\t \n", SECRET "\nsecond line\n", SECRET "\n\xff\xfe\n",
		SECRET "\r\n\r\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		write_key("key", texts[i]);
		assert_key(in_root("key"), SECRET);
	}
	assert_int_equal(setenv("GLADIA_API_KEY", " " SECRET "\r\n", 1), 0);
	assert_key(NULL, SECRET);
}

#define BYTES(text) text, sizeof(text) - 1

/* SEMANTICS 2.2: a file without a valid key is refused, and not quoted. */
static void test_no_key_in_it(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *why;
	} bad[] = {
		{BYTES(""), "contains no key"},
		{BYTES("\n"), "contains no key"},
		{BYTES(" \t\r\n"), "contains no key"},
		{BYTES("# " SECRET "\n"), "contains no key"},
		{BYTES("my key " SECRET), "spaces"},
		{BYTES(SECRET "\0"), "control characters"},
		{BYTES("\0" SECRET), "control characters"},
		{BYTES(SECRET "\x01"), "control characters"},
		{BYTES(SECRET "\x7f"), "control characters"},
		{BYTES("\xef\xbb\xbf" SECRET), "ASCII"},
		{BYTES("\xff\xfe" SECRET), "ASCII"},
		{BYTES("\x7f"
		       "ELF\x02\x01\x01\0" SECRET),
			"ASCII"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		write_file("key", bad[i].bytes, bad[i].len, 0600);
		assert_refused(in_root("key"), -EINVAL, bad[i].why);
	}
}

/* SEMANTICS 11.3: at most the maximum length of a key is read from a file of any size. */
static void test_length(void **state)
{
	static char bytes[1 << 20];

	(void)state;
	memset(bytes, 'k', sizeof(bytes));
	write_file("key", bytes, sizeof(bytes), 0600);
	assert_refused(in_root("key"), -EINVAL, "longer than 4096");
	write_file("key", bytes, KEY_MAX + 1, 0600);
	assert_refused(in_root("key"), -EINVAL, "longer than 4096");
	bytes[KEY_MAX] = '\n';
	write_file("key", bytes, sizeof(bytes), 0600);
	bytes[KEY_MAX] = '\0';
	assert_key(in_root("key"), bytes);
	write_file("key", bytes, KEY_MAX, 0600);
	assert_key(in_root("key"), bytes);
	bytes[KEY_MAX] = 'k';
	bytes[KEY_MAX + 1] = '\0';
	assert_int_equal(setenv("GLADIA_API_KEY", bytes, 1), 0);
	assert_refused(NULL, -EINVAL, "longer than 4096");
}

/*
 * SEMANTICS 2.2.1: a file that others can read or write is refused; the message contains
 * the chmod command that fixes it.
 */
static void test_permissions(void **state)
{
	static const mode_t open_modes[] = {
		0640, 0620, 0604, 0602, 0660, 0666, 0644, 0444, 0440, 0777, 04604};
	static const mode_t good_modes[] = {0600, 0400, 0700, 0711, 0500};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(open_modes); i++) {
		char command[PATH_ROOM + 16];

		write_file("key", SECRET, strlen(SECRET), open_modes[i]);
		snprintf(command, sizeof(command), "chmod 600 %s", in_root("key"));
		assert_refused(in_root("key"), -EACCES, command);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good_modes); i++) {
		write_file("key", SECRET, strlen(SECRET), good_modes[i]);
		assert_key(in_root("key"), SECRET);
	}
	write_file("a key", SECRET, strlen(SECRET), 0644);
	assert_refused(in_root("a key"), -EACCES, "chmod 600 '/tmp/");
	assert_int_equal(chmod(in_root("a key"), 0600), 0);
	assert_key(in_root("a key"), SECRET);
}

/* systemd's access list looks like a group permission on a file of root. */
static void test_credential_permissions(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", root, 1), 0);
	write_file("gladia-key", SECRET, strlen(SECRET), 0440);
	assert_key(NULL, SECRET);
	write_file("gladia-key", SECRET, strlen(SECRET), 0444);
	assert_refused(NULL, -EACCES, "chmod 600");
	write_file("gladia-key", SECRET, strlen(SECRET), 0460);
	assert_refused(NULL, -EACCES, "chmod 600");
	write_file("gladia-key", SECRET, strlen(SECRET), 0440);
	assert_int_equal(chown(in_root("gladia-key"), 12345, 0), 0);
	assert_refused(NULL, -EACCES, "belongs to another user");
}

/*
 * SEMANTICS 2.2: a file of another user is refused, because that user could read and
 * write it.
 */
static void test_owner(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	write_key("key", SECRET "\n");
	assert_int_equal(chown(in_root("key"), 12345, 12345), 0);
	assert_refused(in_root("key"), -EACCES, "belongs to another user (12345)");
}

/*
 * Anything but a file is refused at once: opening a FIFO without a writer would block
 * forever.
 */
static void test_not_a_file(void **state)
{
	(void)state;
	make_directory("directory");
	assert_refused(in_root("directory"), -EISDIR, "is a directory");
	/* A file of ours whose first byte cannot be read. */
	assert_refused("/proc/self/mem", -EIO, "/proc/self/mem");
	assert_int_equal(mkfifo(in_root("fifo"), 0600), 0);
	assert_refused(in_root("fifo"), -EINVAL, "not a regular file");
	assert_refused("/dev/null", -EINVAL, "not a regular file");
	write_key("key", SECRET "\n");
	assert_int_equal(symlink("key", in_root("link")), 0);
	assert_key(in_root("link"), SECRET);
	assert_int_equal(symlink("loop", in_root("loop")), 0);
	assert_refused(in_root("loop"), -ELOOP, "cannot open the key file");
	assert_refused(in_root("bad\nname"), -ENOENT, "/bad?name");
}

/*
 * Runs `fn` in a child process with an empty private /etc, for the last place of
 * SEMANTICS 2.1 and for the password database. Skips the test if the system does not
 * permit that.
 */
static void with_etc(int (*fn)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		if (unshare(CLONE_NEWNS) ||
			mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
			mount("none", "/etc", "tmpfs", 0, "mode=755"))
			_exit(77);
		_exit(fn());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file || fputs(text, file) < 0 || fclose(file))
		return -1;
	return chmod(path, 0600);
}

/*
 * Returns 0 if the search ends with `error` and the key or the message contains `wanted`.
 */
static int search(int error, const char *wanted)
{
	struct buf errmsg;
	char *key = NULL;

	buf_init(&errmsg, WHY_MAX);

	struct key_source source = {0};
	int err = api_key_find(NULL, &key, &source, &errmsg);
	const char *got = key ? key : errmsg.data;
	int wrong = err != error || !got || !strstr(got, wanted);

	if (wrong)
		fprintf(stderr, "%d: %s\n", err, got ? got : "");
	key_source_done(&source);
	api_key_free(key);
	buf_done(&errmsg);
	return wrong;
}

static int search_etc(void)
{
	/* SEMANTICS 2.1: the message names all places, and the values that were set. */
	if (search(-ENOKEY, "/etc/gladiafs/key") || search(-ENOKEY, "key_file=PATH") ||
		search(-ENOKEY, root))
		return 1;
	if (mkdir("/etc/gladiafs", 0755) || put_file("/etc/gladiafs/key", "of-etc\n"))
		return 2;
	if (search(0, "of-etc"))
		return 3;

	/* SEMANTICS 2.1: a mount from fstab may have no HOME. */
	char line[PATH_ROOM];

	snprintf(line, sizeof(line), "somebody:x:%u:%u::%s:/bin/sh\n", geteuid(),
		getegid(), root);
	if (unsetenv("HOME") || put_file("/etc/passwd", line) ||
		put_file("/etc/nsswitch.conf", "passwd: files\n"))
		return 4;
	if (put_file(in_root(".gladia"), "of-home\n") || search(0, "of-home"))
		return 5;
	if (setenv("HOME", "", 1) || search(0, "of-home"))
		return 6;

	/* SEMANTICS 2.1: HOME may be another user's, if mount.fuse3 sets it. */
	if (mkdir("/etc/other", 0755) || put_file("/etc/other/.gladia", "of-other\n") ||
		mkdir("/etc/other/gladiafs", 0755) ||
		put_file("/etc/other/gladiafs/key", "of-other\n") ||
		setenv("HOME", "/etc/other", 1) ||
		setenv("XDG_CONFIG_HOME", "/etc/other", 1))
		return 7;
	if (search(0, "of-other") || chown("/etc/other", 12345, 12345))
		return 8;
	return search(0, "of-home") ? 9 : 0;
}

static void test_etc_and_password_database(void **state)
{
	(void)state;
	with_etc(search_etc);
}

static int search_without_home(void)
{
	if (unsetenv("HOME") || put_file("/etc/passwd", ""))
		return 1;
	return search(-ENOKEY, "~/.gladia");
}

/* The user is not in the password database, and HOME is not set. */
static void test_unknown_user(void **state)
{
	(void)state;
	with_etc(search_without_home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, begin, end),
		cmocka_unit_test_setup_teardown(test_refused_ends_the_search, begin, end),
		cmocka_unit_test_setup_teardown(test_no_places, begin, end),
		cmocka_unit_test_setup_teardown(test_variable_is_wiped, begin, end),
		cmocka_unit_test_setup_teardown(test_first_line, begin, end),
		cmocka_unit_test_setup_teardown(test_no_key_in_it, begin, end),
		cmocka_unit_test_setup_teardown(test_length, begin, end),
		cmocka_unit_test_setup_teardown(test_permissions, begin, end),
		cmocka_unit_test_setup_teardown(test_credential_permissions, begin, end),
		cmocka_unit_test_setup_teardown(test_owner, begin, end),
		cmocka_unit_test_setup_teardown(test_not_a_file, begin, end),
		cmocka_unit_test_setup_teardown(
			test_etc_and_password_database, begin, end),
		cmocka_unit_test_setup_teardown(test_unknown_user, begin, end),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
