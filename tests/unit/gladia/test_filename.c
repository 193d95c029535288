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
	{"a b", "a b"},
	{"50%", "50%25"},
	{"%2F", "%252F"},
	{"a,b", "a%2Cb"},
	{"Zo\xc3\xab", "Zo\xc3\xab"},
	{"J\xc3\xbcrgen Gro\xc3\x9f", "J\xc3\xbcrgen Gro\xc3\x9f"},
	{"\xe5\xb1\xb1\xe7\x94\xb0 \xe8\x8a\xb1\xe5\xad\x90",
		"\xe5\xb1\xb1\xe7\x94\xb0 \xe8\x8a\xb1\xe5\xad\x90"},
	{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
	{"\x7f\x01\xff", "%7F%01%FF"},
	{"~ *?\"'\\|:<>&=", "~ *?\"'\\|:<>&="},
	/* Control characters beyond ASCII. */
	{"\xc2\x80\xc2\x9f\xc2\xa0", "%C2%80%C2%9F\xc2\xa0"},
	/* Characters that change the direction of text. */
	{"a\xe2\x80\xae"
	 "b",
		"a%E2%80%AEb"},
	{"\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f", "%D8%9C%E2%80%8E%E2%80%8F"},
	{"\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa", "%E2%81%A6%E2%81%A9\xe2\x81\xaa"},
	{"\xe2\x80\xaa\xe2\x80\xa9", "%E2%80%AA\xe2\x80\xa9"},
	/* Not UTF-8: cut, longer than necessary, a surrogate, beyond U+10FFFF. */
	{"\xc3", "%C3"},
	{"\xe5\xb1", "%E5%B1"},
	{"\xe5\xb1z", "%E5%B1z"},
	{"\xc0\xaf", "%C0%AF"},
	{"\xe0\x80\xaf", "%E0%80%AF"},
	{"\xed\xa0\x80", "%ED%A0%80"},
	{"\xf4\x90\x80\x80", "%F4%90%80%80"},
	{"\xf5\x80\x80\x80", "%F5%80%80%80"},
	{"\x80", "%80"},
};

/* SEMANTICS 3.6.1 */
static void test_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char name[FILENAME_BYTES_MAX + 1];
		char text[FILENAME_BYTES_MAX + 1];

		assert_int_equal(
			filename_escape(names[i].text, FILENAME_WORD, "", name), 0);
		assert_string_equal(name, names[i].name);
		assert_int_equal(
			filename_unescape(name, strlen(name), FILENAME_WORD, text), 0);
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

			assert_int_equal(
				filename_escape(given, FILENAME_WORD, "", name), 0);
			assert_null(strchr(name, '/'));
			assert_int_not_equal(name[0], '.');
			assert_int_equal(filename_unescape(
						 name, strlen(name), FILENAME_WORD, text),
				0);
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
		"%41", "a%2", "a%", "%", "%%", "a%2G", "a%G2", "a%20b", "a/b", "a%00b",
		"%00", "a%2D", "%5F", "a%2E", "Zo%C3%AB", "a\n", "%7E", "a,b", "a%+1",
		"a% 1", "\xff", "\xc3",
		("a\xe2\x80\xae"
		 "b")};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		char text[FILENAME_BYTES_MAX + 1] = "as it was";

		if (filename_unescape(refused[i], strlen(refused[i]), FILENAME_WORD,
			    text) != -EINVAL)
			fail_msg("'%s' was accepted", refused[i]);
		assert_string_equal(text, "as it was");
	}
}

/* Only `len` bytes are the name; those after them are not read. */
static void test_length_counts(void **state)
{
	char text[FILENAME_BYTES_MAX + 1];

	(void)state;
	assert_int_equal(filename_unescape("job.json", 3, FILENAME_WORD, text), 0);
	assert_string_equal(text, "job");
	assert_int_equal(filename_unescape("a%2Fb", 4, FILENAME_WORD, text), 0);
	assert_string_equal(text, "a/");
	assert_int_equal(filename_unescape("a%2Fb", 3, FILENAME_WORD, text), -EINVAL);
	assert_int_equal(filename_unescape("a\0b", 3, FILENAME_WORD, text), -EINVAL);
}

