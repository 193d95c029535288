/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "json/cursor.h"
#include "json/string.h"

/* Tests json/cursor.h, and decoding the characters of strings. */

static struct json_slice piece(const char *text)
{
	return (struct json_slice){text, text + strlen(text)};
}

/*
 * Collects everything that a cursor visits, as "key=value;" or "value;". Returns the
 * error with which the cursor ended, -ENODATA at the end of the container.
 */
static int visit_all(struct json_slice value, char open, char ret_found[static 256])
{
	struct json_slice key = {0};
	struct json_slice found;
	struct json_cursor cursor;
	size_t len = 0;
	int err = json_cursor_enter(value, open, &cursor);

	ret_found[0] = '\0';
	while (!err && !(err = json_cursor_next(&cursor, &key, &found)))
		len += (size_t)snprintf(ret_found + len, 256 - len, "%.*s%s%.*s;",
			open == '{' ? (int)json_length(key) : 0, key.at ? key.at : "",
			open == '{' ? "=" : "", (int)json_length(found), found.at);
	return err;
}

static void test_walks(void **state)
{
	static const struct {
		const char *text;
		char open;
		int end;
		const char *found;
	} walks[] = {
		{"{}", '{', -ENODATA, ""},
		{" [ ] ", '[', -ENODATA, ""},
		{"{\"a\": 1, \"b\" :{\"c\":[1,\"}\"]},\"\":null}", '{', -ENODATA,
			"\"a\"=1;\"b\"={\"c\":[1,\"}\"]};\"\"=null;"},
		{"[1, \"]\\\"\",[],{}, -1.5e3,true]", '[', -ENODATA,
			"1;\"]\\\"\";[];{};-1.5e3;true;"},
		{"[1]", '{', -EBADMSG, ""},
		{"{}", '[', -EBADMSG, ""},
		{"", '{', -EBADMSG, ""},
		{"null", '[', -EBADMSG, ""},
		{"{", '{', -EBADMSG, ""},
		{"[1,]", '[', -EBADMSG, "1;"},
		{"[,1]", '[', -EBADMSG, ""},
		{"[1 2]", '[', -EBADMSG, "1;"},
		{"[1", '[', -EBADMSG, ""},
		{"[\"a", '[', -EBADMSG, ""},
		{"{\"a\"}", '{', -EBADMSG, ""},
		{"{\"a\":}", '{', -EBADMSG, ""},
		{"{\"a\":1,}", '{', -EBADMSG, "\"a\"=1;"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(walks); i++) {
		/*
		 * An exact copy, so that valgrind and ASan detect reads behind its end.
		 */
		size_t len = strlen(walks[i].text);
		char *copy = malloc(len + !len);
		char found[256];

		assert_non_null(copy);
		memcpy(copy, walks[i].text, len);
		assert_int_equal(visit_all((struct json_slice){copy, copy + len},
					 walks[i].open, found),
			walks[i].end);
		assert_string_equal(found, walks[i].found);
		free(copy);
	}
	assert_int_equal(
		visit_all((struct json_slice){0}, '{', (char[256]){0}), -EBADMSG);
}

/* A key is only read if the caller wants it, and in an object. */
static void test_keys(void **state)
{
	struct json_slice object = piece("{\"a\":1}");
	struct json_slice key = {0};
	struct json_slice value;
	struct json_cursor cursor;

	(void)state;
	assert_int_equal(json_cursor_enter(object, '{', &cursor), 0);
	assert_int_equal(json_cursor_next(&cursor, NULL, &value), 0);
	assert_true(json_is(value, "1"));
	assert_int_equal(json_cursor_enter(object, '{', &cursor), 0);
	assert_int_equal(json_cursor_next(&cursor, &key, &value), 0);
	assert_true(json_is(key, "\"a\""));
	assert_int_equal(json_cursor_enter(piece("[2]"), '[', &cursor), 0);
	assert_int_equal(json_cursor_next(&cursor, &key, &value), 0);
	assert_true(json_is(key, "\"a\""));
}

static void test_members(void **state)
{
	static const char *const keys[] = {"b", "none", "a"};
	struct json_slice object = piece("{\"a\":1,\"b\":\"x\",\"A\":2,\"a\":{\"b\":3}}");
	struct json_slice values[3];

	(void)state;
	json_members(object, keys, 3, values);
	assert_true(json_is(values[0], "\"x\""));
	assert_null(values[1].at);
	assert_true(json_is(values[2], "{\"b\":3}"));
	assert_true(json_is(json_string_body(values[0]), "x"));
	assert_true(json_is(json_member(json_member(object, "a"), "b"), "3"));
	/* A member of something that does not exist or is no object does not exist. */
	assert_null(json_member(json_member(object, "none"), "b").at);
	assert_null(json_member(values[0], "x").at);
	/* Escapes in keys are decoded; a key with a NUL or a lone surrogate has no name.
	 */
	assert_true(json_is(json_member(piece("{\"\\u0061\\/\":4,\"a\":5}"), "a/"), "4"));
	assert_null(json_member(piece("{\"\\u0062\":4,\"\\u00ea\":5}"), "a").at);
	assert_null(json_member(piece("{\"\\u0062\":4,\"\\u00ea\":5}"), "\u00eb").at);
	assert_null(json_member(piece("{\"\\u0000\":4,\"\\ud800\":5}"), "").at);
	assert_int_equal(json_members(object, keys, 3, values), 0);
	assert_int_equal(json_members(piece("{\"b\":1,"), keys, 3, values), -EBADMSG);
	assert_int_equal(json_members(piece("[1]"), keys, 3, values), -EBADMSG);
	assert_null(json_string_body(values[2]).at);
	assert_null(json_string_body((struct json_slice){0}).at);
	assert_int_equal(json_length(json_string_body(piece("\"\""))), 0);
	assert_null(json_string_body(piece("\"")).at);
	assert_false(json_is((struct json_slice){0}, ""));
	assert_false(json_is(piece("nul "), "null"));
}

static void test_members_at(void **state)
{
	static const struct {
		const char *text;
		const char *value; /* of the member a.b.c, or NULL */
	} objects[] = {
		{"{\"a\":{\"c\":1,\"b\":{\"b\":2,\"c\":3}},\"c\":4,\"b\":{\"c\":5}}",
			"3"},
		{" { \"\\u0061\" : { \"b\" : { \"c\" : [ ] } } } ", "[ ]"},
		/* The last member of a name counts, at each level. */
		{"{\"a\":{\"b\":{\"c\":1}},\"a\":{\"b\":{\"c\":2},\"b\":{\"c\":3}}}",
			"3"},
		{"{\"a\":{\"b\":{\"c\":1}},\"a\":{\"b\":{\"d\":2}}}", NULL},
		{"{\"a\":{\"b\":{\"c\":1}},\"a\":{}}", NULL},
		{"{\"a\":{\"b\":{\"c\":1}},\"a\":null}", NULL},
		{"{\"a\":{\"b\":{\"c\":1},\"b\":[{\"c\":2}]}}", NULL},
		{"{\"a\":[{\"b\":{\"c\":1}}]}", NULL},
		{"{\"ab\":{\"b\":{\"c\":1}},\"\":{\"b\":{\"c\":1}}}", NULL},
		{"{}", NULL},
	};
	static const char *const path[] = {"a", "b", NULL};
	static const char *const keys[] = {"c"};
	struct json_slice value;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		assert_int_equal(
			json_members_at(piece(objects[i].text), path, keys, 1, &value),
			0);
		assert_true(
			objects[i].value ? json_is(value, objects[i].value) : !value.at);
	}
	assert_int_equal(json_members_at(piece("[]"), path, keys, 1, &value), -EBADMSG);
	assert_int_equal(
		json_members_at(piece("{\"a\":{"), path, keys, 1, &value), -EBADMSG);
}

