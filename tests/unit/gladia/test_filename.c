/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "gladia/filename.h"

/* Names from the network: SEMANTICS 3.6. */

static const struct {
	const char *text;
	const char *name;
} names[] = {
	{"45463597-20b7-4af7-b3b3-f5fb778203ab", "45463597-20b7-4af7-b3b3-f5fb778203ab"},
	{"a_b.c-D9", "a_b.c-D9"},
	{".", "%2E"},
	{"..", "%2E."},
	{".git", "%2Egit"},
	{"a.", "a."},
	{"a..", "a.."},
	{"../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"},
	{"a/b", "a%2Fb"},
	{"a\nb", "a%0Ab"},
	{"a b", "a%20b"},
	{"50%", "50%25"},
	{"%2F", "%252F"},
	{"a,b", "a%2Cb"},
	{"Zo\xc3\xab", "Zo%C3%AB"},
	{"\x7f\x01\xff", "%7F%01%FF"},
	{"~", "%7E"},
};

/* SEMANTICS 3.6.1 */
static void test_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char name[FILENAME_BYTES_MAX + 1];
		char text[FILENAME_BYTES_MAX + 1];

		assert_int_equal(filename_escape(names[i].text, "", name), 0);
		assert_string_equal(name, names[i].name);
		assert_int_equal(filename_unescape(name, strlen(name), text), 0);
		assert_string_equal(text, names[i].text);
	}
}

/*
 * SEMANTICS 3.6: every byte, first or last, survives a round trip; no name contains "/"
 * or is hidden.
 */
static void test_every_byte(void **state)
{
	(void)state;
	for (int a = 1; a < 256; a++) {
		for (int b = 1; b < 256; b++) {
			const char given[] = {(char)a, (char)b, '\0'};
			char name[FILENAME_BYTES_MAX + 1];
			char text[FILENAME_BYTES_MAX + 1];

			assert_int_equal(filename_escape(given, "", name), 0);
			assert_null(strchr(name, '/'));
			assert_int_not_equal(name[0], '.');
			assert_int_equal(filename_unescape(name, strlen(name), text), 0);
			assert_string_equal(text, given);
		}
	}
}

/*
 * SEMANTICS 3.6: each string has one spelling; a name that no string has cannot exist
 * (3.3).
 */
static void test_other_spellings(void **state)
{
	static const char *const refused[] = {"", ".", "..", ".git", "%2e", "%2E.%2f",
		"%41", "a%2", "a%", "%", "%%", "a%2G", "a%G2", "a b", "a/b", "a%00b",
		"%00", "a%2D", "%5F", "a%2E", "Zo\xc3\xab", "a\n", "~", "a,b", "a%+1",
		"a% 1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		char text[FILENAME_BYTES_MAX + 1] = "as it was";

		if (filename_unescape(refused[i], strlen(refused[i]), text) != -EINVAL)
			fail_msg("'%s' was accepted", refused[i]);
		assert_string_equal(text, "as it was");
	}
}

/* Only `len` bytes are the name; those after them are not read. */
static void test_length_counts(void **state)
{
	char text[FILENAME_BYTES_MAX + 1];

	(void)state;
	assert_int_equal(filename_unescape("job.json", 3, text), 0);
	assert_string_equal(text, "job");
	assert_int_equal(filename_unescape("a%2Fb", 4, text), 0);
	assert_string_equal(text, "a/");
	assert_int_equal(filename_unescape("a%2Fb", 3, text), -EINVAL);
	assert_int_equal(filename_unescape("a\0b", 3, text), -EINVAL);
}

