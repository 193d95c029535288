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

/* Text that the printer refuses: SEMANTICS 4.3 (not JSON), 11.3 (depth and size). */

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

static void assert_refuses(
	const char *text, size_t len, size_t offset, const char *reason)
{
	struct json_error error = {.offset = SIZE_MAX};
	struct json_error checked = {.offset = SIZE_MAX};
	struct buf out;
	char *copy = exactly(text, len);

	buf_init(&out, PLENTY);
	assert_int_equal(buf_append_str(&out, "before"), 0);
	assert_int_equal(json_print(copy, len, &out, NULL, &error), -EBADMSG);
	assert_string_equal(error.reason, reason);
	assert_int_equal(error.offset, offset);
	assert_string_equal(out.data, "before");
	assert_int_equal(out.len, strlen("before"));
	assert_int_equal(json_check(copy, len, &checked), -EBADMSG);
	assert_string_equal(checked.reason, reason);
	assert_int_equal(checked.offset, offset);
	buf_done(&out);
	free(copy);
}

#define EARLY "the text ends too early"

static const struct {
	const char *text;
	size_t offset;
	const char *reason;
} bad_texts[] = {
	{"", 0, EARLY},
	{"  ", 2, EARLY},
	{"[", 1, EARLY},
	{"[1", 2, EARLY},
	{"[1,", 3, EARLY},
	{"{", 1, EARLY},
	{"{\"a", 3, EARLY},
	{"{\"a\"", 4, EARLY},
	{"{\"a\":", 5, EARLY},
	{"{\"a\":1", 6, EARLY},
	{"\"", 1, EARLY},
	{"\"\\", 2, EARLY},
	{"\"\\u12", 5, EARLY},
	{"-", 1, EARLY},
	{"1.", 2, EARLY},
	{"1e+", 3, EARLY},
	{"]", 0, "expected a value"},
	{",", 0, "expected a value"},
	{"[1,]", 3, "expected a value"},
	{"[,1]", 1, "expected a value"},
	{"[1,,2]", 3, "expected a value"},
	{"{\"a\":}", 5, "expected a value"},
	{"tru", 0, "expected a value"},
	{"[True]", 1, "expected a value"},
	{"[nan]", 1, "expected a value"},
	{"[NaN]", 1, "expected a value"},
	{"[+1]", 1, "expected a value"},
	{"[.5]", 1, "expected a value"},
	{"['a']", 1, "expected a value"},
	{"[\v1]", 1, "expected a value"},
	{"[nulll]", 5, "expected ',' or ']'"},
	{"[1 2]", 3, "expected ',' or ']'"},
	{"[01]", 2, "expected ',' or ']'"},
	{"[-012]", 3, "expected ',' or ']'"},
	{"[0x1]", 2, "expected ',' or ']'"},
	{"[1}", 2, "expected ',' or ']'"},
	{"[\"a\"\"b\"]", 4, "expected ',' or ']'"},
	{"{\"a\":1]", 6, "expected ',' or '}'"},
	{"{\"a\":1 \"b\":2}", 7, "expected ',' or '}'"},
	{"{\"a\":1,}", 7, "expected a key in quotes"},
	{"{,}", 1, "expected a key in quotes"},
	{"{a:1}", 1, "expected a key in quotes"},
	{"{1:2}", 1, "expected a key in quotes"},
	{"{]", 1, "expected a key in quotes"},
	{"{\"a\" 1}", 5, "expected ':'"},
	{"{\"a\",1}", 4, "expected ':'"},
	{"{\"a\"}", 4, "expected ':'"},
	{"[-]", 2, "expected a digit"},
	{"[--1]", 2, "expected a digit"},
	{"[1.]", 3, "expected a digit"},
	{"[1.e5]", 3, "expected a digit"},
	{"[1e]", 3, "expected a digit"},
	{"[1e+-2]", 4, "expected a digit"},
	{"1 2", 2, "data after the value"},
	{"{}}", 2, "data after the value"},
	{"[],", 2, "data after the value"},
	{"[\"\\x\"]", 3, "invalid escape sequence"},
	{"[\"\\U0041\"]", 3, "invalid escape sequence"},
	{"[\"\\'\"]", 3, "invalid escape sequence"},
	{"\"\\u12G4\"", 5, "expected four hexadecimal digits"},
	{"\"\\u123\"", 6, "expected four hexadecimal digits"},
	{"\"\\u+123\"", 3, "expected four hexadecimal digits"},
	{"\"\\ud83d\\u12\"", 11, "expected four hexadecimal digits"},
	{"\"a\nb\"", 2, "a control character in a string"},
	{"[\"0123456789abcdef\t\"]", 18, "a control character in a string"},
	{"{\"a\x1f\":1}", 3, "a control character in a string"},
	{"\xef\xbb\xbf[1]", 0, "a byte order mark"},
	{"\xff", 0, "expected a value"},
};

static void test_spec_4_3_not_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_texts); i++)
		assert_refuses(bad_texts[i].text, strlen(bad_texts[i].text),
			bad_texts[i].offset, bad_texts[i].reason);
	assert_refuses("[1\0]", 4, 2, "expected ',' or ']'");
	assert_refuses("\"\0\"", 3, 1, "a control character in a string");
	assert_refuses("[1]\0", 4, 3, "data after the value");
}

