/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "gladia/metadata.h"

/* Filters on custom_metadata: SEMANTICS 3.2, 3.3, 3.5, 3.6, 11.3. */

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
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_open_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
