/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "gladia/metadata.h"

/* custom_metadata as names: SEMANTICS 3.1, 3.4, 3.6, 11.3. */

/*
 * Flattens a copy without a NUL after it, so that ASan and valgrind detect an overread.
 */
static void flatten(const char *json, struct buf *text)
{
	size_t len = strlen(json);
	char *copy = malloc(len);

	assert_non_null(copy);
	memcpy(copy, json, len);
	buf_init(text, METADATA_TEXT_MAX);
	assert_int_equal(
		metadata_flatten((struct json_slice){copy, copy + len}, text), 0);
	free(copy);
}

static const struct {
	const char *json;
	const char *text;
} flat[] = {
	{"{\"customer\":\"acme\"}", "\ncustomer=acme\n"},
	{"{\n\"a\" : 1 , \"b\" : \"2\" }", "\na=1\nb=2\n"},
	/*
	 * SEMANTICS 3.4: nested objects have dotted keys; a key that contains a dot is
	 * the same.
	 */
	{"{\"paymentMethod\":{\"last4Digits\":4576}}",
		"\npaymentMethod.last4Digits=4576\n"},
	{"{\"a\":{\"b\":{\"c\":\"d\"},\"e\":1},\"a.b\":2,\"f\":3}",
		"\na.b.c=d\na.e=1\na.b=2\nf=3\n"},
	/*
	 * Numbers keep their digits; other values that are not strings are spelled as in
	 * JSON.
	 */
	{"{\"n\":9007199254740993,\"x\":1.50,\"e\":1e3,\"m\":-0,\"p\":1E+3}",
		"\nn=9007199254740993\nx=1.50\ne=1e3\nm=-0\np=1E%2B3\n"},
	{"{\"t\":true,\"f\":false,\"z\":null,\"s\":\"null\"}",
		"\nt=true\nf=false\nz=null\ns=null\n"},
	/* Each element of an array is a value. */
	{"{\"tags\":[\"vip\",\"new\",7,[true]]}",
		"\ntags=vip\ntags=new\ntags=7\ntags=true\n"},
	{"{\"a\":[{\"x\":1},{\"x\":2,\"y\":[3]}]}", "\na.x=1\na.x=2\na.y=3\n"},
	/* SEMANTICS 3.6: each text has one name, which is neither hidden nor a path. */
	{"{\"..\":\".\",\"a/b\":\"../c\",\".git\":\"x,y\"}",
		"\n%2E.=%2E\na%2Fb=%2E.%2Fc\n%2Egit=x%2Cy\n"},
	{"{\"a=b\":\"c&d\",\"e\\nf\":\"g\\th\",\"%41\":\"A\"}",
		"\na%3Db=c%26d\ne%0Af=g%09h\n%2541=A\n"},
	{"{\"Zo\\u00eb\":\"\xe7\x8c\xab\"}", "\nZo%C3%AB=%E7%8C%AB\n"},
	{"{\"\\ud83d\\ude00\":\"\\/\"}", "\n%F0%9F%98%80=%2F\n"},
	/* A duplicate member occurs twice. */
	{"{\"a\":1,\"a\":2}", "\na=1\na=2\n"},
	/* Texts that cannot be names are left out; those around them are not. */
	{"{\"\":1,\"a\":\"\",\"b\":{},\"c\":[],\"d\":[[],{}],\"e\":5}", "\ne=5\n"},
	{"{\"a\":{\"\":1},\"\":{\"b\":2}}", "\na.=1\n%2Eb=2\n"},
	{"{\"a\":\"x\\u0000y\",\"b\\u0000\":1,\"c\":\"\\ud800\",\"d\":4}", "\nd=4\n"},
	{"{\"a\":\"b\\\\u0000\"}", "\na=b%5Cu0000\n"},
	{"{}", ""},
	{"null", ""},
	{"\"text\"", ""},
	{"7", ""},
	{"true", ""},
	{"[1,{\"a\":2}]", ""},
};

