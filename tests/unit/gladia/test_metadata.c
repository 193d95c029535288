/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "gladia/metadata.h"

/* custom_metadata as names, and filters on them: SEMANTICS 3.1, 3.2, 3.6, 11.3. */

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
		{5000, '1', false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[5001] = "";
		char json[5100];
		struct buf text;

		memset(name, cases[i].fill, cases[i].len);
		for (int as_key = 0; as_key < 2; as_key++) {
			sprintf(json,
				as_key ? "{\"%s\":1,\"b\":2}" : "{\"a\":\"%s\",\"b\":2}",
				name);
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

/* Filters in the order of the directories: a key, then values. */
struct step {
	const char *key;
	const char *values; /* NULL: only the key */
};

enum { STEPS_MAX = 4 };

static void make(const struct step *steps, char filters[static METADATA_FILTER_MAX])
{
	strcpy(filters, "");
	for (unsigned i = 0; i < STEPS_MAX && steps[i].key; i++) {
		assert_int_equal(metadata_add_key(filters, steps[i].key), 0);
		if (steps[i].values)
			assert_int_equal(
				metadata_add_values(filters, steps[i].values), 0);
	}
}

/* SEMANTICS 3.2: equivalent paths yield the same filter text. */
static void test_filters(void **state)
{
	static const struct {
		struct step steps[STEPS_MAX];
		const char *filters;
	} cases[] = {
		{{{"a", "1"}}, "a=1"},
		{{{"a", NULL}}, "a"},
		{{{"b", "1"}, {"a", "1"}}, "a=1&b=1"},
		{{{"a", "1"}, {"b", "1"}}, "a=1&b=1"},
		{{{"a", "2,1,2"}}, "a=1,2"},
		{{{"a", "10,1"}}, "a=1,10"},
		{{{"a", "1,10"}}, "a=1,10"},
		{{{"a", "1"}, {"a", "1"}}, "a=1"},
		{{{"a", "2"}, {"a", "1"}}, "a=1&a=2"},
		{{{"a", "1"}, {"ab", "1"}, {"a", "1,2"}}, "a=1&a=1,2&ab=1"},
		{{{"ab", "1"}, {"a", "1"}, {"a", NULL}}, "a&a=1&ab=1"},
		{{{"c", "3"}, {"b", "2"}, {"a", NULL}}, "a&b=2&c=3"},
		{{{"%2E.", "x%2Cy,z"}}, "%2E.=x%2Cy,z"},
		{{{"a=b", "c&d,\xc3\xab"}}, "a%3Db=%C3%AB,c%26d"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char filters[METADATA_FILTER_MAX];

		make(cases[i].steps, filters);
		assert_string_equal(filters, cases[i].filters);
	}
}

/*
 * SEMANTICS 3.3, 3.6: only the canonical spelling is accepted; an error changes nothing.
 */
static void test_refused(void **state)
{
	static const char *const names[] = {"", ".", "..", ".git", "a/b", "%", "%4",
		"%41", "%2e", "a%00", "a%20b", "a%3Db", "Zo%C3%AB", "\xff"};
	static const char *const values[] = {",", "a,", ",a", "a,,b", "a,.b"};
	char filters[METADATA_FILTER_MAX];

	(void)state;
	make((const struct step[STEPS_MAX]){{"k", "v"}, {"a", NULL}}, filters);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(metadata_add_key(filters, names[i]), -ENOENT);
		assert_int_equal(metadata_add_values(filters, names[i]), -ENOENT);
	}
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		assert_int_equal(metadata_add_key(filters, values[i]), -ENOENT);
		assert_int_equal(metadata_add_values(filters, values[i]), -ENOENT);
	}
	assert_string_equal(filters, "a&k=v");
	make((const struct step[STEPS_MAX]){{"k", "v"}}, filters);
	assert_int_equal(metadata_add_values(filters, "x"), -ENOENT);
	assert_string_equal(filters, "k=v");
}

/*
 * SEMANTICS 11.3: there is room for a key and a value of the maximum length, and little
 * more.
 */
static void test_too_long(void **state)
{
	char filters[METADATA_FILTER_MAX];
	char name[FILENAME_BYTES_MAX + 1] = "";
	char before[METADATA_FILTER_MAX];

	(void)state;
	strcpy(filters, "");
	memset(name, ' ', FILENAME_BYTES_MAX);
	assert_int_equal(metadata_add_key(filters, name), 0);
	assert_int_equal(metadata_add_values(filters, name), 0);
	assert_int_equal(strlen(filters), 2 * METADATA_WORD_MAX + 1);
	strcpy(before, filters);
	assert_int_equal(metadata_add_key(filters, "longer"), -ENAMETOOLONG);
	assert_string_equal(filters, before);
}

/* A filter may fill the room completely. */
static void test_full(void **state)
{
	char filters[METADATA_FILTER_MAX];
	char name[FILENAME_BYTES_MAX + 1] = "";
	char values[FILENAME_BYTES_MAX + sizeof(",xyzw")];

	(void)state;
	memset(name, ' ', FILENAME_BYTES_MAX);
	strcpy(filters, "");
	assert_int_equal(metadata_add_key(filters, name), 0);
	sprintf(values, "%s,xyzw", name);
	assert_int_equal(metadata_add_values(filters, values), -ENAMETOOLONG);
	sprintf(values, "%s,xyz", name);
	assert_int_equal(metadata_add_values(filters, values), 0);
	assert_int_equal(strlen(filters), METADATA_FILTER_MAX - 1);
}

/*
 * SEMANTICS 3.5: metadata matches if it has the key of each filter, with one of the
 * values, if the filter has any.
 */
static void test_matches(void **state)
{
	static const char text[] = "\na=1\nab=2\na=10\nc.d=x%2Cy\n";
	static const struct {
		const char *filters;
		bool matches;
	} cases[] = {
		{"", true},
		{"a", true},
		{"ab", true},
		{"b", false},
		{"c", false},
		{"c.d", true},
		{"a=1", true},
		{"a=10", true},
		{"a=2", false},
		{"a=", false},
		{"a=0", false},
		{"ab=2", true},
		{"b=2", false},
		{"a=3,10", true},
		{"a=100,1000", false},
		{"a=1&ab=2", true},
		{"a=1&a=10", true},
		{"a=1&ab=1", false},
		{"a=1&z", false},
		{"c.d=x%2Cy", true},
		{"c.d=x,y", false},
		{"1", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool matches = metadata_matches(cases[i].filters, text, strlen(text));

		if (matches != cases[i].matches)
			fail_msg("%s", cases[i].filters);
		assert_int_equal(
			metadata_matches(cases[i].filters, "", 0), !*cases[i].filters);
	}
}

static void test_open_key(void **state)
{
	char key[METADATA_WORD_MAX + 1] = "longer";

	(void)state;
	assert_int_equal(metadata_open_key("a=1&b&c=2", key), 0);
	assert_string_equal(key, "b");
	assert_int_equal(metadata_open_key("a=1&c=2", key), -ENOENT);
	assert_int_equal(metadata_open_key("", key), -ENOENT);
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
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_open_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
