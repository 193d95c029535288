/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "config/api_url.h"

/* The API's address: SEMANTICS 1.1, 2.2, 2.3. */

enum { WHY_MAX = 1024 };

static void assert_origin(const char *source, const char *wanted)
{
	char *origin = NULL;
	struct buf errmsg;

	buf_init(&errmsg, WHY_MAX);
	if (api_url_parse(source, "SOURCE", &origin, &errmsg))
		fail_msg("%s: %s", source, errmsg.data);
	assert_string_equal(origin, wanted);
	assert_null(errmsg.data);
	free(origin);
}

static void assert_refused(const char *source, const char *wanted)
{
	char *origin = NULL;
	struct buf errmsg;

	buf_init(&errmsg, WHY_MAX);
	assert_int_equal(api_url_parse(source, "SOURCE", &origin, &errmsg), -EINVAL);
	assert_null(origin);
	assert_non_null(errmsg.data);
	if (!strstr(errmsg.data, wanted))
		fail_msg("%s: not '%s' in '%s'", source, wanted, errmsg.data);
	assert_non_null(strstr(errmsg.data, "SOURCE"));
	assert_null(strstr(errmsg.data, "SECRET"));
	buf_done(&errmsg);
}

static const struct {
	const char *source;
	const char *origin;
} sources[] = {
	{"https://api.gladia.io", "https://api.gladia.io"},
	{"https://api.gladia.io/", "https://api.gladia.io"},
	{"HTTPS://API.Gladia.IO:443/", "https://api.gladia.io"},
	{"https://api.gladia.io:0443", "https://api.gladia.io"},
	{"https://h:80", "https://h:80"},
	{"https://h:8443/", "https://h:8443"},
	{"https://my_host-1.example", "https://my_host-1.example"},
	{"https://192.0.2.7", "https://192.0.2.7"},
	{"https://[2001:DB8:0::1]:8443", "https://[2001:db8::1]:8443"},
	{"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
	{"http://127.0.0.1:80/", "http://127.0.0.1"},
	{"http://127.255.3.4", "http://127.255.3.4"},
	{"http://localhost:1", "http://localhost:1"},
	{"http://LocalHost:65535", "http://localhost:65535"},
	{"http://[::1]:8080", "http://[::1]:8080"},
	{"http://[0:0::0:1]", "http://[::1]"},
};

/* SEMANTICS 1.1, 2.3: one origin, in one spelling. */
static void test_sources(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		assert_origin(sources[i].source, sources[i].origin);
}

static const struct {
	const char *source;
	const char *why;
} bad_sources[] = {
	{"", "must begin with https://"},
	{"api.gladia.io", "must begin with https://"},
	{"Gladia", "must begin with https://"},
	{"ftp://api.gladia.io", "must begin with https://"},
	{"file:///etc/passwd", "must begin with https://"},
	{"https:/api.gladia.io", "must begin with https://"},
	{" https://api.gladia.io", "must begin with https://"},
	{"http://api.gladia.io", "unencrypted"},
	{"http://192.0.2.7", "unencrypted"},
	{"http://128.0.0.1", "unencrypted"},
	{"http://126.255.255.255", "unencrypted"},
	{"http://0.0.0.0", "unencrypted"},
	{"http://localhost.example", "unencrypted"},
	{"http://127.0.0.1.example", "unencrypted"},
	{"http://[::]", "unencrypted"},
	{"http://[::ffff:127.0.0.1]", "unencrypted"},
	{"http://[fe80::1]", "unencrypted"},
	/* What libcurl takes for an address, and others for a name. */
	{"http://127.1", "there is no host"},
	{"http://2130706433", "there is no host"},
	{"http://0x7f000001", "unencrypted"},
	{"http://127.0.0.01", "there is no host"},
	{"https://1.2.3.4.5", "there is no host"},
	{"https://256.1.1.1", "there is no host"},
	{"https://", "there is no host"},
	{"https:///", "there is no host"},
	{"https://:443", "there is no host"},
	{"https://a..b", "there is no host"},
	{"https://.a", "there is no host"},
	{"https://a.", "there is no host"},
	{"https://-a", "there is no host"},
	{"https://a-.b", "there is no host"},
	{"https://a b", "there is no host"},
	{"https://a\tb", "there is no host"},
	{"https://a\nb", "there is no host"},
	{"https://a%2eb", "there is no host"},
	{"https://gl\xc3\xa4"
	 "dia.io",
		"there is no host"},
	{"https://[::1", "brackets"},
	{"https://[::1]x", "brackets"},
	{"https://::1", "there is no host"},
	{"https://[]", "there is no host"},
	{"https://[fe80::1%eth0]", "there is no host"},
	{"https://[127.0.0.1]", "there is no host"},
	{"https://[::g]", "there is no host"},
	{"https://a:", "port"},
	{"https://a:0", "port"},
	{"https://a:65536", "port"},
	{"https://a:443443", "port"},
	{"https://a:-1", "port"},
	{"https://a:+1", "port"},
	{"https://a: 1", "port"},
	{"https://a:1:2", "port"},
	{"https://[::1]:", "port"},
	{"https://user:SECRET@a", "user name or a password"},
	{"https://SECRET@a:443/", "user name or a password"},
	{"http://localhost:SECRET@evil.example", "user name or a password"},
	{"http://localhost#@SECRET", "query or a fragment"},
	{"http://localhost\\@SECRET", "path"},
	{"https://a?key=SECRET", "query or a fragment"},
	{"https://a/#SECRET", "query or a fragment"},
	{"https://a/?", "query or a fragment"},
	{"https://a/v2", "path"},
	{"https://a//", "path"},
	{"https://a/.", "path"},
	{"https://a\\", "path"},
};

/* SEMANTICS 1.1, 2.2: all else is refused, and not repeated: it may hold a password. */
static void test_bad_sources(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_sources); i++)
		assert_refused(bad_sources[i].source, bad_sources[i].why);
}