static void test_next_members(void **state)
{
	static const char *const keys[] = {"a", "b"};
	struct json_slice values[2];
	struct json_cursor cursor;

	(void)state;
	assert_int_equal(
		json_cursor_enter(
			piece("[{\"b\":1,\"a\":[2]},\"x\",{},{\"b\":{}}]"), '[', &cursor),
		0);
	assert_int_equal(json_cursor_next_members(&cursor, keys, 2, values), 0);
	assert_true(json_is(values[0], "[2]"));
	assert_true(json_is(values[1], "1"));
	for (unsigned i = 0; i < 2; i++) {
		memset(values, 0xff, sizeof(values));
		assert_int_equal(json_cursor_next_members(&cursor, keys, 2, values), 0);
		assert_null(values[0].at);
		assert_null(values[1].at);
		assert_null(values[1].end);
	}
	assert_int_equal(json_cursor_next_members(&cursor, keys, 2, values), 0);
	assert_null(values[0].at);
	assert_true(json_is(values[1], "{}"));
	assert_int_equal(json_cursor_next_members(&cursor, keys, 2, values), -ENODATA);

	/* The values of an object, without their keys. */
	assert_int_equal(
		json_cursor_enter(piece("{\"b\":{\"a\":1},\"a\":{"), '{', &cursor), 0);
	assert_int_equal(json_cursor_next_members(&cursor, keys, 2, values), 0);
	assert_true(json_is(values[0], "1"));
	assert_int_equal(json_cursor_next_members(&cursor, keys, 2, values), -EBADMSG);
}

static void test_characters(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		uint32_t code;
		const char *utf8;
	} codes[] = {
		{"a", 1, 'a', "a"},
		{" x", 1, ' ', " "},
		{"\x7f", 1, 0x7f, "\x7f"},
		{"\\n", 2, '\n', "\n"},
		{"\\\"x", 2, '"', "\""},
		{"\\u00eb", 6, 0xeb, "\xc3\xab"},
		{"\\ud83d\\ude00!", 12, 0x1f600, "\xf0\x9f\x98\x80"},
		{"\xc3\xab", 2, 0xeb, "\xc3\xab"},
		{"\xe2\x80\xa8", 3, 0x2028, "\xe2\x80\xa8"},
		/* Invalid characters become U+FFFD. */
		{"\\ud800x", 6, 0xfffd, "\xef\xbf\xbd"},
		{"\\q", 1, 0xfffd, "\xef\xbf\xbd"},
		{"\\", 1, 0xfffd, "\xef\xbf\xbd"},
		{"\\u12", 1, 0xfffd, "\xef\xbf\xbd"},
		{"\xc3", 1, 0xfffd, "\xef\xbf\xbd"},
		{"\xff", 1, 0xfffd, "\xef\xbf\xbd"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		const char *text = codes[i].text;
		char utf8[5] = {0};
		uint32_t code;

		assert_int_equal(
			json_decode_char(text, text + strlen(text), &code) - text,
			codes[i].len);
		assert_int_equal(code, codes[i].code);
		assert_int_equal(
			json_encode_char(utf8, code) - utf8, strlen(codes[i].utf8));
		assert_string_equal(utf8, codes[i].utf8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walks),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_members_at),
		cmocka_unit_test(test_next_members),
		cmocka_unit_test(test_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
