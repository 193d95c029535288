/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "base/buf.h"
#include "json/items.h"

/* The page reader: SEMANTICS 4.3 (never a partial answer), 6.1, 11.3 (bounded memory). */

enum { PLENTY = 1 << 20 };

/* The parts of a page as text: each item as "offset:bytes\n", then the frame. */
struct reading {
	struct json_items *items;
	struct buf got;
	/* the piece that is being fed; in_place counts the items that point into it */
	const char *fed;
	size_t fed_len;
	size_t in_place;
	size_t count;
	size_t refuse; /* number of the item to refuse, counted from 1; 0 refuses none */
};

static int on_item(void *ctx, const char *raw, size_t len, size_t offset)
{
	struct reading *r = ctx;

	if (++r->count == r->refuse)
		return -ECANCELED;
	r->in_place += raw >= r->fed && raw + len <= r->fed + r->fed_len;
	assert_int_equal(buf_printf(&r->got, "%zu:", offset), 0);
	assert_int_equal(buf_append(&r->got, raw, len), 0);
	assert_int_equal(buf_append_str(&r->got, "\n"), 0);
	return 0;
}

static void reading_init(struct reading *r, size_t item_max, size_t frame_max)
{
	const struct json_items_handlers handlers = {.on_item = on_item};

	*r = (struct reading){.refuse = 0};
	buf_init(&r->got, PLENTY);
	assert_int_equal(json_items_new(item_max, frame_max, &handlers, r, &r->items), 0);
}

static void reading_done(struct reading *r)
{
	json_items_free(r->items);
	buf_done(&r->got);
}

static void reading_again(struct reading *r)
{
	json_items_reset(r->items);
	buf_reset(&r->got);
	r->count = 0;
	r->in_place = 0;
}

/*
 * Feeds an exact copy of the data, so that ASan and valgrind detect reads behind its end.
 */
static int feed(struct reading *r, const char *data, size_t len)
{
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	if (len)
		memcpy(copy, data, len);
	r->fed = copy;
	r->fed_len = len;

	int err = json_items_feed(r->items, copy, len);

	free(copy);
	return err;
}

static int finish(struct reading *r)
{
	const char *frame;
	size_t len;
	int err = json_items_finish(r->items, &frame, &len);

	if (err)
		return err;
	assert_int_equal(strlen(frame), len);
	assert_int_equal(buf_append_str(&r->got, frame), 0);
	return 0;
}

static int read_whole(struct reading *r, const char *page, size_t len)
{
	int err = feed(r, page, len);

	return err ? err : finish(r);
}

#define ITEM                                                                           \
	"{\"id\":\"a\\\"}]\\\\\",\"w\":[[{\"x\":\"{[\\\\\\\"\"},1.5e-3],{}],\"text\":" \
	"\"a rather "                                                                  \
	"long one with \\u00eb and Zo\xc3\xab, so that it fills a block or two: "      \
	"]]]}}}\"}"

