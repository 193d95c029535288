/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "config/api_key.h"
#include "config/key_text.h"

/* The text of a key file: SEMANTICS 2.1, 2.2. */

#define SECRET "45463597-5EC2-4af7-b3b3-f5fb778203ab"

enum { WHY_MAX = 1024 };

static void assert_parsed(const char *text, const char *wanted)
{
	char *key = NULL;
	struct buf errmsg;

	buf_init(&errmsg, WHY_MAX);
	assert_int_equal(key_text_parse(text, strlen(text), "FILE", &key, &errmsg), 0);
	assert_string_equal(key, wanted);
	api_key_free(key);
}

/* SEMANTICS 2.1.6: files that were made for a shell or another program. */
static void test_other_forms(void **state)
{
	static const char *const texts[] = {"\n\n" SECRET "\n", "# my key\n\n" SECRET,
		"\"" SECRET "\"\n", "'" SECRET "' \n", "GLADIA_API_KEY=" SECRET "\n",
		"export GLADIA_API_KEY=\"" SECRET "\"\n", "api_key = '" SECRET "'",
		"GLADIA=" SECRET, "API_TOKEN=" SECRET,
		"  # a\n\tkey=" SECRET "\r\nother=1\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_parsed(texts[i], SECRET);
	/* A key may contain "=". */
	assert_parsed("abc=def==\n", "abc=def==");
	assert_parsed("key\n", "key");
	assert_parsed("=key\n", "=key");
}

/* SEMANTICS 2.2: a message says what is wrong in which line, and does not quote it. */
static void test_refused(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} bad[] = {
		{"", "FILE contains no key"},
		{"# " SECRET "\n\n", "FILE contains no key"},
		{"GLADIA_API_KEY=\n", "line 1 has a name or quotes, but no value"},
		{"\n#\nGLADIA_API_KEY=''", "line 3 has a name or quotes"},
		{"\"" SECRET, "line 1 of FILE begins with a quote that does not end"},
		{"\n'" SECRET "\"", "line 2 of FILE begins with a quote"},
		{"'", "begins with a quote"},
		{"user=" SECRET " x", "line 1 of FILE contains spaces"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *key = NULL;
		struct buf errmsg;

		buf_init(&errmsg, WHY_MAX);
		assert_int_equal(key_text_parse(bad[i].text, strlen(bad[i].text), "FILE",
					 &key, &errmsg),
			-EINVAL);
		assert_null(key);
		assert_non_null(errmsg.data);
		if (!strstr(errmsg.data, bad[i].why))
			fail_msg("not '%s' in '%s'", bad[i].why, errmsg.data);
		assert_null(strstr(errmsg.data, "5EC2"));
		buf_done(&errmsg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_forms),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("key_text", tests, NULL, NULL);
}
