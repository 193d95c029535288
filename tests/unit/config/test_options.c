/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "options_parsed.h"
#include "render/render.h"

/* The command line: SEMANTICS 1.1 to 1.4, 2.2 (no option takes the key). */

static int no_environment(void **state)
{
	(void)state;
	return unsetenv("GLADIA_API_URL");
}

/* SEMANTICS 1.1, 1.4: the defaults. */
static void test_defaults(void **state)
{
	struct parsed p;

	(void)state;
	PARSE(&p, "gladiafs", "/mnt/gladia");
	assert_good(&p);
	assert_int_equal(p.options.action, OPTIONS_MOUNT);
	assert_string_equal(p.options.source, "https://api.gladia.io");
	assert_string_equal(p.options.origin, "https://api.gladia.io");
	assert_string_equal(p.options.account, "https://api.gladia.io");
	assert_string_equal(p.options.mountpoint, "/mnt/gladia");
	assert_false(p.options.foreground);
	assert_false(p.options.debug);
	assert_null(p.options.key_file);
	assert_null(p.options.ca_file);
	assert_null(p.options.proxy);
	assert_null(p.options.cache_dir);
	assert_true(p.options.cache_disk);
	assert_int_equal(p.options.cache_size, UINT64_C(2) << 30);
	assert_int_equal(p.options.ttl_ms, 60000);
	assert_int_equal(p.options.timeout_ms, 30000);
	assert_int_equal(p.options.connections, 8);
	assert_int_equal(p.options.page_size, 0);
	assert_true(p.options.log_syslog);
	assert_int_equal(p.options.uid, getuid());
	assert_int_equal(p.options.gid, getgid());
	assert_int_equal(p.options.umask, 0);
	assert_false(p.options.allow_other);
	assert_false(p.options.auto_unmount);
	assert_int_equal(p.options.formats, 1 << FORMAT_JSON);
	assert_false(p.options.allow_delete);
	assert_false(p.options.offline_ok);
	assert_false(p.options.xattr);
	assert_int_equal(p.options.mount_flags.len, 0);
	parsed_done(&p);
}

/*
 * SEMANTICS 1.2: an unknown option is an error that names the option, but never its
 * value.
 */