static const struct page {
	const char *text;
	const char *wanted;
} pages[] = {
	{"{\"items\":[]}", "{\"items\":[]}"},
	{"{\"items\":[1]}", "10:1\n{\"items\":[]}"},
	{"{\"items\":[{},[],\"\",null,true,false,-1.5e+7,\"a]\\\"\"]}",
		"10:{}\n13:[]\n16:\"\"\n19:null\n24:true\n29:false\n35:-1.5e+7\n43:\"a]"
		"\\\"\"\n"
		"{\"items\":[]}"},
	{"{\"next\":null,\"items\":[{\"id\":\"a\"},{\"id\":\"b\"}]}",
		"22:{\"id\":\"a\"}\n33:{\"id\":\"b\"}\n{\"next\":null,\"items\":[]}"},
	{"{\"items\":[{\"id\":\"a\"}],\"next\":\"http://x/?offset=20\\\"]}\"}",
		"10:{\"id\":\"a\"}\n{\"items\":[],\"next\":\"http://x/"
		"?offset=20\\\"]}\"}"},
	/*
	 * Only a member of the page itself counts, and only if its name matches exactly.
	 */
	{"{\"a\":{\"items\":[1,{}]},\"b\":[\"items\",{\"items\":2}],\"c\":\"items\","
	 "\"item\":0,"
	 "\"itemss\":true,\"\":null,\"items\":[3],\"d\":-0.5}",
		"100:3\n{\"a\":{\"items\":[1,{}]},\"b\":[\"items\",{\"items\":2}],\"c\":"
		"\"items\","
		"\"item\":0,\"itemss\":true,\"\":null,\"items\":[],\"d\":-0.5}"},
	{" \n{ \"first\" : 1 ,\t\"items\" : [ { \"a\" : 1 } ,\r\n 22 , \"x y\" ] , "
	 "\"next\" : null }",
		"30:{ \"a\" : 1 }\n46:22\n51:\"x y\"\n"
		" \n{ \"first\" : 1 ,\t\"items\" : [] , \"next\" : null }"},
	{"{\"items\":[\n\n]}", "{\"items\":[]}"},
	{"{\"items\":[" ITEM "," ITEM ",\n" ITEM "],\"next\":" ITEM "}",
		"10:" ITEM "\n149:" ITEM "\n289:" ITEM "\n{\"items\":[],\"next\":" ITEM
		"}"},
};

enum { PAGES = ARRAY_SIZE(pages) };

static void test_pages_in_one_piece(void **state)
{
	struct reading r;

	(void)state;
	reading_init(&r, PLENTY, PLENTY);
	for (size_t i = 0; i < PAGES; i++) {
		reading_again(&r);
		assert_int_equal(read_whole(&r, pages[i].text, strlen(pages[i].text)), 0);
		assert_string_equal(r.got.data, pages[i].wanted);
		/* An item that arrives in one piece is not copied. */
		assert_int_equal(r.in_place, r.count);
	}
	reading_done(&r);
}

static void test_spec_4_3_pages_cut_at_every_byte(void **state)
{
	struct reading r;

	(void)state;
	reading_init(&r, PLENTY, PLENTY);
	for (size_t i = 0; i < PAGES; i++) {
		size_t len = strlen(pages[i].text);

		for (size_t cut = 0; cut <= len; cut++) {
			reading_again(&r);
			assert_int_equal(feed(&r, pages[i].text, cut), 0);
			assert_int_equal(feed(&r, pages[i].text + cut, len - cut), 0);
			assert_int_equal(finish(&r), 0);
			assert_string_equal(r.got.data, pages[i].wanted);
			/* At most one item, the one that was cut, is copied. */
			assert_true(r.in_place + 1 >= r.count);
		}
	}
	reading_done(&r);
}

static void test_spec_4_3_pages_in_pieces_of_every_size(void **state)
{
	struct reading r;

	(void)state;
	reading_init(&r, PLENTY, PLENTY);
	for (size_t i = 0; i < PAGES; i++) {
		size_t len = strlen(pages[i].text);

		for (size_t size = 1; size <= len; size++) {
			reading_again(&r);
			for (size_t at = 0; at < len; at += size)
				assert_int_equal(
					feed(&r, pages[i].text + at,
						len - at < size ? len - at : size),
					0);
			assert_int_equal(finish(&r), 0);
			assert_string_equal(r.got.data, pages[i].wanted);
		}
	}
	reading_done(&r);
}

/* SEMANTICS 6.1: a page that was cut short must never look like the last page. */
static void test_spec_6_1_every_prefix_is_refused(void **state)
{
	struct reading r;

	(void)state;
	reading_init(&r, PLENTY, PLENTY);
	for (size_t i = 0; i < PAGES; i++)
		for (size_t len = 0; len < strlen(pages[i].text); len++) {
			reading_again(&r);
			assert_int_equal(read_whole(&r, pages[i].text, len), -EBADMSG);
			assert_string_equal(json_items_error(r.items)->reason,
				"the page ends too early");
			assert_int_equal(json_items_error(r.items)->offset, len);
		}
	reading_done(&r);
}

