/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "base/buf.h"
#include "json/pretty_print.h"

/* The printer's output: SEMANTICS 4.1 (jq's layout, digits, escapes). */

enum { PLENTY = 1 << 20 };

/*
 * Returns a copy of exactly the text's length, so that ASan and valgrind detect reads
 * behind its end.
 */
static char *exactly(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	if (len)
		memcpy(copy, text, len);
	return copy;
}

static void assert_prints(const char *text, const char *wanted)
{
	struct json_error error;
	struct buf out;
	size_t len = strlen(text);
	char *copy = exactly(text, len);

	buf_init(&out, PLENTY);
	assert_int_equal(json_print(copy, len, &out, NULL, &error), 0);
	assert_string_equal(out.data, wanted);
	assert_int_equal(out.len, strlen(wanted));
	assert_int_equal(json_check(copy, len, &error), 0);
	buf_done(&out);
	free(copy);
}

static void test_spec_4_1_layout(void **state)
{
	(void)state;
	assert_prints("{\"a\":[1,{\"b\":[]},{}],\"c\":null}",
		"{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    },\n    {}\n  ],\n"
		"  \"c\": null\n}\n");
	assert_prints("[[[]]]", "[\n  [\n    []\n  ]\n]\n");
	assert_prints("[true,false,null]", "[\n  true,\n  false,\n  null\n]\n");
	assert_prints(" \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } , \"c\" : [ \n ] } \n",
		"{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": []\n}\n");
	assert_prints("{}", "{}\n");
	assert_prints("[]", "[]\n");
	assert_prints("\"\"", "\"\"\n");
	assert_prints("null", "null\n");
	assert_prints(" 7 ", "7\n");
}

/* Each level is indented by two spaces, at every depth. */
static void test_spec_4_1_deep_layout(void **state)
{
	struct json_error error;
	struct buf text, out, wanted;

	(void)state;
	buf_init(&text, PLENTY);
	buf_init(&out, 4 * PLENTY);
	buf_init(&wanted, 4 * PLENTY);
	for (int depth = 1; depth <= JSON_DEPTH_MAX; depth += depth < 40 ? 1 : 480) {
		buf_reset(&text);
		buf_reset(&out);
		buf_reset(&wanted);
		for (int i = 0; i < depth; i++) {
			assert_int_equal(buf_append_str(&text, "["), 0);
			assert_int_equal(buf_printf(&wanted, "%*s[\n", 2 * i, ""), 0);
		}
		assert_int_equal(buf_append_str(&text, "1,2"), 0);
		assert_int_equal(buf_printf(&wanted, "%*s1,\n%*s2\n", 2 * depth, "",
					 2 * depth, ""),
			0);
		for (int i = depth; i-- > 0;) {
			assert_int_equal(buf_append_str(&text, "]"), 0);
			assert_int_equal(buf_printf(&wanted, "%*s]\n", 2 * i, ""), 0);
		}
		assert_int_equal(json_print(text.data, text.len, &out, NULL, &error), 0);
		assert_string_equal(out.data, wanted.data);
	}
	buf_done(&text);
	buf_done(&out);
	buf_done(&wanted);
}

/* SEMANTICS 4.1.2 */
static void test_spec_4_1_keys_keep_order_and_occurrences(void **state)
{
	(void)state;
	assert_prints("{\"b\":1,\"a\":2,\"b\":3,\"\":4}",
		"{\n  \"b\": 1,\n  \"a\": 2,\n  \"b\": 3,\n  \"\": 4\n}\n");
}

/* SEMANTICS 4.1.3 */
static void test_spec_4_1_numbers_keep_their_digits(void **state)
{
	static const char long_one[] = "3141592653589793238462643383279502884197169399375"
				       "1058209749445923078164062862"
				       "0899862803482534211706798214808651328230664709384"
				       "4609550582231725359408128481";
	const char *const numbers[] = {"9007199254740993", "1.4904600000000001", "1e3",
		"-0", "0", "0.0", "-0.0e-0", "1E+2", "1e+05", "0e0", "10", "1.50",
		"123456789012345", "1234567890123456", "12345678901234567", long_one,
		"-1234567890.12345678901234567890123456789012345678901234567890e-"
		"12345678901"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		char text[512], wanted[512];

		snprintf(wanted, sizeof(wanted), "%s\n", numbers[i]);
		assert_prints(numbers[i], wanted);
		snprintf(text, sizeof(text), "[%s,%s]", numbers[i], numbers[i]);
		snprintf(wanted, sizeof(wanted), "[\n  %s,\n  %s\n]\n", numbers[i],
			numbers[i]);
		assert_prints(text, wanted);
		snprintf(
			text, sizeof(text), "{\"a\":%s}                    ", numbers[i]);
		snprintf(wanted, sizeof(wanted), "{\n  \"a\": %s\n}\n", numbers[i]);
		assert_prints(text, wanted);
	}
}

