/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "gladia/view_name.h"

/* Names of jobs after their recordings: SEMANTICS 3.7. */

static const char uuid[] = "45463597-20b7-4af7-b3b3-f5fb778203ab";

static void load(const char *filename, struct job_facts *ret_facts)
{
	char text[JOB_FILENAME_MAX + JOB_FACTS] = "";

	strcpy(text, filename);
	assert_true(job_facts_load(text, strlen(filename) + JOB_FACTS, ret_facts));
}

static void test_recording(void **state)
{
	static const struct {
		const char *filename;
		const char *name;
	} cases[] = {
		{"call-0942.mp3", "call-0942"},
		{"call.v2.flac", "call.v2"},
		{"TALK.MP4", "TALK"},
		{"a.7z", "a"},
		{"meeting 3.5", "meeting 3.5"},
		{"a.longer", "a.longer"},
		{"a.b c", "a.b c"},
		{"a.", "a."},
		{".mp3", "%2Emp3"},
		{"..mp3", "%2E"},
		{"", "untitled"},
		{"a/b%,~&=.wav", "a%2Fb%25,~&="},
		{"J\xc3\xbcrgen \xe5\xb1\xb1.wav", "J\xc3\xbcrgen \xe5\xb1\xb1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[VIEW_NAME_MAX + 1];
		struct job_facts facts;

		load(cases[i].filename, &facts);
		view_name_recording(&facts, name);
		assert_string_equal(name, cases[i].name);
	}
}

/* A stem is split into what it was made of. */
static void test_both_ways(void **state)
{
	static const struct {
		const char *filename;
		const char *id;
		const char *stem;
		const char *ret_id;
	} cases[] = {
		{"talk.mp3", uuid, "talk~45463597-20b7", "45463597-20b7"},
		{"a~b.mp3", uuid, "a~b~45463597-20b7", "45463597-20b7"},
		{"", "short", "untitled~short", "short"},
		{"x", "a.b~c,d/e", "x~a%2Eb%7Ec%2Cd%2Fe", "a.b~c,d/e"},
		{"x", "45463597-20B7-4af7-b3b3-f5fb778203ab",
			"x~45463597-20B7-4af7-b3b3-f5fb778203ab",
			"45463597-20B7-4af7-b3b3-f5fb778203ab"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char stem[FILENAME_BYTES_MAX + 1];
		char id[FILENAME_BYTES_MAX + 1];
		char name[VIEW_NAME_MAX + 1];
		struct job_facts facts;
		size_t len;

		load(cases[i].filename, &facts);
		view_name_recording(&facts, name);
		assert_int_equal(view_name_print(cases[i].id, &facts, stem), 0);
		assert_string_equal(stem, cases[i].stem);
		assert_int_equal(view_name_split(stem, strlen(stem), &len, id), 0);
		assert_int_equal(len, strlen(name));
		assert_string_equal(id, cases[i].ret_id);
	}
}

static void test_refused(void **state)
{
	static const char *const refused[] = {
		"", "a", "~", "~a", "a~", "a~b~", "a~b.c", "a~%41", "a~b/c"};
	char id[FILENAME_BYTES_MAX + 1];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(
			view_name_split(refused[i], strlen(refused[i]), &len, id),
			-ENOENT);
}

/* SEMANTICS 3.7.5: a long name is cut at a character; the longest file name fits. */
static void test_long(void **state)
{
	char filename[JOB_FILENAME_MAX + 1] = "x";
	char stem[FILENAME_BYTES_MAX + 1];
	char name[VIEW_NAME_MAX + 1];
	char id[FILENAME_BYTES_MAX + 1];
	struct job_facts facts;

	(void)state;
	for (size_t i = 1; i + 2 < sizeof(filename); i += 2)
		memcpy(filename + i, "\xc3\xbc", 3);
	load(filename, &facts);
	view_name_recording(&facts, name);
	assert_int_equal(strlen(name), VIEW_NAME_MAX - 1);
	assert_int_equal(view_name_print(uuid, &facts, stem), 0);
	assert_memory_equal(stem, name, strlen(name));
	assert_string_equal(stem + strlen(name), "~45463597-20b7");
	for (size_t len = 1; len <= FILENAME_BYTES_MAX; len++) {
		memset(id, 'i', len);
		id[len] = '\0';

		int err = view_name_print(id, &facts, stem);

		assert_int_equal(err, len <= 232 ? 0 : -ENAMETOOLONG);
		if (err)
			continue;
		assert_true(strlen(stem) + strlen(".123456789012345.json") <=
			    FILENAME_BYTES_MAX);
		assert_string_equal(strrchr(stem, '~') + 1, id);
	}
}

/* Equal names have equal numbers, which fit into the catalog. */
static void test_number(void **state)
{
	(void)state;
	assert_int_equal(view_name_number("talk~x", 4), view_name_number("talk", 4));
	assert_int_not_equal(view_name_number("talk", 4), view_name_number("tal", 3));
	assert_true(view_name_number("talk", 4) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recording),
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_number),
	};

	return cmocka_run_group_tests_name("view_name", tests, NULL, NULL);
}