/* NAME_MAX counts the escaped bytes and the suffix; a name is never truncated. */
static void test_limits(void **state)
{
	char given[FILENAME_BYTES_MAX + 2];
	char name[FILENAME_BYTES_MAX + 1] = "as it was";
	char text[FILENAME_BYTES_MAX + 1];
	char lengthy[FILENAME_BYTES_MAX + 2];

	(void)state;
	assert_int_equal(filename_escape("", "", name), -EINVAL);
	assert_int_equal(filename_escape("", ".json", name), -EINVAL);
	memset(given, 'a', sizeof(given) - 1);
	given[sizeof(given) - 1] = '\0';
	assert_int_equal(filename_escape(given, "", name), -ENAMETOOLONG);
	assert_string_equal(name, "as it was");
	given[FILENAME_BYTES_MAX] = '\0';
	assert_int_equal(filename_escape(given, "", name), 0);
	assert_int_equal(strlen(name), FILENAME_BYTES_MAX);
	assert_int_equal(filename_unescape(name, FILENAME_BYTES_MAX, text), 0);
	assert_string_equal(text, given);
	assert_int_equal(filename_escape(given, ".json", name), -ENAMETOOLONG);
	given[FILENAME_BYTES_MAX - 5] = '\0';
	assert_int_equal(filename_escape(given, ".json", name), 0);
	assert_string_equal(name + FILENAME_BYTES_MAX - 5, ".json");
	memset(given, '/', FILENAME_BYTES_MAX / 3);
	given[FILENAME_BYTES_MAX / 3] = '\0';
	assert_int_equal(filename_escape(given, "", name), 0);
	assert_int_equal(filename_escape(given, ".", name), -ENAMETOOLONG);
	memset(lengthy, 'a', sizeof(lengthy));
	assert_int_equal(filename_unescape(lengthy, sizeof(lengthy), text), -EINVAL);
	lengthy[FILENAME_BYTES_MAX + 1] = '\0';
	assert_int_equal(filename_escape("a", lengthy, name), -ENAMETOOLONG);
}

/* A name of the maximum length fills its array, and nothing is written behind it. */
static void test_nothing_behind_the_name(void **state)
{
	char given[FILENAME_BYTES_MAX + 1];
	unsigned char behind = 0;

	(void)state;
	memset(given, 'a', sizeof(given) - 1);
	given[sizeof(given) - 1] = '\0';
	/* An overrun could write the same value by chance, so try two values. */
	do {
		struct {
			char name[FILENAME_BYTES_MAX + 1];
			unsigned char behind[8];
		} made;

		behind ^= 0xa5;
		memset(&made, behind, sizeof(made));
		assert_int_equal(filename_escape(given, "", made.name), 0);
		for (size_t i = 0; i < sizeof(made.behind); i++)
			assert_int_equal(made.behind[i], behind);
	} while (behind);
}

static void test_suffix_is_not_escaped(void **state)
{
	char name[FILENAME_BYTES_MAX + 1];

	(void)state;
	assert_int_equal(filename_escape("..", ".json", name), 0);
	assert_string_equal(name, "%2E..json");
}

static void test_uuid(void **state)
{
	static const char *const others[] = {"", "45463597",
		"45463597-20b7-4af7-b3b3-f5fb778203a",
		"45463597-20b7-4af7-b3b3-f5fb778203abc",
		"45463597-20B7-4af7-b3b3-f5fb778203ab",
		"45463597-20g7-4af7-b3b3-f5fb778203ab",
		"45463597020b7-4af7-b3b3-f5fb778203ab",
		"4546359--20b7-4af7-b3b3-f5fb778203ab"};

	(void)state;
	assert_true(filename_is_uuid("45463597-20b7-4af7-b3b3-f5fb778203ab"));
	assert_true(filename_is_uuid("00000000-0000-0000-0000-000000000000"));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(filename_is_uuid(others[i]));
}

static void test_words(void **state)
{
	char many[FILENAME_BYTES_MAX + 4];
	const char *words = "a,,bc,";
	char word[FILENAME_BYTES_MAX + 1];

	(void)state;
	for (const char *const *want = (const char *const[]){"a", "", "bc", "", NULL};
		*want; want++) {
		assert_true(filename_next_word(&words, word));
		assert_string_equal(word, *want);
	}
	assert_false(filename_next_word(&words, word));

	memset(many, 'x', sizeof(many));
	many[FILENAME_BYTES_MAX + 1] = ',';
	many[FILENAME_BYTES_MAX + 3] = '\0';
	words = many;
	assert_true(filename_next_word(&words, word));
	assert_string_equal(word, "");
	assert_true(filename_next_word(&words, word));
	assert_string_equal(word, "x");
	words = many + 1;
	assert_true(filename_next_word(&words, word));
	assert_int_equal(strlen(word), FILENAME_BYTES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_other_spellings),
		cmocka_unit_test(test_length_counts),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_nothing_behind_the_name),
		cmocka_unit_test(test_suffix_is_not_escaped),
		cmocka_unit_test(test_uuid),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