static const struct {
	const char *text;
	size_t offset;
	const char *reason;
} bad_pages[] = {
	{"", 0, "the page ends too early"},
	{"   ", 3, "the page ends too early"},
	{"[]", 0, "expected '{'"},
	{"null", 0, "expected '{'"},
	{"<html>", 0, "expected '{'"},
	{"\xef\xbb\xbf{\"items\":[]}", 0, "expected '{'"},
	{"{}", 2, "no member \"items\""},
	{"{\"next\":null}", 13, "no member \"items\""},
	{"{\"a\":{\"items\":[]}}", 18, "no member \"items\""},
	{"{\"Items\":[]}", 12, "no member \"items\""},
	{"{\"items\":null}", 9, "items is null, not an array"},
	{"{\"items\": {\"a\":[]}}", 10, "items is an object, not an array"},
	{"{\"items\":17}", 9, "items is a number, not an array"},
	{"{\"items\":-1}", 9, "items is a number, not an array"},
	{"{\"items\":\"[]\"}", 9, "items is a string, not an array"},
	{"{\"items\":true}", 9, "items is a boolean, not an array"},
	{"{\"items\":}", 9, "expected an array"},
	{"{\"items\":[],\"items\":[]}", 12, "a second member \"items\""},
	{"{\"items\":[1],\"a\":1,\"items\":null}", 19, "a second member \"items\""},
	{"{\"items\":[]}x", 12, "data after the end of the page"},
	{"{\"items\":[]} \n{}", 14, "data after the end of the page"},
	{"{\"items\":[]}}", 12, "data after the end of the page"},
	{"{\"items\":[,]}", 10, "expected a value or ']'"},
	{"{\"items\":[}", 10, "expected a value or ']'"},
	{"{\"items\":[1,]}", 12, "expected a value"},
	{"{\"items\":[1,,2]}", 12, "expected a value"},
	{"{\"items\":[1 2]}", 12, "expected ',' or ']'"},
	{"{\"items\":[{}{}]}", 12, "expected ',' or ']'"},
	{"{\"items\":[1}", 11, "expected ',' or ']'"},
	{"{\"items\":[\"a\":1]}", 13, "expected ',' or ']'"},
	{"{\"items\":[]]", 11, "expected ',' or '}'"},
	{"{\"items\":[]\"a\":1}", 11, "expected ',' or '}'"},
	{"{\"items\":[],}", 12, "expected a key in quotes"},
	{"{\"items\":[],,}", 12, "expected a key in quotes"},
	{"{,\"items\":[]}", 1, "expected a key in quotes or '}'"},
	{"{items:[]}", 1, "expected a key in quotes or '}'"},
	{"{\"items\"[]}", 8, "expected ':'"},
	{"{\"items\",[]}", 8, "expected ':'"},
	{"{\"items\"::[]}", 9, "expected an array"},
	{"{\"a\" 1,\"items\":[]}", 5, "expected ':'"},
	{"{\"a\":,\"items\":[]}", 5, "expected a value"},
	{"{\"a\":1 2,\"items\":[]}", 7, "expected ',' or '}'"},
	/*
	 * Errors within the frame are found at the end, and reported with their offsets
	 * in the page.
	 */
	{"{\"a\":[1,],\"items\":[1, 2, 3]}", 8, "expected a value"},
	{"{\"a\":nul,\"items\":[1, 2, 3]}", 5, "expected a value"},
	{"{\"items\":[ 1, 2, 3 ],\"a\":01}", 26, "expected ',' or '}'"},
	{"{\"items\":[ 1, 2, 3 ],\"a\":{\"b\":}}", 30, "expected a value"},
	{"{\"items\":[ 1, 2, 3 ],\"a\\x\":1}", 24, "invalid escape sequence"},
	{"{\"items\":[ 1, 2, 3 ],\"a\":\"\t\"}", 26, "a control character in a string"},
	{"{\"items\":[],\"a\":[}}", 17, "expected a value"},
};

