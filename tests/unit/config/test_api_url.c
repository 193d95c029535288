/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "config/api_url.h"

/* The API URL: SEMANTICS 1.1, 2.2, 2.3. */

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
	{"http://127.1", "http://127.0.0.1"},
	{"http://2130706433", "http://127.0.0.1"},
};

/* SEMANTICS 1.1.2, 2.3: all spellings of an origin become the same one. */
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
	{"", "not a URL"},
	{"api.gladia.io", "not a URL"},
	{"Gladia", "not a URL"},
	{"ftp://api.gladia.io", "not a URL"},
	{"file:///etc/passwd", "not a URL"},
	{" https://api.gladia.io", "not a URL"},
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
	{"https://", "not a URL"},
	{"https:///", "not a URL"},
	{"https://:443", "not a URL"},
	{"https://a b", "not a URL"},
	{"https://a\tb", "not a URL"},
	{"https://a\nb", "not a URL"},
	{"https://a%00b", "not a URL"},
	{"https://a\xa0"
	 "b",
		"not a URL"},
	{"https://b\xc3\xbc"
	 "cher.example",
		"not a URL"},
	{"https://b%c3%bccher.example", "not a URL"},
	{"https://[::1", "not a URL"},
	{"https://[::1]x", "not a URL"},
	{"https://::1", "not a URL"},
	{"https://[]", "not a URL"},
	{"https://[127.0.0.1]", "not a URL"},
	{"https://[::g]", "not a URL"},
	{"https://a:0", "not a URL"},
	{"https://a:65536", "not a URL"},
	{"https://a:443443", "not a URL"},
	{"https://a:-1", "not a URL"},
	{"https://a:+1", "not a URL"},
	{"https://a: 1", "not a URL"},
	{"https://a:1:2", "not a URL"},
	{"https://user:SECRET@a", "user name or a password"},
	{"https://SECRET@a:443/", "user name or a password"},
	{"http://localhost:SECRET@evil.example", "user name or a password"},
	{"http://localhost#@SECRET", "query or a fragment"},
	{"http://localhost\\@SECRET", "user name or a password"},
	{"https://a?key=SECRET", "query or a fragment"},
	{"https://a/#SECRET", "query or a fragment"},
	{"https://a/v2", "path"},
	{"https://a//", "path"},
	{"https://a\\", "not a URL"},
};

/*
 * SEMANTICS 1.1, 2.2: anything else is refused, and not quoted: it may contain a
 * password.
 */
static void test_bad_sources(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_sources); i++)
		assert_refused(bad_sources[i].source, bad_sources[i].why);
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

/*
 * SEMANTICS 1.1.3: if SOURCE is omitted or one of these words, $GLADIA_API_URL is used,
 * or else the default.
 */
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
			"the variable GLADIA_API_URL contains a path: leave out "
			"everything after the host; gladiafs adds the API's paths");
	}
	assert_found("https://B:443/", 0, "https://b");
	assert_int_equal(unsetenv("GLADIA_API_URL"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_bad_sources),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