static void test_flatten(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(flat); i++) {
		struct buf text;

		flatten(flat[i].json, &text);
		assert_string_equal(text.len ? text.data : "", flat[i].text);
		buf_done(&text);
	}
}

/* A job without custom_metadata. */
static void test_absent(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, METADATA_TEXT_MAX);
	assert_int_equal(buf_append_str(&text, "of another job"), 0);
	assert_int_equal(metadata_flatten((struct json_slice){0}, &text), 0);
	assert_int_equal(text.len, 0);
	buf_done(&text);
}

/* Truncated metadata causes no read beyond its end. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(flat); i++) {
		for (size_t len = 1; len < strlen(flat[i].json); len++) {
			char *cut = strndup(flat[i].json, len);
			struct buf text;

			assert_non_null(cut);
			flatten(cut, &text);
			buf_done(&text);
			free(cut);
		}
	}
}

/* Flattens `count` times `open`, then `middle`, then `count` times `close`. */
static void flatten_many(const char *open, const char *middle, const char *close,
	unsigned count, struct buf *text)
{
	struct buf json;

	buf_init(&json, 1 << 20);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(buf_append_str(&json, open), 0);
	assert_int_equal(buf_append_str(&json, middle), 0);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(buf_append_str(&json, close), 0);
	flatten(json.data, text);
	buf_done(&json);
}