static void test_spec_4_3_not_a_page(void **state)
{
	struct reading r;

	(void)state;
	reading_init(&r, PLENTY, PLENTY);
	for (size_t i = 0; i < ARRAY_SIZE(bad_pages); i++) {
		size_t len = strlen(bad_pages[i].text);

		for (size_t cut = 0; cut <= len; cut++) {
			int err;

			reading_again(&r);
			err = feed(&r, bad_pages[i].text, cut);
			if (!err)
				err = feed(&r, bad_pages[i].text + cut, len - cut);
			if (!err)
				err = finish(&r);
			assert_int_equal(err, -EBADMSG);
			assert_string_equal(
				json_items_error(r.items)->reason, bad_pages[i].reason);
			assert_int_equal(
				json_items_error(r.items)->offset, bad_pages[i].offset);
			/* After a failure, every call fails. */
			assert_int_equal(feed(&r, "{", 1), -EBADMSG);
			assert_int_equal(finish(&r), -EBADMSG);
		}
	}
	reading_done(&r);
}

static void test_nul_bytes_are_no_punctuation(void **state)
{
	static const char page[] = "{\"items\":[1,2],\"a\":1}";
	struct reading r;

	(void)state;
	reading_init(&r, PLENTY, PLENTY);
	for (size_t at = 0; at < sizeof(page); at++) {
		char text[sizeof(page) + 1];

		memcpy(text, page, at);
		text[at] = '\0';
		memcpy(text + at + 1, page + at, sizeof(page) - at);
		reading_again(&r);
		assert_int_equal(read_whole(&r, text, sizeof(page)), -EBADMSG);
	}
	reading_done(&r);
}

static void test_item_refused(void **state)
{
	static const char page[] = "{\"items\":[1,2,3],\"next\":null}";
	struct reading r;

	(void)state;
	reading_init(&r, PLENTY, PLENTY);
	r.refuse = 2;
	assert_int_equal(feed(&r, page, strlen(page)), -ECANCELED);
	assert_string_equal(r.got.data, "10:1\n");
	assert_int_equal(json_items_error(r.items)->offset, 12);
	assert_int_equal(finish(&r), -ECANCELED);
	/* After a reset the reader works normally. */
	r.refuse = 0;
	reading_again(&r);
	assert_int_equal(read_whole(&r, page, strlen(page)), 0);
	assert_string_equal(r.got.data, "10:1\n12:2\n14:3\n{\"items\":[],\"next\":null}");
	reading_done(&r);
}

/* Expects the same result wherever the page is cut in two. */
static void assert_limits(const char *page, size_t item_max, size_t frame_max, int wanted)
{
	size_t len = strlen(page);
	struct reading r;

	for (size_t cut = 0; cut <= len; cut++) {
		int err;

		reading_init(&r, item_max, frame_max);
		err = feed(&r, page, cut);
		if (!err)
			err = feed(&r, page + cut, len - cut);
		if (!err)
			err = finish(&r);
		assert_int_equal(err, wanted);
		reading_done(&r);
	}
}

static void test_spec_11_3_maxima(void **state)
{
	static const char page[] =
		"{\"a\":[1],\"items\":[{\"b\":1},\"1234567\" , 12],\"c\":22}";
	static const char frame[] = "{\"a\":[1],\"items\":[],\"c\":22}";

	(void)state;
	assert_limits(page, 9, strlen(frame), 0);
	assert_limits(page, 8, strlen(frame), -EMSGSIZE);
	assert_limits(page, 9, strlen(frame) - 1, -EMSGSIZE);
	assert_limits(page, 0, PLENTY, -EMSGSIZE);
	assert_limits(page, PLENTY, 0, -EMSGSIZE);
	/* A number that never ends is limited, too. */
	assert_limits("{\"items\":[123456789", 8, PLENTY, -EMSGSIZE);
}