/* SEMANTICS 4.1.4 */
static void test_spec_4_1_escapes(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{"Zo\\u00eb", "Zo\xc3\xab"},
		{"Zo\xc3\xab", "Zo\xc3\xab"},
		{"\\u20AC\\u20ac", "\xe2\x82\xac\xe2\x82\xac"},
		{"\\ud83d\\ude00", "\xf0\x9f\x98\x80"},
		{"\\uDBFF\\uDFFF", "\xf4\x8f\xbf\xbf"},
		{"\\u0041\\u0022\\u005c\\u002f", "A\\\"\\\\/"},
		{"\\/\\\"\\\\\\b\\f\\n\\r\\t", "/\\\"\\\\\\b\\f\\n\\r\\t"},
		{"\\u0008\\u000C\\u000a\\u000d\\u0009", "\\b\\f\\n\\r\\t"},
		{"\\u0000\\u001F\\u001b", "\\u0000\\u001f\\u001b"},
		{"\\u007F\x7f\\u0080", "\\u007f\\u007f\xc2\x80"},
		{"\\u2028\\uFFFF\\uE000", "\xe2\x80\xa8\xef\xbf\xbf\xee\x80\x80"},
		{"'<>&", "'<>&"},
		/*
		 * Lone surrogates cannot be written in UTF-8. Unlike jq, we keep them as
		 * escapes.
		 */
		{"\\uD83D", "\\ud83d"},
		{"\\uDE00x", "\\ude00x"},
		{"\\ud83d\\u0041", "\\ud83dA"},
		{"\\ud83d\\n", "\\ud83d\\n"},
		{"\\ud83d\\ud83d\\ude00", "\\ud83d\xf0\x9f\x98\x80"},
		{"\\ude00\\ud83d", "\\ude00\\ud83d"},
	};
	static const char pad[] = "................................";

	(void)state;
	/* Each escape at every position within the blocks that are scanned at once. */
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t before = 0; before < sizeof(pad); before++)
			for (size_t after = 0; after < sizeof(pad); after += 31) {
				char text[256], wanted[256];

				snprintf(text, sizeof(text), "\"%s%s%s\"", pad + before,
					rows[i].text, pad + after);
				snprintf(wanted, sizeof(wanted), "\"%s%s%s\"\n",
					pad + before, rows[i].wanted, pad + after);
				assert_prints(text, wanted);
			}
}

#define BAD "\xef\xbf\xbd"

static void test_spec_4_1_bad_utf8(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{"\xff\xfe", BAD BAD},
		{"\x80\xbf", BAD BAD},
		{"\xc0\x80", BAD BAD},
		{"\xc1\xbf", BAD BAD},
		{"\xe0\x9f\xbf", BAD},
		{"\xf0\x8f\xbf\xbf", BAD},
		{"\xed\xa0\x80", BAD},
		{"\xed\xbf\xbf\xed\x9f\xbf", BAD "\xed\x9f\xbf"},
		{"\xf4\x90\x80\x80", BAD},
		{"\xf5\x80\x80\x80", BAD BAD BAD BAD},
		{"\xc3", BAD},
		{"\xe2\x82", BAD},
		{"\xf0\x9f\x98", BAD},
		{"\xe2\xe2\x82\xac", BAD "\xe2\x82\xac"},
		{"\xc3\xc3\xa9", BAD "\xc3\xa9"},
		{"\xf0\x9f\\n", BAD "\\n"},
		{"\xc2\x80\xdf\xbf\xe0\xa0\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
			"\xc2\x80\xdf\xbf\xe0\xa0\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int pad = 0; pad < 20; pad++) {
			char text[128], wanted[128];

			snprintf(text, sizeof(text), "\"%*s%s\"", pad, "", rows[i].text);
			snprintf(wanted, sizeof(wanted), "\"%*s%s\"\n", pad, "",
				rows[i].wanted);
			assert_prints(text, wanted);
			snprintf(text, sizeof(text), "[\"%*s%sabcd\"]", pad, "",
				rows[i].text);
			snprintf(wanted, sizeof(wanted), "[\n  \"%*s%sabcd\"\n]\n", pad,
				"", rows[i].wanted);
			assert_prints(text, wanted);
		}
}

static void test_output_is_appended(void **state)
{
	struct json_error error;
	struct buf out;

	(void)state;
	buf_init(&out, PLENTY);
	assert_int_equal(json_print("[]", 2, &out, NULL, &error), 0);
	assert_int_equal(json_print("{}", 2, &out, NULL, &error), 0);
	assert_string_equal(out.data, "[]\n{}\n");
	buf_done(&out);
}

/*
 * The members that the rules of the test find: d, a, "b" in a, and "b" of the elements
 * of "c" in a. Each call is written as the rule, the value, and the number of elements,
 * if it is an array that is counted.
 */
