/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka.h"

#include "config/api_key.h"
#include "support/temp_root.h"

/* Which place the key was read from, and which places that hides: SEMANTICS 2.1, 1.5. */

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
	/*
	 * Creates the file again: one that was made read-only cannot be opened for
	 * writing.
	 */
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

static void remove_root(char *text)
{
	size_t len = strlen(root);

	for (char *found; (found = strstr(text, root));)
		memmove(found, found + len, strlen(found + len) + 1);
}

/*
 * The key must be found at `wanted`, which names paths relative to the test's directory.
 */
static void assert_from(const char *key_file, const char *wanted)
{
	struct key_source source = {0};
	struct buf errmsg, text;
	char *key = NULL;

	buf_init(&errmsg, WHY_MAX);
	buf_init(&text, KEY_PLACE_MAX);
	assert_int_equal(api_key_find(key_file, &key, &source, &errmsg), 0);
	assert_int_equal(key_source_print(&source, &text), 0);
	remove_root(text.data);
	assert_string_equal(text.data, wanted);
	api_key_free(key);
	key_source_done(&source);
	buf_done(&errmsg);
	buf_done(&text);
}

static void assert_refused(const char *key_file, int error, const char *wanted)
{
	struct key_source source = {0};
	struct buf errmsg;
	char *key = NULL;

	buf_init(&errmsg, WHY_MAX);
	assert_int_equal(api_key_find(key_file, &key, &source, &errmsg), error);
	assert_null(key);
	assert_null(source.path);
	assert_null(source.hidden);
	if (!strstr(errmsg.data, wanted))
		fail_msg("not '%s' in '%s'", wanted, errmsg.data);
	buf_done(&errmsg);
}

/* SEMANTICS 2.1: a key hides every later place that exists, and nothing else. */
static void test_what_it_hides(void **state)
{
	(void)state;
	write_key(".gladia", "of-home\n");
	assert_from(NULL, "from /.gladia");

	assert_int_equal(setenv("GLADIA_API_KEY", "of-variable", 1), 0);
	assert_from(NULL, "from GLADIA_API_KEY, which comes before /.gladia");

	/* A dangling link does not count as a place. */
	make_directory(".config");
	make_directory(".config/gladiafs");
	assert_int_equal(symlink("nowhere", in_root(".config/gladiafs/key")), 0);
	assert_int_equal(setenv("GLADIA_API_KEY", "of-variable", 1), 0);
	assert_from(NULL, "from GLADIA_API_KEY, which comes before /.gladia");
	assert_from(NULL, "from /.gladia");
	unlink(in_root(".config/gladiafs/key"));

	/* A place whose file would be refused counts, because it exists. */
	write_file(".config/gladiafs/key", SECRET, strlen(SECRET), 0644);
	write_key("option", "of-option\n");
	make_directory("credentials");
	write_key("credentials/gladia-key", "of-credentials");
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", in_root("credentials"), 1), 0);
	assert_int_equal(setenv("GLADIA_API_KEY", "of-variable", 1), 0);
	assert_from(in_root("option"),
		"from /option, which comes before /credentials/gladia-key "
		"and GLADIA_API_KEY and /.config/gladiafs/key and /.gladia");
}

/* SEMANTICS 2.1: the error about a refused place names the valid place that it hides. */
static void test_refused_names_what_it_hides(void **state)
{
	char hides[PATH_ROOM];

	(void)state;
	write_key(".gladia", "good\n");
	snprintf(hides, sizeof(hides), "(this comes before %s)", in_root(".gladia"));
	assert_int_equal(setenv("GLADIA_API_KEY", "no key", 1), 0);
	assert_refused(NULL, -EINVAL, hides);
	make_directory(".config");
	make_directory(".config/gladiafs");
	write_file(".config/gladiafs/key", SECRET, strlen(SECRET), 0644);
	assert_refused(NULL, -EACCES, hides);
	/* in_root() has only one buffer. */
	snprintf(hides, sizeof(hides), "%s", in_root(".config/gladiafs/key"));
	assert_refused(in_root("missing"), -ENOENT, hides);
}

/*
 * SEMANTICS 1.5: the key is read again from the file it was found in, even if another
 * place exists now.
 */
static void test_read_again(void **state)
{
	struct key_source source = {0};
	struct buf errmsg;
	char *key = NULL;

	(void)state;
	buf_init(&errmsg, WHY_MAX);
	write_key(".gladia", "first\n");
	assert_int_equal(api_key_find(NULL, &key, &source, &errmsg), 0);
	assert_int_equal(key_source_keep(&source), 0);
	api_key_free(key);
	assert_int_equal(setenv("GLADIA_API_KEY", "of-variable", 1), 0);
	write_key(".gladia", "second\n");
	assert_int_equal(key_read_again(&source, &key, &errmsg), 0);
	assert_string_equal(key, "second");
	api_key_free(key);

	write_file(".gladia", SECRET, strlen(SECRET), 0644);
	assert_int_equal(key_read_again(&source, &key, &errmsg), -EACCES);
	assert_int_equal(unlink(in_root(".gladia")), 0);
	assert_int_equal(key_read_again(&source, &key, &errmsg), -ENOENT);
	assert_non_null(strstr(errmsg.data, in_root(".gladia")));
	key_source_done(&source);
	buf_done(&errmsg);
}

/* The path may have more slashes than it needs. */
static void test_read_again_by_any_path(void **state)
{
	static const char *const forms[] = {"a/b/key", "//a///b//key", "a/./b/../b/key"};
	struct buf errmsg;
	char path[PATH_ROOM];

	(void)state;
	buf_init(&errmsg, WHY_MAX);
	make_directory("a");
	make_directory("a/b");
	for (size_t i = 0; i < 3; i++) {
		struct key_source source = {0};
		char *key = NULL;

		snprintf(path, sizeof(path), "%s/%s", root, forms[i]);
		write_key("a/b/key", "first\n");
		assert_int_equal(api_key_find(path, &key, &source, &errmsg), 0);
		assert_int_equal(key_source_keep(&source), 0);
		assert_string_equal(source.name, "key");
		api_key_free(key);
		write_key("a/b/key", "second\n");
		assert_int_equal(key_read_again(&source, &key, &errmsg), 0);
		assert_string_equal(key, "second");
		api_key_free(key);
		key_source_done(&source);
	}
	buf_done(&errmsg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_it_hides, begin, end),
		cmocka_unit_test_setup_teardown(
			test_refused_names_what_it_hides, begin, end),
		cmocka_unit_test_setup_teardown(test_read_again, begin, end),
		cmocka_unit_test_setup_teardown(test_read_again_by_any_path, begin, end),
	};

	return cmocka_run_group_tests_name("key_source", tests, NULL, NULL);
}