static void test_long_sources(void **state)
{
	char source[600] = "https://";

	(void)state;
	/* Labels of 63 letters: four are too long for a name, three are not. */
	for (int i = 0; i < 4; i++) {
		char label[65] = ".";

		memset(label + (i > 0), 'a', 63);
		label[63 + (i > 0)] = '\0';
		strcat(source, label);
		if (i < 3)
			assert_origin(source, source);
	}
	assert_refused(source, "there is no host");
	assert_refused("https://"
		       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"there is no host");
	memset(source + 8, 'a', sizeof(source) - 9);
	source[sizeof(source) - 1] = '\0';
	assert_refused(source, "too long");
}

static void assert_found(const char *source, int error, const char *wanted)
{
	char *origin = NULL;
	struct buf errmsg;

	buf_init(&errmsg, WHY_MAX);
	assert_int_equal(api_url_find(source, &origin, &errmsg), error);
	assert_non_null(error ? errmsg.data : origin);
	assert_string_equal(error ? errmsg.data : origin, wanted);
	free(origin);
	buf_done(&errmsg);
}

/* SEMANTICS 1.1: the words, and nothing, are the variable, else the default. */
static void test_find(void **state)
{
	static const char *const words[] = {NULL, "gladia", "none"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		assert_int_equal(unsetenv("GLADIA_API_URL"), 0);
		assert_found(words[i], 0, SOURCE_DEFAULT);
		assert_int_equal(setenv("GLADIA_API_URL", "", 1), 0);
		assert_found(words[i], 0, SOURCE_DEFAULT);
		assert_int_equal(setenv("GLADIA_API_URL", "HTTP://LocalHost:80/", 1), 0);
		assert_found(words[i], 0, "http://localhost");
		assert_int_equal(setenv("GLADIA_API_URL", "https://a/v2", 1), 0);
		assert_found(words[i], -EINVAL,
			"the variable GLADIA_API_URL holds a path: leave out what "
			"follows the host, the program knows the API's paths");
	}
	assert_found("https://B:443/", 0, "https://b");
	assert_int_equal(unsetenv("GLADIA_API_URL"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_bad_sources),
		cmocka_unit_test(test_long_sources),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