/* SEMANTICS 11.3: depth and sizes are limited. */
static void test_maxima(void **state)
{
	static const struct {
		const char *open, *middle, *close;
		unsigned count;
		size_t pairs;
	} cases[] = {
		{"{\"a\":", "1", "}", 16, 1},
		{"{\"a\":", "1", "}", 17, 0},
		{"{\"a\":", "1", "}", 5000, 0},
		{"{\"a\":[", "1", "]}", 8, 1},
		{"{\"a\":[", "1", "]}", 9, 0},
		{"{\"a\":[0", "", ",0]}", 1, 2},
		{"{\"a\":[0,[", "1", "]]}", 1, 2},
		/* Truncated JSON, which was not validated before. */
		{"", "{\"a\":[0", "", 1, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct metadata_pair pair;
		struct buf text;
		size_t at = 0;
		size_t pairs = 0;

		flatten_many(cases[i].open, cases[i].middle, cases[i].close,
			cases[i].count, &text);
		while (metadata_next(text.data, text.len, &at, &pair))
			pairs++;
		assert_int_equal(pairs, cases[i].pairs);
		assert_int_equal(at, text.len);
		buf_done(&text);
	}
}

static void test_many_pairs(void **state)
{
	struct buf json;
	struct buf text;
	char name[FILENAME_BYTES_MAX];

	(void)state;
	/* Each byte of these names is encoded in the pairs. */
	memset(name, ' ', sizeof(name));
	buf_init(&json, 1 << 20);
	for (unsigned i = 0; i < METADATA_PAIRS_MAX + 10; i++)
		assert_int_equal(buf_printf(&json, "%s\"%.255s\":\"%.255s\"",
					 i ? "," : "{", name, name),
			0);
	assert_int_equal(buf_append_str(&json, "}"), 0);
	flatten(json.data, &text);
	assert_int_equal(text.len, METADATA_TEXT_MAX);
	buf_done(&text);
	buf_done(&json);
}

static void test_long_names(void **state)
{
	static const struct {
		unsigned len;
		char fill;
		bool named;
	} cases[] = {{255, 'x', true}, {256, 'x', false}, {255, ' ', true},
		{256, ' ', false}, {85, '/', true}, {86, '/', false}, {5000, 'x', false},
		{255, '1', true}, {256, '1', false}, {5000, '1', false}};
	/* The text before and after the name: as a value, a key and a number. */
	static const char *const around[][2] = {
		{"{\"a\":\"", "\",\"b\":2}"},
		{"{\"", "\":1,\"b\":2}"},
		{"{\"a\":", ",\"b\":2}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[5001] = "";
		char json[5100];
		struct buf text;

		memset(name, cases[i].fill, cases[i].len);
		for (int j = 0; j < (cases[i].fill == '1' ? 3 : 2); j++) {
			sprintf(json, "%s%s%s", around[j][0], name, around[j][1]);
			flatten(json, &text);
			assert_int_equal(
				strcmp(text.data, "\nb=2\n") != 0, cases[i].named);
			buf_done(&text);
		}
	}
}

/* The limit includes the dot before the name of a nested member. */
static void test_long_nested_names(void **state)
{
	static const struct {
		unsigned len;
		const char *nested;
		bool named;
	} cases[] = {{254, "", true}, {255, "", false}, {253, "y", true},
		{254, "y", false}, {255, "y", false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[FILENAME_BYTES_MAX + 1] = "";
		char json[300];
		struct buf text;

		memset(name, 'x', cases[i].len);
		sprintf(json, "{\"%s\":{\"%s\":1},\"b\":2}", name, cases[i].nested);
		flatten(json, &text);
		assert_int_equal(strcmp(text.data, "\nb=2\n") != 0, cases[i].named);
		buf_done(&text);
	}
}

/* Calls metadata_decode() and metadata_show() with a copy without a NUL. */
static int decode(const char *word, char text[static FILENAME_BYTES_MAX + 1],
	char name[static FILENAME_BYTES_MAX + 1])
{
	size_t len = strlen(word);
	char *copy = malloc(len + !len);

	assert_non_null(copy);
	memcpy(copy, word, len);

	int err = metadata_decode(copy, len, text);

	assert_int_equal(metadata_show(copy, len, name), err);
	free(copy);
	return err;
}

/* Every character has one word, which can be decoded, and a file name. */
static void test_characters(void **state)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789._-";

	(void)state;
	for (unsigned c = 1; c < 0x80; c++) {
		char string[] = {'x', (char)c, 'y', '\0'};
		char text[FILENAME_BYTES_MAX + 1];
		char name[FILENAME_BYTES_MAX + 1];
		char shown[FILENAME_BYTES_MAX + 1];
		char json[32];
		char word[32];
		char line[64];
		struct buf flat_text;

		sprintf(word, strchr(plain, (int)c) ? "x%cy" : "x%%%02Xy", c);
		sprintf(json, "{\"a\":\"x\\u%04xy\"}", c);
		sprintf(line, "\na=%s\n", word);
		flatten(json, &flat_text);
		assert_string_equal(flat_text.data, line);
		buf_done(&flat_text);
		assert_int_equal(decode(word, text, name), 0);
		assert_string_equal(text, string);
		assert_int_equal(filename_escape(string, FILENAME_WORD, "", shown), 0);
		assert_string_equal(name, shown);
	}
}

/* Only words that metadata_flatten() writes can be decoded. */
static void test_decode(void **state)
{
	static const char *const refused[] = {".a", "a b", "a=b", "a%", "a%4", "%41",
		"%2e", "a%zz", "a%00", "\xc3\xab"};
	char text[FILENAME_BYTES_MAX + 1];
	char name[FILENAME_BYTES_MAX + 1];
	char word[METADATA_WORD_MAX + 4] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(decode(refused[i], text, name), -EINVAL);
	assert_int_equal(decode("%2Ea%25%C3%AB", text, name), 0);
	assert_string_equal(text, ".a%\xc3\xab");
	assert_string_equal(name, "%2Ea%25\xc3\xab");
	for (unsigned i = 0; i < FILENAME_BYTES_MAX; i++)
		strcat(word, "%20");
	assert_int_equal(decode(word, text, name), 0);
	assert_int_equal(strlen(text), FILENAME_BYTES_MAX);
	strcat(word, "a");
	assert_int_equal(decode(word, text, name), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flatten),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_maxima),
		cmocka_unit_test(test_many_pairs),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_long_nested_names),
		cmocka_unit_test(test_characters),
		cmocka_unit_test(test_decode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