/*
 * A name that is too long can be cut, between two characters; the rest of the text can be
 * escaped by itself.
 */
static void test_parts(void **state)
{
	static const struct {
		const char *text;
		size_t max;
		const char *name;
		size_t taken;
	} parts[] = {
		{"abc", 3, "abc", 3},
		{"abc", 2, "ab", 2},
		{"abc", 0, "", 0},
		{"a/b", 3, "a", 1},
		{"a/b", 4, "a%2F", 2},
		{"Zo\xc3\xab!", 3, "Zo", 2},
		{"Zo\xc3\xab!", 4, "Zo\xc3\xab", 4},
		/* An encoded character stays whole, too. */
		{"a\xe2\x80\xae"
		 "b",
			9, "a", 1},
		{"a\xe2\x80\xae"
		 "b",
			10, "a%E2%80%AE", 4},
		{",~", 4, "%2C", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		char name[FILENAME_BYTES_MAX + 1];

		assert_int_equal(
			filename_escape_part(parts[i].text, ",~", parts[i].max, name),
			parts[i].taken);
		assert_string_equal(name, parts[i].name);
	}
}

/* NAME_MAX counts the escaped bytes and the suffix; a name is never truncated. */
static void test_limits(void **state)
{
	char given[FILENAME_BYTES_MAX + 2];
	char name[FILENAME_BYTES_MAX + 1] = "as it was";
	char text[FILENAME_BYTES_MAX + 1];
	char lengthy[FILENAME_BYTES_MAX + 2];

	(void)state;
	assert_int_equal(filename_escape("", FILENAME_WORD, "", name), -EINVAL);
	assert_int_equal(filename_escape("", FILENAME_WORD, ".json", name), -EINVAL);
	memset(given, 'a', sizeof(given) - 1);
	given[sizeof(given) - 1] = '\0';
	assert_int_equal(filename_escape(given, FILENAME_WORD, "", name), -ENAMETOOLONG);
	assert_string_equal(name, "as it was");
	given[FILENAME_BYTES_MAX] = '\0';
	assert_int_equal(filename_escape(given, FILENAME_WORD, "", name), 0);
	assert_int_equal(strlen(name), FILENAME_BYTES_MAX);
	assert_int_equal(
		filename_unescape(name, FILENAME_BYTES_MAX, FILENAME_WORD, text), 0);
	assert_string_equal(text, given);
	assert_int_equal(
		filename_escape(given, FILENAME_WORD, ".json", name), -ENAMETOOLONG);
	given[FILENAME_BYTES_MAX - 5] = '\0';
	assert_int_equal(filename_escape(given, FILENAME_WORD, ".json", name), 0);
	assert_string_equal(name + FILENAME_BYTES_MAX - 5, ".json");
	memset(given, '/', FILENAME_BYTES_MAX / 3);
	given[FILENAME_BYTES_MAX / 3] = '\0';
	assert_int_equal(filename_escape(given, FILENAME_WORD, "", name), 0);
	assert_int_equal(filename_escape(given, FILENAME_WORD, ".", name), -ENAMETOOLONG);
	memset(lengthy, 'a', sizeof(lengthy));
	assert_int_equal(filename_unescape(lengthy, sizeof(lengthy), FILENAME_WORD, text),
		-EINVAL);
	lengthy[FILENAME_BYTES_MAX + 1] = '\0';
	assert_int_equal(
		filename_escape("a", FILENAME_WORD, lengthy, name), -ENAMETOOLONG);
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
		assert_int_equal(filename_escape(given, FILENAME_WORD, "", made.name), 0);
		for (size_t i = 0; i < sizeof(made.behind); i++)
			assert_int_equal(made.behind[i], behind);
	} while (behind);
}

static void test_suffix_is_not_escaped(void **state)
{
	char name[FILENAME_BYTES_MAX + 1];

	(void)state;
	assert_int_equal(filename_escape("..", FILENAME_WORD, ".json", name), 0);
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
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_nothing_behind_the_name),
		cmocka_unit_test(test_suffix_is_not_escaped),
		cmocka_unit_test(test_uuid),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
