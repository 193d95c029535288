/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "options_parsed.h"
#include "support/temp_root.h"

/* Options in files: SEMANTICS 1.10. */

enum { PATH_ROOM = 4096 };

/* Directory of this test, which is $XDG_CONFIG_HOME. */
static char root[] = "/tmp/gladiafs-profile-XXXXXX";

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(temp_root_path(root, name), "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int begin(void **state)
{
	(void)state;
	if (temp_root_make(root) || setenv("XDG_CONFIG_HOME", root, 1) ||
		unsetenv("GLADIA_API_URL"))
		return -1;
	return mkdir(temp_root_path(root, "gladiafs"), 0700);
}

static int end(void **state)
{
	(void)state;
	return temp_root_remove(root);
}

static void assert_path(const char *got, const char *name)
{
	char wanted[PATH_ROOM];

	snprintf(wanted, sizeof(wanted), "%s/gladiafs/%s", root, name);
	assert_string_equal(got, wanted);
}

/* SEMANTICS 1.10.1: the options of the profile apply; the mount shows its name. */
static void test_profile(void **state)
{
	struct parsed p;

	(void)state;
	write_file("gladiafs/work.conf",
		"# the account at work\n\nurl = https://EU.example/\nttl=5m\n"
		"  allow_other\t\ncache_size = 1GiB\nformats=json:txt\n");
	PARSE(&p, "gladiafs", "work", "m");
	assert_good(&p);
	assert_string_equal(p.options.source, "work");
	assert_string_equal(p.options.origin, "https://eu.example");
	assert_int_equal(p.options.ttl_ms, 5 * 60 * 1000);
	assert_true(p.options.allow_other);
	assert_int_equal(p.options.cache_size, UINT64_C(1) << 30);
	assert_path(p.options.key_file, "work.key");
	parsed_done(&p);
	PARSE(&p, "mount.gladiafs", "work", "m", "-o", "rw,noauto");
	assert_good(&p);
	assert_string_equal(p.options.source, "work");
	parsed_done(&p);
	PARSE(&p, "gladiafs", "--check", "work");
	assert_good(&p);
	assert_null(p.options.mountpoint);
	assert_string_equal(p.options.origin, "https://eu.example");
	parsed_done(&p);
}

/* A profile that was written with an editor of Windows. */
static void test_windows(void **state)
{
	struct parsed p;

	(void)state;
	write_file("gladiafs/work.conf",
		"\xef\xbb\xbfurl=https://eu.example\r\n\r\n# ttl=1\r\nttl=5m\r\n");
	PARSE(&p, "gladiafs", "work", "m");
	assert_good(&p);
	assert_string_equal(p.options.origin, "https://eu.example");
	assert_int_equal(p.options.ttl_ms, 5 * 60 * 1000);
	parsed_done(&p);
	write_file("gladiafs/work.conf", "ttl=5m\n\xef\xbb\xbf"
					 "allow_other\n");
	PARSE(&p, "gladiafs", "work", "m");
	assert_bad(&p, "work.conf:2: ");
	parsed_done(&p);
}

/* SEMANTICS 1.10.2: -o wins over the profile, and that over gladiafs.conf. */
static void test_precedence(void **state)
{
	struct parsed p;

	(void)state;
	write_file("gladiafs/gladiafs.conf", "ttl=1\ntimeout=2\nconnections=3\n");
	write_file("gladiafs/work.conf", "timeout=20\nconnections=30\n");
	PARSE(&p, "gladiafs", "-o", "connections=33", "work", "m");
	assert_good(&p);
	assert_int_equal(p.options.ttl_ms, 1000);
	assert_int_equal(p.options.timeout_ms, 20000);
	assert_int_equal(p.options.connections, 33);
	parsed_done(&p);
	PARSE(&p, "gladiafs", "m");
	assert_good(&p);
	assert_int_equal(p.options.ttl_ms, 1000);
	assert_int_equal(p.options.timeout_ms, 2000);
	assert_null(p.options.key_file);
	parsed_done(&p);
	PARSE(&p, "gladiafs", "https://a.example", "m");
	assert_good(&p);
	assert_string_equal(p.options.origin, "https://a.example");
	assert_int_equal(p.options.ttl_ms, 1000);
	parsed_done(&p);
}

/* Paths are relative to the file, or to the home directory. */
static void test_paths(void **state)
{
	char home[PATH_ROOM];
	struct parsed p;

	(void)state;
	assert_int_equal(setenv("HOME", root, 1), 0);
	write_file("gladiafs/work.conf", "key_file=k\ncache_dir=~/c\nca_file=/ca\n");
	PARSE(&p, "gladiafs", "work", "m");
	assert_good(&p);
	assert_path(p.options.key_file, "k");
	snprintf(home, sizeof(home), "%s/c", root);
	assert_string_equal(p.options.cache_dir, home);
	assert_string_equal(p.options.ca_file, "/ca");
	parsed_done(&p);
}

/* SEMANTICS 1.10.3: an error names the file and the line. */
static void test_errors(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} bad[] = {
		{"\ntll=5\n",
			"work.conf:2: unknown option \"-o tll\": did you mean -o ttl?"},
		{"ttl=soon", "work.conf:1: -o ttl takes a number"},
		{"#\n#\nkey=SECRET", "work.conf:3: there is no option \"-o key\""},
		{"url=", "work.conf:1: url is not a URL"},
		{"allow_other=1", "work.conf:1: -o allow_other takes no value"},
		{"key_file=", "work.conf:1: -o key_file takes the path"},
		{"url=http://a.example", "work.conf:1: url begins with http://"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct parsed p;

		write_file("gladiafs/work.conf", bad[i].text);
		PARSE(&p, "gladiafs", "work", "m");
		assert_bad(&p, bad[i].why);
		assert_null(strstr(why_of(&p), "SECRET"));
		parsed_done(&p);
	}
}

/* SEMANTICS 1.10.3: what cannot be read is named, and does not block. */
static void test_no_regular_file(void **state)
{
	struct parsed p;

	(void)state;
	assert_int_equal(mkfifo(temp_root_path(root, "gladiafs/work.conf"), 0600), 0);
	PARSE(&p, "gladiafs", "work", "m");
	assert_bad(&p, "work.conf is not a regular file");
	parsed_done(&p);
	assert_int_equal(unlink(temp_root_path(root, "gladiafs/work.conf")), 0);
	assert_int_equal(mkdir(temp_root_path(root, "gladiafs/work.conf"), 0700), 0);
	PARSE(&p, "gladiafs", "work", "m");
	assert_bad(&p, "work.conf is not a regular file");
	parsed_done(&p);
}

/*
 * SEMANTICS 1.10.6: a file that another user can change could send the key to a server of
 * theirs.
 */
static void test_writable_by_others(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
		mode_t good;
	} cases[] = {
		{"gladiafs/work.conf", 0620, 0600},
		{"gladiafs/work.conf", 0602, 0644},
		{"gladiafs", 0770, 0700},
		{"gladiafs", 0777, 01777},
	};

	(void)state;
	write_file("gladiafs/work.conf", "ttl=1\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *path = temp_root_path(root, cases[i].name);
		char why[PATH_ROOM];
		struct parsed p;

		assert_int_equal(chmod(path, cases[i].mode), 0);
		snprintf(why, sizeof(why),
			"others can change it (mode %04o): chmod go-w %s", cases[i].mode,
			path);
		PARSE(&p, "gladiafs", "work", "m");
		assert_bad(&p, why);
		parsed_done(&p);
		path = temp_root_path(root, cases[i].name);
		assert_int_equal(chmod(path, cases[i].good), 0);
		PARSE(&p, "gladiafs", "work", "m");
		assert_good(&p);
		parsed_done(&p);
	}
}

