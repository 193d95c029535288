/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "render/render.h"

/* The translations of a job: SEMANTICS 8.4. */

#define RESULTS(results) "{\"result\":{\"translation\":{\"results\":[" results "]}}}"
#define HELLO            "\"full_transcript\":\"Hello.\""

/* Expects the languages of a job, separated by spaces. */
static void assert_languages(const char *job, const char *languages)
{
	struct render_translations listed;
	size_t len = strlen(job);
	char *copy = malloc(len + !len);
	char text[512] = "";

	assert_non_null(copy);
	memcpy(copy, job, len);
	render_translations(copy, len, &listed);
	for (unsigned i = 0; i < listed.len; i++) {
		strcat(text, i ? " " : "");
		strcat(text, listed.languages[i]);
	}
	if (strcmp(text, languages) != 0)
		fail_msg("%s: is \"%s\", not \"%s\"", job, text, languages);
	free(copy);
}

static void test_languages(void **state)
{
	static const char *const jobs[][2] = {
		{RESULTS("{\"languages\":[\"fr\"]," HELLO
			 "},{\"languages\":[\"en\"]," HELLO "}"),
			"fr en"},
		{RESULTS("{\"languages\":[\"zh-Hant\",\"zh\"]," HELLO "}"), "zh-hant"},
		{RESULTS("{\"languages\":[null,\"de\"]," HELLO "}"), "de"},
		/* The first of two equal ones counts, if it has text. */
		{RESULTS("{\"languages\":[\"fr\"]," HELLO
			 "},{\"languages\":[\"FR\"]," HELLO "}"),
			"fr"},
		/* A name that is no part of a file name. */
		{RESULTS("{\"languages\":[\"\"]," HELLO
			 "},{\"languages\":[\"a/b\"]," HELLO
			 "},{\"languages\":[\"..\"]," HELLO
			 "},{\"languages\":[\"a.b\"]," HELLO
			 "},{\"languages\":[\"\\u0065n\"]," HELLO
			 "},{\"languages\":[\"abcdefghijklmnop\"]," HELLO
			 "},{\"languages\":[\"abcdefghijklmno\"]," HELLO "}"),
			"abcdefghijklmno"},
		/* Without text there is nothing to show; an error does not matter. */
		{RESULTS("{\"languages\":[\"a\"],\"error\":null},"
			 "{\"languages\":[\"b\"],\"full_transcript\":\" \"},"
			 "{\"languages\":[\"c\"],\"utterances\":[{\"text\":\"\"},7]},"
			 "{\"languages\":[\"d\"],\"utterances\":[{\"text\":\"\"},"
			 "{\"text\":\"x\"}]},"
			 "{\"languages\":[\"e\"],\"error\":{\"message\":\"late\"}," HELLO
			 "}"),
			"d e"},
		/* Members that are missing or have another type. */
		{RESULTS("{" HELLO "},{\"languages\":[]," HELLO
			 "},{\"languages\":\"fr\"," HELLO "},null,7,[]"),
			""},
		{"{\"result\":{\"translation\":{\"results\":{\"languages\":[\"fr\"]}}}}",
			""},
		{"{\"result\":{\"translation\":null}}", ""},
		{"{}", ""},
		{"[]", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		assert_languages(jobs[i][0], jobs[i][1]);
}

/* At most 31 translations have a number, and each is rendered by its number. */
static void test_numbers(void **state)
{
	static const char begin[] = "{\"result\":{\"translation\":{\"results\":[null";
	struct render_translations listed;
	char job[8192];
	char *at = job + sprintf(job, "%s", begin);
	struct buf out;

	(void)state;
	for (int i = 1; i <= 40; i++)
		at += sprintf(at,
			",{\"languages\":[\"l%d\"],\"full_transcript\":\"Text %d.\"}", i,
			i);
	at += sprintf(at, "]}}}");
	render_translations(job, (size_t)(at - job), &listed);
	assert_int_equal(listed.len, RENDER_TRANSLATIONS_MAX);
	assert_string_equal(listed.languages[30], "l31");
	buf_init(&out, 1 << 20);
	for (unsigned i = 1; i <= RENDER_TRANSLATIONS_MAX; i++) {
		char text[32];

		buf_reset(&out);
		sprintf(text, "Text %u.\n", i);
		assert_int_equal(
			format_render(FORMAT_TXT, i, job, (size_t)(at - job), &out), 0);
		assert_string_equal(out.data, text);
	}
	for (enum format i = FORMAT_TXT; i < FORMATS; i++) {
		assert_int_equal(format_render(i, RENDER_TRANSLATIONS_MAX + 1, job,
					 (size_t)(at - job), &out),
			-ENOENT);
		assert_int_equal(format_render(i, 1, "{}", 2, &out), -ENOENT);
		assert_int_equal(format_render(i, 1, "[]", 2, &out), -EBADMSG);
	}
	buf_done(&out);
}

/* The code of a language is letters, digits and "-". */
static void test_codes(void **state)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789-";
	static const char longest[] = "abcdefghijklmno";
	static const char too_long[] = "abcdefghijklmnop";

	(void)state;
	assert_int_equal(strlen(longest), RENDER_LANGUAGE_MAX);
	for (unsigned c = 1; c < 0x100; c++) {
		char code[] = {'x', (char)c};

		assert_int_equal(
			render_language_len((struct json_slice){code, code + 2}) == 2,
			strchr(allowed, (char)c) != NULL);
	}
	assert_int_equal(render_language_len((struct json_slice){
				 longest, longest + RENDER_LANGUAGE_MAX}),
		RENDER_LANGUAGE_MAX);
	assert_int_equal(render_language_len((struct json_slice){
				 too_long, too_long + RENDER_LANGUAGE_MAX + 1}),
		0);
	assert_int_equal(render_language_len((struct json_slice){0}), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_languages),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