static const struct json_rule found_rules[] = {
	{JSON_KEY(""), 1, 2, false},
	{JSON_KEY("a"), 3, 2, false},
	{JSON_KEY("d"), 0, 0, false},
	{JSON_KEY("b"), 0, 0, false},
	{JSON_KEY("c"), 5, 1, true},
	{JSON_KEY("b"), 0, 0, false},
};

static const struct {
	const char *text;
	const char *calls;
} found[] = {
	{"{\"a\":{\"b\":{}}}", "3={} 1={\"b\":{}} "},
	{" {\"z\":1, \"a\" : {\"b\":1 } , \"d\":2 }", "3=1 1={\"b\":1 } 2=2 "},
	{"{\"a\":{\"b\":null}}", "3=null 1={\"b\":null} "},
	{"{\"a\":{}}", "1={} "},
	{"{\"a\":{ \"x\":{\"b\":1}}}", "1={ \"x\":{\"b\":1}} "},
	{"{\"a\":[{\"b\":1}]}", "1=[{\"b\":1}] "},
	{"{\"a\":null,\"x\":{\"b\":1}}", "1=null "},
	{"{\"a\":-1.5 }", "1=-1.5 "},
	{"{\"a\":\"s\"}", "1=\"s\" "},
	{"{\"x\":{\"a\":{\"b\":1}}}", ""},
	{"[{\"a\":{\"b\":1}}]", ""},
	{"{\"aa\":1,\"\":2,\"A\":3,\"b\":4}", ""},
	{"{\"x\":\"a\",\"y\":[\"a\",1]}", ""},
	{"{}", ""},
	{"\"a\"", ""},
	/* A member that occurs twice is found twice. */
	{"{\"a\":{\"b\":1},\"a\":2}", "3=1 1={\"b\":1} 1=2 "},
	/* Only the elements of an array without rules of its own are counted. */
	{"{\"d\":[]}", "2=[] "},
	{"{\"d\":[1]}", "2=[1]*1 "},
	{"{\"d\":[[1,2],{\"b\":[3,4]},5 ] }", "2=[[1,2],{\"b\":[3,4]},5 ]*3 "},
	{"{\"d\":[1,2],\"x\":[3],\"d\":[]}", "2=[1,2]*2 2=[] "},
	{"{\"a\":{\"b\":[{},{}]}}", "3=[{},{}]*2 1={\"b\":[{},{}]} "},
	/* The objects in an array. */
	{"{\"a\":{\"c\":[{\"b\":[1,2]},{\"b\":3}]}}",
		"5=[1,2]*2 5=3 4=[{\"b\":[1,2]},{\"b\":3}] "
		"1={\"c\":[{\"b\":[1,2]},{\"b\":3}]} "},
	{"{\"a\":{\"c\":[1,[{\"b\":1}],{\"x\":{\"b\":2}}]}}",
		"4=[1,[{\"b\":1}],{\"x\":{\"b\":2}}] "
		"1={\"c\":[1,[{\"b\":1}],{\"x\":{\"b\":2}}]} "},
	{"{\"a\":{\"c\":{\"b\":1}}}", "4={\"b\":1} 1={\"c\":{\"b\":1}} "},
	{"{\"a\":{\"c\":[],\"b\":1},\"d\":2}", "4=[] 3=1 1={\"c\":[],\"b\":1} 2=2 "},
};

static void note_found(void *ctx, unsigned rule, struct json_slice value, size_t elements)
{
	struct buf *calls = ctx;

	assert_int_equal(
		buf_printf(calls, "%u=%.*s", rule, (int)json_length(value), value.at), 0);
	if (elements)
		assert_int_equal(buf_printf(calls, "*%zu", elements), 0);
	assert_int_equal(buf_append_str(calls, " "), 0);
}

static void test_found_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(found); i++) {
		const char *text = found[i].text;
		struct json_error error;
		struct buf calls;
		struct buf out;
		struct json_find find = {found_rules, note_found, &calls};

		buf_init(&calls, PLENTY);
		buf_init(&out, PLENTY);
		assert_int_equal(buf_append_str(&calls, ""), 0);
		assert_int_equal(json_print(text, strlen(text), &out, &find, &error), 0);
		assert_string_equal(calls.data, found[i].calls);
		buf_reset(&calls);
		assert_int_equal(buf_append_str(&calls, ""), 0);
		assert_int_equal(json_find(text, strlen(text), &find, &error), 0);
		assert_string_equal(calls.data, found[i].calls);
		buf_done(&calls);
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spec_4_1_layout),
		cmocka_unit_test(test_spec_4_1_deep_layout),
		cmocka_unit_test(test_spec_4_1_keys_keep_order_and_occurrences),
		cmocka_unit_test(test_spec_4_1_numbers_keep_their_digits),
		cmocka_unit_test(test_spec_4_1_escapes),
		cmocka_unit_test(test_spec_4_1_bad_utf8),
		cmocka_unit_test(test_output_is_appended),
		cmocka_unit_test(test_found_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