/* SEMANTICS 1.1.8: a name that is no profile's is explained; a directory is no profile.
 */
static void test_no_profile(void **state)
{
	struct parsed p;

	(void)state;
	PARSE(&p, "gladiafs", "work", "m");
	assert_bad(&p,
		"\"work\" is neither a URL such as https://api.gladia.io nor the name");
	parsed_done(&p);
	write_file("gladiafs/work.conf", "ttl=1\n");
	write_file("gladiafs/gladiafs.conf", "");
	PARSE(&p, "gladiafs", "../gladiafs/work", "m");
	assert_bad(&p, "is neither a URL");
	parsed_done(&p);
	PARSE(&p, "gladiafs", "wrok", "m");
	assert_bad(&p, "\"wrok\" is neither a URL nor the name of a profile; did you "
		       "mean work?");
	parsed_done(&p);
	PARSE(&p, "gladiafs", "--check", "wrok");
	assert_bad(&p, "did you mean gladiafs --check work?");
	parsed_done(&p);
	PARSE(&p, "gladiafs", "--check", "nothing");
	assert_good(&p);
	parsed_done(&p);
	PARSE(&p, "gladiafs", "glladiafs", "m");
	assert_bad(&p, "\"glladiafs\" is neither a URL such as");
	parsed_done(&p);
	/* As MOUNTPOINT the word is a directory. */
	PARSE(&p, "gladiafs", "work");
	assert_good(&p);
	assert_string_equal(p.options.mountpoint, "work");
	assert_int_equal(p.options.ttl_ms, 60000);
	parsed_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_profile, begin, end),
		cmocka_unit_test_setup_teardown(test_windows, begin, end),
		cmocka_unit_test_setup_teardown(test_precedence, begin, end),
		cmocka_unit_test_setup_teardown(test_paths, begin, end),
		cmocka_unit_test_setup_teardown(test_errors, begin, end),
		cmocka_unit_test_setup_teardown(test_no_regular_file, begin, end),
		cmocka_unit_test_setup_teardown(test_writable_by_others, begin, end),
		cmocka_unit_test_setup_teardown(test_no_profile, begin, end),
	};

	return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