/* SEMANTICS 4.3.2 */
static void test_spec_4_3_every_prefix_is_refused(void **state)
{
	static const char text[] =
		"{\"a\":[1.5e-7,true,null,false,\"\\u00e9\\ud83d\\ude00\\n\","
		"\"caf\xc3\xa9 0123456789abcdef0123456789\"],\"b\":{\"c\":{}}}";
	struct json_error error;
	struct buf out;

	(void)state;
	buf_init(&out, PLENTY);
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *copy = exactly(text, len);

		assert_int_equal(json_print(copy, len, &out, NULL, &error), -EBADMSG);
		assert_true(error.offset <= len);
		assert_int_equal(out.len, 0);
		free(copy);
	}
	assert_int_equal(json_print(text, sizeof(text) - 1, &out, NULL, &error), 0);
	buf_done(&out);
}

/*
 * Appends `depth` empty containers inside each other: arrays, objects, or both in turn.
 */
static void add_nested(struct buf *text, int depth, bool arrays, bool objects)
{
	buf_reset(text);
	for (int i = 0; i < depth; i++)
		assert_int_equal(buf_append_str(text, arrays && (!objects || i % 2) ? "["
						      : i + 1 < depth ? "{\"k\":"
								      : "{"),
			0);
	for (int i = depth; i-- > 0;)
		assert_int_equal(
			buf_append_str(text, arrays && (!objects || i % 2) ? "]" : "}"),
			0);
}

/* SEMANTICS 11.3.4 */
static void test_spec_11_3_depth(void **state)
{
	static const bool kinds[][2] = {{true, false}, {false, true}, {true, true}};
	struct json_error error;
	struct buf text, out;

	(void)state;
	buf_init(&text, PLENTY);
	buf_init(&out, 8 * PLENTY);
	for (size_t i = 0; i < 3; i++) {
		add_nested(&text, JSON_DEPTH_MAX, kinds[i][0], kinds[i][1]);
		assert_int_equal(json_print(text.data, text.len, &out, NULL, &error), 0);
		assert_int_equal(json_check(text.data, text.len, &error), 0);
		add_nested(&text, JSON_DEPTH_MAX + 1, kinds[i][0], kinds[i][1]);
		assert_int_equal(
			json_print(text.data, text.len, &out, NULL, &error), -EBADMSG);
		assert_string_equal(error.reason, "nested too deeply");
		assert_int_equal(json_check(text.data, text.len, &error), -EBADMSG);
	}
	buf_done(&text);
	buf_done(&out);
}

/* An output buffer of exactly the needed size is enough; one byte less is not. */
static void test_spec_11_3_size(void **state)
{
	static const char text[] =
		"{\"a\":[1.5e-7,true,[[[[[[[[[[[[0]]]]]]]]]]]],\"\\u001b"
		"\\u00e9\xff\\ud800\",\"a string that is rather longer\"],"
		"\"n\":31415926535897932384626433832795028841971693993751058209}";
	struct json_error error;
	struct buf out;
	size_t needed;

	(void)state;
	buf_init(&out, PLENTY);
	assert_int_equal(json_print(text, sizeof(text) - 1, &out, NULL, &error), 0);
	needed = out.len;
	buf_done(&out);
	for (size_t max = 0; max < needed + 3; max++) {
		int wanted = max < needed ? -EMSGSIZE : 0;

		buf_init(&out, max);
		assert_int_equal(
			json_print(text, sizeof(text) - 1, &out, NULL, &error), wanted);
		assert_int_equal(out.len, wanted ? 0 : needed);
		assert_int_equal(out.max, max);
		buf_done(&out);
		/* The maximum also holds if the buffer already contains text. */
		buf_init(&out, max + 5);
		assert_int_equal(buf_append_str(&out, "12345"), 0);
		assert_int_equal(
			json_print(text, sizeof(text) - 1, &out, NULL, &error), wanted);
		assert_int_equal(out.len, wanted ? 5 : needed + 5);
		assert_memory_equal(out.data, "12345", 5);
		buf_done(&out);
	}
	buf_init(&out, SIZE_MAX);
	assert_int_equal(json_print(text, sizeof(text) - 1, &out, NULL, &error), 0);
	assert_int_equal(out.len, needed);
	buf_done(&out);
}

/*
 * Each of these values would print as 2 kB, because it is 1,000 levels deep: the maximum
 * bounds memory and time.
 */
static void test_spec_11_3_deep_indentation_is_bounded(void **state)
{
	struct json_error error;
	struct buf text, out;

	(void)state;
	buf_init(&text, 4 * PLENTY);
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		assert_int_equal(buf_append_str(&text, "["), 0);
	for (int i = 0; i < PLENTY; i++)
		assert_int_equal(buf_append_str(&text, "1,"), 0);
	assert_int_equal(buf_append_str(&text, "1"), 0);
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		assert_int_equal(buf_append_str(&text, "]"), 0);
	buf_init(&out, 4 * PLENTY);
	assert_int_equal(json_print(text.data, text.len, &out, NULL, &error), -EMSGSIZE);
	assert_true(out.cap <= out.max + 4096);
	assert_int_equal(json_check(text.data, text.len, &error), 0);
	buf_done(&text);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spec_4_3_not_json),
		cmocka_unit_test(test_spec_4_3_every_prefix_is_refused),
		cmocka_unit_test(test_spec_11_3_depth),
		cmocka_unit_test(test_spec_11_3_size),
		cmocka_unit_test(test_spec_11_3_deep_indentation_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
