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

/* Options of -o and their values: SEMANTICS 1.2, 1.4. */

/*
 * SEMANTICS 1.4.1: every option is accepted, also in several -o, with a value of its
 * type.
 */
static void test_own_options(void **state)
{
	struct parsed p;

	(void)state;
	PARSE(&p, "gladiafs", "-o", "key_file=/k,ttl=0,timeout=3600", "-oconnections=64",
		"-f", "http://localhost:8080/", "-o",
		"page_size=10000,cache=off,cache_dir=/c,cache_size=1M", "mnt", "-o",
		"ca_file=/ca.pem,proxy=http://"
		"p:3128,log=syslog,uid=12,gid=4294967294,umask=0277",
		"-o",
		"allow_other,auto_unmount,formats=vtt:json:txt,allow_delete,offline_ok,"
		"xattr,tz=local,kind=live,");
	assert_good(&p);
	assert_string_equal(p.options.origin, "http://localhost:8080");
	assert_true(p.options.live);
	assert_string_equal(p.options.account, "http://localhost:8080/v2/live");
	assert_string_equal(p.options.mountpoint, "mnt");
	assert_string_equal(p.options.key_file, "/k");
	assert_int_equal(p.options.ttl_ms, 0);
	assert_int_equal(p.options.timeout_ms, 3600000);
	assert_int_equal(p.options.connections, 64);
	assert_int_equal(p.options.page_size, 10000);
	assert_false(p.options.cache_disk);
	assert_string_equal(p.options.cache_dir, "/c");
	assert_int_equal(p.options.cache_size, 1 << 20);
	assert_string_equal(p.options.ca_file, "/ca.pem");
	assert_string_equal(p.options.proxy, "http://p:3128");
	assert_true(p.options.foreground);
	assert_true(p.options.log_syslog);
	assert_int_equal(p.options.uid, 12);
	assert_int_equal(p.options.gid, 4294967294);
	assert_int_equal(p.options.umask, 0277);
	assert_true(p.options.allow_other);
	assert_true(p.options.auto_unmount);
	assert_int_equal(
		p.options.formats, 1 << FORMAT_JSON | 1 << FORMAT_TXT | 1 << FORMAT_VTT);
	assert_true(p.options.allow_delete);
	assert_true(p.options.offline_ok);
	assert_true(p.options.xattr);
	assert_string_equal(p.options.tz, "local");
	assert_false(p.options.read_only);
	parsed_done(&p);
}

/* The last value of an option counts; a comma can be escaped, as with libfuse. */
static void test_repeated_and_escaped(void **state)
{
	struct parsed p;

	(void)state;
	PARSE(&p, "gladiafs", "m", "-o", "key_file=/a,ttl=1,key_file=/b\\,c\\\\d", "-o",
		",,ttl=2");
	assert_good(&p);
	assert_string_equal(p.options.key_file, "/b,c\\d");
	assert_int_equal(p.options.ttl_ms, 2000);
	parsed_done(&p);
}

static void test_sizes(void **state)
{
	static const struct {
		const char *option;
		uint64_t bytes;
	} sizes[] = {
		{"cache_size=1048576", UINT64_C(1) << 20},
		{"cache_size=1024K", UINT64_C(1) << 20},
		{"cache_size=500M", UINT64_C(500) << 20},
		{"cache_size=3g", UINT64_C(3) << 30},
		{"cache_size=1T", UINT64_C(1) << 40},
		{"cache_size=1024T", UINT64_C(1) << 50},
		{"cache_size=2GiB", UINT64_C(2) << 30},
		{"cache_size=500mb", UINT64_C(500) << 20},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct parsed p;

		PARSE(&p, "gladiafs", "m", "-o", sizes[i].option);
		assert_good(&p);
		assert_int_equal(p.options.cache_size, sizes[i].bytes);
		parsed_done(&p);
	}
}