static void test_unknown_options(void **state)
{
	static const struct {
		const char *args[3];
		const char *why;
	} unknown[] = {
		{{"-o", "frobnicate"}, "\"-o frobnicate\""},
		{{"-o", "ttl=1,frobnicate=SECRET,ttl=2"}, "\"-o frobnicate\""},
		{{"-o", "TTL=SECRET"}, "\"-o TTL\""},
		{{"-o", "ttl2=SECRET"}, "\"-o ttl2\""},
		{{"-o", "tt=SECRET"}, "\"-o tt\""},
		{{"-o", "rw=SECRET"}, "\"-o rw\""},
		{{"-o", "nodev=SECRET"}, "\"-o nodev\""},
		{{"-o", "bad\nname"}, "\"-o bad\""},
		{{"-o", "=SECRET"}, "unknown option, not shown"},
		{{"-o", "SECRET63-20b7-4af7-b3b3-f5fb778203ab"}, "not shown"},
		{{"-o", "format=json:txt"}, "\"-o format\""},
		{{"-o", "formats=json,vtt"},
			"separated by colons, as in -o formats=json:vtt"},
		{{"-x"}, "\"-x\""},
		{{"-xSECRET"}, "\"-x\""},
		{{"-s"}, "\"-s\""},
		{{"-n"}, "\"-n\""},
		{{"-fx"}, "\"-x\""},
		{{"-\xc3\xa9"}, "not shown"},
		{{"--frobnicate=SECRET"}, "\"--frobnicate\""},
		{{"--help=SECRET"}, "take no value"},
		{{"-o"}, "-o takes a value"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		const char *args[] = {"gladiafs", "m", unknown[i].args[0],
			unknown[i].args[1], unknown[i].args[2], NULL};
		struct parsed p;

		parse(args, &p);
		assert_bad(&p, unknown[i].why);
		assert_null(strstr(why_of(&p), "SECRET"));
		parsed_done(&p);
	}
}

/* SEMANTICS 1.5, 1.7: options that act on existing mounts. */
static void test_paths(void **state)
{
	struct parsed p;

	(void)state;
	PARSE(&p, "gladiafs", "a", "--refresh", "b", "--", "-c");
	assert_good(&p);
	assert_int_equal(p.options.action, OPTIONS_REFRESH);
	assert_string_equal(p.options.paths[0], "a");
	assert_string_equal(p.options.paths[1], "b");
	assert_string_equal(p.options.paths[2], "-c");
	assert_null(p.options.paths[3]);
	parsed_done(&p);
	PARSE(&p, "gladiafs", "--fetch", "a");
	assert_good(&p);
	assert_int_equal(p.options.action, OPTIONS_FETCH);
	parsed_done(&p);
	PARSE(&p, "gladiafs", "--fetch");
	assert_bad(&p, "no PATH was given: gladiafs --fetch PATH...");
	parsed_done(&p);
	PARSE(&p, "gladiafs", "--refresh", "-o", "ttl=1", "a");
	assert_bad(&p, "take no other options: gladiafs --refresh PATH...");
	parsed_done(&p);
	PARSE(&p, "mount.gladiafs", "--fetch", "a", "b");
	assert_bad(&p, "take no other options");
	parsed_done(&p);
	PARSE(&p, "gladiafs", "--fetch=a");
	assert_bad(&p, "as a separate argument");
	parsed_done(&p);
}

/*
 * SEMANTICS 2.2: no option takes the key; the error names the alternatives and does not
 * quote it.
 */
static void test_no_key_option(void **state)
{
	static const char *const attempts[] = {"key=SECRET", "api_key=SECRET",
		"API_KEY=SECRET", "apikey=SECRET", "x-gladia-key=SECRET",
		"ttl=5,gladia_key=SECRET", "key:SECRET", "token=SECRET",
		"x-gladia-key: SECRET", "password=SECRET"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		struct parsed p;

		PARSE(&p, "gladiafs", "m", "-o", attempts[i]);
		assert_bad(&p, "key_file=");
		assert_null(strstr(why_of(&p), "SECRET"));
		parsed_done(&p);

		/* This also holds with -s: a key in fstab could be read by all users. */
		PARSE(&p, "mount.gladiafs", "none", "m", "-s", "-o", attempts[i]);
		assert_bad(&p, "key_file=");
		assert_null(strstr(why_of(&p), "SECRET"));
		parsed_done(&p);
	}

	struct parsed p;

	PARSE(&p, "gladiafs", "m", "--key=SECRET");
	assert_bad(&p, "key_file=");
	assert_null(strstr(why_of(&p), "SECRET"));
	parsed_done(&p);
	PARSE(&p, "gladiafs", "m", "-o", "key_file=45463597-20b7-4af7-b3b3-f5fb778203ab");
	assert_bad(&p, "key_file takes the path");
	assert_null(strstr(why_of(&p), "45463597"));
	parsed_done(&p);
	PARSE(&p, "gladiafs", "me:SECRET@a", "m");
	assert_bad(&p, "SOURCE is not a URL such as https://");
	assert_null(strstr(why_of(&p), "SECRET"));
	parsed_done(&p);
}

/* SEMANTICS 1.1: operands and options can be mixed; "--" ends the options. */
static void test_words(void **state)
{
	struct parsed p;

	(void)state;
	PARSE(&p, "gladiafs");
	assert_bad(&p, "no MOUNTPOINT");
	parsed_done(&p);
	PARSE(&p, "gladiafs", "https://api.gladia.io");
	assert_bad(&p, "no MOUNTPOINT");
	parsed_done(&p);
	PARSE(&p, "gladiafs", "");
	assert_bad(&p, "MOUNTPOINT is empty");
	parsed_done(&p);
	PARSE(&p, "gladiafs", "none", "");
	assert_bad(&p, "MOUNTPOINT is empty");
	parsed_done(&p);
	PARSE(&p, "gladiafs", "none", "a", "b");
	assert_bad(&p, "too many arguments (3;");
	parsed_done(&p);
	PARSE(&p, "gladiafs", "-f", "--", "https://a.example", "-m");
	assert_good(&p);
	assert_string_equal(p.options.origin, "https://a.example");
	assert_string_equal(p.options.mountpoint, "-m");
	parsed_done(&p);
	assert_int_equal(setenv("POSIXLY_CORRECT", "1", 1), 0);
	PARSE(&p, "gladiafs", "none", "m", "-d");
	assert_int_equal(unsetenv("POSIXLY_CORRECT"), 0);
	assert_good(&p);
	assert_true(p.options.debug);
	parsed_done(&p);
}

/*
 * SEMANTICS 1.1.1: single-letter options; -d implies -f; in the foreground, messages go
 * to stderr.
 */
static void test_letters(void **state)
{
	struct parsed p;

	(void)state;
	PARSE(&p, "gladiafs", "-f", "m");
	assert_good(&p);
	assert_true(p.options.foreground);
	assert_false(p.options.debug);
	assert_false(p.options.log_syslog);
	parsed_done(&p);
	PARSE(&p, "gladiafs", "m", "-d");
	assert_good(&p);
	assert_true(p.options.foreground);
	assert_true(p.options.debug);
	parsed_done(&p);
	PARSE(&p, "gladiafs", "m", "-o", "log=stderr");
	assert_good(&p);
	assert_false(p.options.log_syslog);
	parsed_done(&p);
	PARSE(&p, "/usr/bin/gladiafs", "-h");
	assert_good(&p);
	assert_int_equal(p.options.action, OPTIONS_HELP);
	parsed_done(&p);
	PARSE(&p, "gladiafs", "-V", "-x", "a", "b", "c");
	assert_good(&p);
	assert_int_equal(p.options.action, OPTIONS_VERSION);
	parsed_done(&p);
	PARSE(&p, "gladiafs", "--help");
	assert_good(&p);
	assert_int_equal(p.options.action, OPTIONS_HELP);
	parsed_done(&p);
	PARSE(&p, "gladiafs", "--version");
	assert_good(&p);
	assert_int_equal(p.options.action, OPTIONS_VERSION);
	parsed_done(&p);
}

/* SEMANTICS 1.2: as mount(8)'s helper, the program takes the letters of mount(8). */
static void test_helper(void **state)
{
	struct parsed p;

	(void)state;
	PARSE(&p, "/sbin/mount.gladiafs", "none", "/mnt", "-f", "-n", "-v", "-N",
		"/proc/1/ns/mnt", "-t", "gladiafs", "-o", "rw,ttl=5");
	assert_good(&p);
	assert_int_equal(p.options.action, OPTIONS_FAKE);
	assert_false(p.options.foreground);
	assert_true(p.options.verbose);
	assert_string_equal(p.options.origin, "https://api.gladia.io");
	assert_string_equal(p.options.mountpoint, "/mnt");
	assert_int_equal(p.options.ttl_ms, 5000);
	parsed_done(&p);

	/*
	 * -s ignores unknown options, at any position. Known options are still checked.
	 */
	PARSE(&p, "mount.gladiafs", "gladia", "/mnt", "-o", "frobnicate=1,ttl=5", "-s");
	assert_good(&p);
	assert_int_equal(p.options.ttl_ms, 5000);
	parsed_done(&p);
	PARSE(&p, "mount.gladiafs", "gladia", "/mnt", "-s", "-o", "ttl=x");
	assert_bad(&p, "-o ttl takes");
	parsed_done(&p);
	PARSE(&p, "mount.gladiafs", "gladia", "/mnt", "-o", "frobnicate=1");
	assert_bad(&p, "\"-o frobnicate\"");
	parsed_done(&p);
	PARSE(&p, "mount.gladiafs", "/mnt");
	assert_bad(&p, "SOURCE MOUNTPOINT");
	parsed_done(&p);
	PARSE(&p, "mount.gladiafs", "none", "/mnt", "-N");
	assert_bad(&p, "-N takes a value");
	parsed_done(&p);
	PARSE(&p, "mount.gladiafs", "none", "/mnt", "-d");
	assert_bad(&p, "\"-d\"");
	parsed_done(&p);

	/* Only the whole name of the program counts, not its ending. */
	PARSE(&p, "/mount.gladiafs/gladiafs", "-f", "m");
	assert_good(&p);
	assert_int_equal(p.options.action, OPTIONS_MOUNT);
	parsed_done(&p);
}

/*
 * SEMANTICS 1.1: $GLADIA_API_URL is used if SOURCE is omitted or means the default.
 */
static void test_environment(void **state)
{
	struct parsed p;

	(void)state;
	assert_int_equal(setenv("GLADIA_API_URL", "https://Env.example/", 1), 0);
	PARSE(&p, "gladiafs", "m");
	assert_good(&p);
	assert_string_equal(p.options.origin, "https://env.example");
	assert_string_equal(p.options.source, "https://env.example");
	parsed_done(&p);
	PARSE(&p, "gladiafs", "gladia", "m");
	assert_good(&p);
	assert_string_equal(p.options.origin, "https://env.example");
	parsed_done(&p);
	PARSE(&p, "gladiafs", "https://given.example", "m");
	assert_good(&p);
	assert_string_equal(p.options.origin, "https://given.example");
	parsed_done(&p);
	assert_int_equal(setenv("GLADIA_API_URL", "http://api.gladia.io", 1), 0);
	PARSE(&p, "gladiafs", "m");
	assert_bad(&p, "GLADIA_API_URL");
	parsed_done(&p);
	assert_int_equal(setenv("GLADIA_API_URL", "", 1), 0);
	PARSE(&p, "gladiafs", "m");
	assert_good(&p);
	assert_string_equal(p.options.origin, "https://api.gladia.io");
	parsed_done(&p);
}

/*
 * SEMANTICS 1.1, 1.2: the mount table shows SOURCE as given, because mount(8) compares it
 * with fstab.
 */
static void test_source_as_given(void **state)
{
	static const char *const sources[] = {
		"gladia", "none", "https://api.gladia.io", "HTTPS://API.Gladia.IO:443/"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		struct parsed p;

		PARSE(&p, "mount.gladiafs", sources[i], "m");
		assert_good(&p);
		assert_string_equal(p.options.source, sources[i]);
		assert_string_equal(p.options.origin, "https://api.gladia.io");
		parsed_done(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_defaults, no_environment),
		cmocka_unit_test_setup(test_unknown_options, no_environment),
		cmocka_unit_test_setup(test_paths, no_environment),
		cmocka_unit_test_setup(test_no_key_option, no_environment),
		cmocka_unit_test_setup(test_words, no_environment),
		cmocka_unit_test_setup(test_letters, no_environment),
		cmocka_unit_test_setup(test_helper, no_environment),
		cmocka_unit_test_setup(test_environment, no_environment),
		cmocka_unit_test_setup(test_source_as_given, no_environment),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
