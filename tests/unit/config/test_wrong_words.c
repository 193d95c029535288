/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "options_parsed.h"

/* Typical mistakes on the command line, and what the message suggests: SEMANTICS 1.1. */

#define KEY "45463597-20b7-4af7-b3b3-f5fb778203ab"

/* Parses `args` after "gladiafs"; the message must contain `wanted`, but no key. */
static void assert_explained(const char *const *args, const char *wanted)
{
	const char *all[ARGS_MAX] = {"gladiafs"};
	struct parsed p;

	for (size_t i = 0; args[i]; i++)
		all[i + 1] = args[i];
	parse(all, &p);
	assert_bad(&p, wanted);
	assert_null(strstr(why_of(&p), KEY));
	assert_null(strstr(why_of(&p), "SECRET"));
	parsed_done(&p);
}

/* SEMANTICS 1.1.7: the message has the option that the user probably meant. */
static void test_options_are_suggested(void **state)
{
	static const struct {
		const char *args[3];
		const char *wanted;
	} cases[] = {
		{{"-o", "tll=5", "m"}, "\"-o tll\": did you mean -o ttl?"},
		{{"-o", "keyfile=k", "m"}, "did you mean -o key_file?"},
		{{"-o", "key-file=k", "m"}, "did you mean -o key_file?"},
		{{"-o", "cachesize=1G", "m"}, "did you mean -o cache_size?"},
		{{"-o", "alow_other", "m"}, "did you mean -o allow_other?"},
		{{"-o", "offline-ok", "m"}, "did you mean -o offline_ok?"},
		{{"-o", "netdev", "m"}, "did you mean -o _netdev?"},
		{{"-o", "frobnicate", "m"}, "(-h lists all options)"},
		{{"-o", "x", "m"}, "(-h lists all options)"},
		{{"--chek", "m"}, "\"--chek\": did you mean --check?"},
		{{"--ferch", "m"}, "did you mean --fetch?"},
		{{"--ttl=5", "m"}, "\"--ttl\": did you mean -o ttl?"},
		{{"--allow-other", "m"}, "did you mean -o allow_other?"},
		{{"-u", "m"}, "\"-u\": did you mean fusermount3 -u MOUNTPOINT?"},
		{{"--unmount", "m"}, "did you mean fusermount3 -u MOUNTPOINT?"},
		{{"--umount", "m"}, "did you mean fusermount3 -u MOUNTPOINT?"},
		{{"-o", "umount", "m"}, "\"-o umount\" (-h lists all options)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_explained((const char *const[]){cases[i].args[0], cases[i].args[1],
					 cases[i].args[2], NULL},
			cases[i].wanted);
}

/*
 * SEMANTICS 1.1.8: arguments in the wrong place are quoted, unless one could be a key or
 * contain a password.
 */
static void test_arguments_are_quoted(void **state)
{
	static const struct {
		const char *args[4];
		const char *wanted;
	} cases[] = {
		{{"/mnt/g", "https://a.example"},
			"did you mean gladiafs https://a.example /mnt/g?"},
		{{KEY, "https://a.example"},
			"did you mean gladiafs https://a.example MOUNTPOINT?"},
		{{"/mnt/g", "https://me:SECRET@a"},
			"did you mean gladiafs SOURCE /mnt/g?"},
		{{"umount", "/mnt/g"}, "did you mean fusermount3 -u MOUNTPOINT?"},
		{{"unmoutn", "/mnt/g"}, "did you mean fusermount3 -u MOUNTPOINT?"},
		{{"check"}, "MOUNTPOINT \"check\" does not exist; did you mean gladiafs "
			    "--check?"},
		{{"mount", "/mnt/g"}, "did you mean gladiafs MOUNTPOINT?"},
		{{"fetch", "/mnt/g", "/mnt/h"}, "did you mean gladiafs --fetch PATH?"},
		{{"galdia", "/mnt/g"},
			"\"galdia\" is neither a URL nor the name of a profile; did you "
			"mean gladia?"},
		{{"galdia", "/mnt/g"}, "did you mean gladia?"},
		{{"ttl=5", "m"}, "\"ttl\" is an option: did you mean -o ttl=...?"},
		{{"allow_other", "m"}, "did you mean -o allow_other?"},
		{{"key_file=SECRET", "m"}, "did you mean -o key_file=...?"},
		{{"api.gladia.io", "m"}, "did you mean https://api.gladia.io?"},
		{{"/srv/me/a", "/srv/me/b"}, "SOURCE \"/srv/me/a\" is neither a URL"},
		{{KEY, "m"}, "SOURCE looks like an API key"},
		{{"me:SECRET@a", "m"}, "SOURCE is not a URL"},
		{{"none", "a", "b"}, "too many arguments (3; at most SOURCE and "
				     "MOUNTPOINT), from \"b\" on: gladiafs"},
		{{"none", "a", KEY}, "too many arguments (3; at most SOURCE and "
				     "MOUNTPOINT): gladiafs"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_explained((const char *const[]){cases[i].args[0], cases[i].args[1],
					 cases[i].args[2], NULL},
			cases[i].wanted);
}

/* SEMANTICS 1.4.4: options of other FUSE filesystems are accepted. */
static void test_options_of_others(void **state)
{
	struct parsed p;

	(void)state;
	PARSE(&p, "gladiafs", "m", "-o",
		"nonempty,default_permissions,subtype=x,fsname=work:1");
	assert_good(&p);
	assert_true(p.options.nonempty);
	assert_string_equal(p.options.source, "work:1");
	assert_string_equal(p.options.origin, "https://api.gladia.io");
	parsed_done(&p);
	PARSE(&p, "gladiafs", "none", "m", "-o", "fsname=a b");
	assert_bad(&p, "-o fsname takes");
	parsed_done(&p);
	PARSE(&p, "gladiafs", "none", "m", "-o", "fsname");
	assert_bad(&p, "\"-o fsname\"");
	parsed_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_are_suggested),
		cmocka_unit_test(test_arguments_are_quoted),
		cmocka_unit_test(test_options_of_others),
	};

	return cmocka_run_group_tests_name("wrong_words", tests, NULL, NULL);
}