/* SEMANTICS 1.4.3: a time can have a unit. */
static void test_times(void **state)
{
	static const struct {
		const char *option;
		int64_t ttl_ms;
	} times[] = {
		{"ttl=90", 90 * 1000},
		{"ttl=90s", 90 * 1000},
		{"ttl=1m", 60 * 1000},
		{"ttl=2H", 2 * 60 * 60 * 1000},
		{"ttl=365d", INT64_C(365) * 24 * 60 * 60 * 1000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct parsed p;

		PARSE(&p, "gladiafs", "m", "-o", times[i].option);
		assert_good(&p);
		assert_int_equal(p.options.ttl_ms, times[i].ttl_ms);
		parsed_done(&p);
	}
}

static void test_bad_zones(void **state)
{
	static const char *const zones[] = {
		"tz", "tz=", "tz=Paris", "tz=../zoneinfo/UTC"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		struct parsed p;

		PARSE(&p, "gladiafs", "m", "-o", zones[i]);
		assert_bad(&p,
			"-o tz takes UTC, local, or a time zone such as Europe/Paris (in "
			"/usr/share/zoneinfo, which the package tzdata installs)");
		parsed_done(&p);
	}
}

/* SEMANTICS 1.4: an unknown or repeated format is refused. */
static void test_bad_formats(void **state)
{
	static const struct {
		const char *list;
		const char *why;
	} bad[] = {
		{"formats", "-o formats takes one or more of json"},
		{"formats=", "-o formats takes"},
		{"formats=json:", "-o formats takes"},
		{"formats=:json", "-o formats takes"},
		{"formats=txt:", "-o formats takes"},
		{"formats=txt::srt", "-o formats takes"},
		{"formats=json:doc", "no format \"doc\": it takes one or more of json"},
		{"formats=json:TXT", "no format \"TXT\""},
		{"formats=json:txt:srt:txt", "lists txt twice"},
		{"formats=json:json", "lists json twice"},
		/* A key is longer than a format, and is not quoted. */
		{"formats=json:45463597-20b7-4af7-b3b3-f5fb778203ab", "-o formats takes"},
		{"formats=json:\x1b[1m", "-o formats takes"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct parsed p;

		PARSE(&p, "gladiafs", "m", "-o", bad[i].list);
		assert_bad(&p, bad[i].why);
		parsed_done(&p);
	}
}

/*
 * SEMANTICS 1.4.2: an invalid value is refused; the message names the option and the
 * values it takes.
 */
static void test_bad_values(void **state)
{
	static const struct {
		const char *list;
		const char *why;
	} bad[] = {
		{"ttl", "-o ttl takes a number of seconds"},
		{"ttl=", "-o ttl takes"},
		{"ttl=-1", "-o ttl takes"},
		{"ttl=+1", "-o ttl takes"},
		{"ttl= 1", "-o ttl takes"},
		{"ttl=1.5", "-o ttl takes"},
		{"ttl=31536001", "from 0 to 31536000"},
		{"ttl=18446744073709551617", "-o ttl takes"},
		{"timeout=0", "from 1 to 3600"},
		{"timeout=3601", "from 1 to 3600"},
		{"connections=0", "from 1 to 64"},
		{"connections=65", "from 1 to 64"},
		{"connections=0x8", "from 1 to 64"},
		{"kind=audio", "pre-recorded or live"},
		{"page_size=0", "from 1 to 10000"},
		{"page_size=10001", "from 1 to 10000"},
		{"cache=on", "disk or off"},
		{"cache", "disk or off"},
		{"cache_size=1023K", "from 1M"},
		{"cache_size=1048575", "from 1M"},
		{"cache_size=G", "from 1M"},
		{"cache_size=1025T", "to 1024T"},
		{"cache_size=18446744073709551615T", "to 1024T"},
		{"cache_dir=", "path of a directory"},
		{"key_file", "path of a file"},
		{"ca_file=", "path of a file"},
		{"log=file", "stderr or syslog"},
		{"uid=-1", "-o uid takes"},
		{"uid=4294967295", "-o uid takes"},
		{"uid=no-such-user-here", "-o uid takes"},
		{"uid=", "-o uid takes"},
		{"gid=no-such-group-here", "-o gid takes"},
		{"umask=8", "octal"},
		{"umask=1000", "octal"},
		{"umask=-1", "octal"},
		{"umask=", "octal"},
		{"allow_other=1", "-o allow_other takes no value"},
		{"auto_unmount=", "-o auto_unmount takes no value"},
		{"allow_delete=yes", "-o allow_delete takes no value"},
		{"offline_ok=1", "-o offline_ok takes no value"},
		{"xattr=all", "-o xattr takes no value"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct parsed p;

		PARSE(&p, "gladiafs", "-o", bad[i].list, "m");
		assert_bad(&p, bad[i].why);
		parsed_done(&p);
	}
}

/* SEMANTICS 1.4.2: so is a number with a wrong unit. */
static void test_bad_units(void **state)
{
	static const struct {
		const char *list;
		const char *why;
	} bad[] = {
		{"cache_size=2GBB", "from 1M"},
		{"cache_size=2Gi", "from 1M"},
		{"cache_size=2m ", "from 1M"},
		{"ttl=1w", "such as 90s, 5m, 2h or 1d"},
		{"ttl=1mi", "such as 90s, 5m, 2h or 1d"},
		{"ttl=m", "such as 90s, 5m, 2h or 1d"},
		{"ttl=366d", "from 0 to 31536000"},
		{"connections=8s", "from 1 to 64"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct parsed p;

		PARSE(&p, "gladiafs", "-o", bad[i].list, "m");
		assert_bad(&p, bad[i].why);
		parsed_done(&p);
	}
}

/* SEMANTICS 1.4: an invalid proxy is refused, and so is one with a password. */
static void test_proxy(void **state)
{
	static const struct {
		const char *list;
		const char *why;
	} bad[] = {
		{"proxy", "or none"},
		{"proxy=", "or none"},
		{"proxy=p:3128", "or none"},
		{"proxy=ftp://p", "or none"},
		{"proxy=http://", "or none"},
		{"proxy=http://p:3128/path", "or none"},
		{"proxy=http://me:secret@p:3128",
			"https_proxy=http://USER:PASSWORD@HOST"},
	};
	struct parsed none;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct parsed p;

		PARSE(&p, "gladiafs", "-o", bad[i].list, "m");
		assert_bad(&p, bad[i].why);
		parsed_done(&p);
	}
	PARSE(&none, "gladiafs", "-o", "proxy=none", "m");
	assert_good(&none);
	assert_string_equal(none.options.proxy, "");
	parsed_done(&none);
}

/*
 * SEMANTICS 10.1, 1.2: "ro" overrides allow_delete; the last one counts, as with
 * mount(8).
 */
static void test_read_only(void **state)
{
	static const struct {
		const char *list;
		bool read_only;
	} cases[] = {
		{"rw,allow_delete", false},
		{"allow_delete,ro", true},
		{"ro,allow_delete", true},
		{"ro,rw,allow_delete", false},
		{"rw,noauto,ro", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parsed p;

		PARSE(&p, "gladiafs", "-o", cases[i].list, "m");
		assert_int_equal(p.err, 0);
		assert_int_equal(p.options.read_only, cases[i].read_only);
		parsed_done(&p);
	}
}

/* SEMANTICS 1.4: users and groups can be given by name. */
static void test_names_of_users(void **state)
{
	struct parsed p;

	(void)state;
	PARSE(&p, "gladiafs", "m", "-o", "uid=7,uid=root,gid=7,gid=root");
	assert_good(&p);
	assert_int_equal(p.options.uid, 0);
	assert_int_equal(p.options.gid, 0);
	parsed_done(&p);
}

/* Relative paths become absolute, because the daemon changes its directory. */
static void test_relative_paths(void **state)
{
	char *cwd = getcwd(NULL, 0);
	char wanted[4200];
	struct parsed p;

	(void)state;
	assert_non_null(cwd);
	PARSE(&p, "gladiafs", "m/n", "-o", "key_file=k,ca_file=../ca,cache_dir=./c");
	assert_good(&p);
	snprintf(wanted, sizeof(wanted), "%s/k", cwd);
	assert_string_equal(p.options.key_file, wanted);
	snprintf(wanted, sizeof(wanted), "%s/../ca", cwd);
	assert_string_equal(p.options.ca_file, wanted);
	snprintf(wanted, sizeof(wanted), "%s/./c", cwd);
	assert_string_equal(p.options.cache_dir, wanted);
	assert_string_equal(p.options.mountpoint, "m/n");
	parsed_done(&p);
	free(cwd);
}

/* SEMANTICS 1.2: options that mount(8) passes on are accepted. */
static void test_mount_options(void **state)
{
	struct parsed p;

	(void)state;
	PARSE(&p, "gladiafs", "gladia", "/mnt", "-o",
		"rw,ro,noauto,auto,nofail,user,users,owner,group,nouser,_netdev,defaults,"
		"x-systemd.automount,x-systemd.mount-timeout=3,X-mount.mkdir,comment=a b",
		"-o",
		"atime,noatime,nodiratime,relatime,norelatime,strictatime,lazytime,"
		"nolazytime,user=joe",
		"-o", "nodev,dev,nosuid,suid,noexec,exec,sync,async,dirsync,nodev");
	assert_good(&p);
	assert_string_equal(p.options.mount_flags.data,
		",nodev,nosuid,noexec,exec,sync,async,dirsync,nodev");
	parsed_done(&p);
}

/* Too many flags are an error, without a lost flag or an overrun. */
static void test_too_many_flags(void **state)
{
	char list[6000] = "nodev";
	struct parsed p;

	(void)state;
	while (strlen(list) + sizeof(",nodev") < sizeof(list))
		strcat(list, ",nodev");
	PARSE(&p, "gladiafs", "m", "-o", list);
	assert_bad(&p, "too many");
	parsed_done(&p);
}

/* SEMANTICS 9.1.5: every option has a line with its value, except paths not set. */
static void test_print_values(void **state)
{
	struct parsed p;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	PARSE(&p, "gladiafs", "m", "-f", "-o", "uid=1,gid=2,key_file=/a\n\\\\b,xattr");
	assert_good(&p);
	assert_int_equal(options_print_values(&p.options, &out), 0);
	assert_string_equal(out.data,
		"key_file=/a\\012\\134b\nkind=pre-recorded\n"
		"ttl=60\ntimeout=30\nconnections=8\n"
		"page_size=adaptive\ncache=disk\ncache_size=2147483648\n"
		"ca_file=the system's\nproxy=the environment's\nlog=stderr\nuid=1\n"
		"gid=2\numask=000\nformats=json\ntz=UTC\noffline_ok=no\nxattr=yes\n"
		"allow_delete=no\nallow_other=no\nauto_unmount=no\n");
	parsed_done(&p);
	buf_reset(&out);
	PARSE(&p, "gladiafs", "m", "-o",
		"uid=1,gid=2,page_size=7,cache=off,cache_dir=/c,umask=27,proxy=none,"
		"formats=vtt:txt,ca_file=/p,kind=live");
	assert_good(&p);
	assert_int_equal(options_print_values(&p.options, &out), 0);
	assert_string_equal(out.data,
		"kind=live\nttl=60\ntimeout=30\nconnections=8\npage_size=7\ncache=off\n"
		"cache_dir=/c\ncache_size=2147483648\nca_file=/p\nproxy=none\n"
		"log=syslog\nuid=1\ngid=2\numask=027\nformats=txt:vtt\ntz=UTC\n"
		"offline_ok=no\nxattr=no\nallow_delete=no\nallow_other=no\n"
		"auto_unmount=no\n");
	parsed_done(&p);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_options),
		cmocka_unit_test(test_repeated_and_escaped),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_bad_formats),
		cmocka_unit_test(test_bad_zones),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_bad_units),
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_names_of_users),
		cmocka_unit_test(test_relative_paths),
		cmocka_unit_test(test_mount_options),
		cmocka_unit_test(test_too_many_flags),
		cmocka_unit_test(test_print_values),
	};

	return cmocka_run_group_tests_name("options_list", tests, NULL, NULL);
}