static void test_spec_11_3_endless_pages(void **state)
{
	static const char *const starts[] = {"{\"items\":[\"", "{\"items\":[{\"a\":[",
		"{\"a\":\"", "{\"a\":[", "{\"", " "};
	static const char *const more[] = {
		"aaaaaaaa", "[[[[[[[[", "bbbbbbbb", "{{{{{{{{", "cccccccc", "        "};
	struct reading r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		size_t fed = 0;

		reading_init(&r, 4096, 4096);
		assert_int_equal(feed(&r, starts[i], strlen(starts[i])), 0);
		while (!feed(&r, more[i], 8))
			assert_true((fed += 8) <= 8192);
		assert_int_equal(feed(&r, more[i], 8), -EMSGSIZE);
		reading_done(&r);
	}
}

static void test_spec_11_3_frame_depth(void **state)
{
	char page[2 * JSON_DEPTH_MAX + 64];
	struct reading r;

	(void)state;
	reading_init(&r, PLENTY, PLENTY);
	for (int depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX; depth++) {
		char *at = page + sprintf(page, "{\"items\":[1],\"a\":");

		memset(at, '[', (size_t)depth);
		memset(at + depth, ']', (size_t)depth);
		strcpy(at + 2 * depth, "}");
		reading_again(&r);
		assert_int_equal(read_whole(&r, page, strlen(page)),
			depth < JSON_DEPTH_MAX ? 0 : -EBADMSG);
	}
	assert_string_equal(json_items_error(r.items)->reason, "nested too deeply");
	reading_done(&r);
}

/* Runs of backslashes of every length, across the boundaries of blocks and pieces. */
static void test_backslashes_at_every_place(void **state)
{
	struct reading r;

	(void)state;
	reading_init(&r, PLENTY, PLENTY);
	for (size_t before = 0; before < 70; before++)
		for (size_t pairs = 0; pairs < 40; pairs += 3) {
			char item[256], page[600], wanted[600];
			size_t at = (size_t)sprintf(item, "{\"");

			memset(item + at, 'x', before);
			at += before;
			memset(item + at, '\\', 2 * pairs);
			at += 2 * pairs;
			/*
			 * An escaped quote, brackets inside a string, and an escaped
			 * backslash.
			 */
			strcpy(item + at, "\\\"}]{[\\\\\":[]}");
			snprintf(page, sizeof(page), "{\"items\":[%s,%s]}", item, item);
			snprintf(wanted, sizeof(wanted), "10:%s\n%zu:%s\n{\"items\":[]}",
				item, 11 + strlen(item), item);
			for (size_t size = 1; size < 200; size += size < 70 ? 21 : 64) {
				reading_again(&r);
				for (size_t in = 0; in < strlen(page); in += size)
					assert_int_equal(
						feed(&r, page + in,
							strlen(page) - in < size
								? strlen(page) - in
								: size),
						0);
				assert_int_equal(finish(&r), 0);
				assert_string_equal(r.got.data, wanted);
			}
		}
	reading_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_in_one_piece),
		cmocka_unit_test(test_spec_4_3_pages_cut_at_every_byte),
		cmocka_unit_test(test_spec_4_3_pages_in_pieces_of_every_size),
		cmocka_unit_test(test_spec_6_1_every_prefix_is_refused),
		cmocka_unit_test(test_spec_4_3_not_a_page),
		cmocka_unit_test(test_nul_bytes_are_no_punctuation),
		cmocka_unit_test(test_item_refused),
		cmocka_unit_test(test_spec_11_3_maxima),
		cmocka_unit_test(test_spec_11_3_endless_pages),
		cmocka_unit_test(test_spec_11_3_frame_depth),
		cmocka_unit_test(test_backslashes_at_every_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
