/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "render/units.h"

/* Where a line of subtitles may end, and how good that is: SEMANTICS 8.3.3. */

/* Returns how good a break after the first unit of the text is. */
static enum break_class after_first(const char *text)
{
	struct units units = {0};
	enum break_class after;

	assert_int_equal(units_add(&units, text, 0, strlen(text)), 0);
	assert_true(units.len > 0);
	after = units.list[0].after;
	units_done(&units);
	return after;
}

static void assert_after(
	const char *begin, const char *middle, const char *end, enum break_class wanted)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%s%s", begin, middle, end);
	if (after_first(text) != wanted)
		fail_msg("%d after the first unit of %s", (int)after_first(text), text);
}

static void each_punctuation_counts(void **state)
{
	static const char *const sentence[] = {".", "!", "?", "\u2026", "\u3002",
		"\uff01", "\uff1f", "\uff0e", "\uff61", "\u061f", "\u06d4", "\u0964",
		"\u0965", "\u0589", "\u1362", "\u104b"};
	static const char *const clause[] = {",", ";", ":", "\u2013", "\u2014", "\u060c",
		"\u061b", "\u3001", "\uff0c", "\uff1b", "\uff1a", "\uff64", "\u1363",
		"\u104a"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sentence); i++)
		assert_after("ab", sentence[i], " Cd", BREAK_SENTENCE);
	for (size_t i = 0; i < ARRAY_SIZE(clause); i++)
		assert_after("ab", clause[i], " Cd", BREAK_CLAUSE);
	assert_after("ab", "", " Cd", BREAK_SPACE);
	assert_after("ab", "x", " Cd", BREAK_SPACE);
}

/* Quotes and brackets may follow the punctuation. */
static void closing_characters_are_ignored(void **state)
{
	static const char *const closers[] = {"\"", "'", ")", "]", "}", "\u00bb",
		"\u2019", "\u201d", "\u203a", "\u300d", "\u300f", "\u3009", "\u300b",
		"\u3011", "\uff09"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(closers); i++) {
		assert_after("ab!", closers[i], " Cd", BREAK_SENTENCE);
		assert_after("ab,", closers[i], " Cd", BREAK_CLAUSE);
		assert_after("ab", closers[i], " Cd", BREAK_SPACE);
		assert_after("", closers[i], " Cd", BREAK_SPACE);
	}
	assert_after("ab!", "\")'", " Cd", BREAK_SENTENCE);
	assert_after("ab!", "x", " Cd", BREAK_SPACE);
}

/* A period after an abbreviation does not end a sentence. */
static void titles_end_no_sentence(void **state)
{
	static const char *const titles[] = {
		"Dr", "Fr", "Hr", "M", "Mr", "Mrs", "Ms", "Prof", "Sr", "St"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++) {
		assert_after("", titles[i], ". Cd", BREAK_SPACE);
		assert_after("x", titles[i], ". Cd", BREAK_SENTENCE);
		assert_after("", titles[i], "! Cd", BREAK_SENTENCE);
	}
	assert_after("", "e.g", ". cd", BREAK_SPACE);
	assert_after("", "ab", ". \u00e9t\u00e9", BREAK_SPACE);
	assert_after("", "ab", ". 5", BREAK_SENTENCE);
	assert_after("", "ab", ". ", BREAK_SENTENCE);
	assert_after("", "ab", ".", BREAK_SENTENCE);
}

/* The places and sizes of units, in columns and characters. */
static void units_are_measured(void **state)
{
	static const char text[] = "--ab cd\u3001\u4f60\u597d e\u0301";
	struct units units = {0};

	(void)state;
	assert_int_equal(units_add(&units, text, 2, strlen(text) - 2), 0);
	assert_int_equal(units.list[0].at, 2);
	assert_int_equal(units.list[0].len, 2);
	assert_int_equal(units.list[0].columns, 2);
	assert_int_equal(units.list[0].chars, 2);
	assert_true(units.list[0].spaced);
	assert_int_equal(units.list[1].at, 5);
	assert_int_equal(units.list[1].len, 5);
	assert_int_equal(units.list[1].columns, 4);
	assert_int_equal(units.list[1].chars, 3);
	assert_false(units.list[1].spaced);
	assert_int_equal(units.list[1].after, BREAK_CLAUSE);
	assert_int_equal(units.list[2].after, BREAK_WORDLESS);
	assert_int_equal(units.list[2].columns, 2);
	assert_int_equal(units.list[units.len - 1].columns, 1);
	assert_int_equal(units.list[units.len - 1].chars, 2);
	assert_int_equal(units.list[units.len - 1].len, 3);
	units_done(&units);
	assert_int_equal(units.len, 0);
}

/* A word that is wider than a line is divided between its clusters. */
static void wide_units_are_divided(void **state)
{
	char text[LINE_COLUMNS + 2];
	struct units units = {0};

	(void)state;
	memset(text, 'x', LINE_COLUMNS + 1);
	text[LINE_COLUMNS + 1] = '\0';
	assert_int_equal(units_add(&units, text, 0, LINE_COLUMNS), 0);
	assert_int_equal(units.len, 1);
	units_done(&units);
	text[LINE_COLUMNS] = '.';
	assert_int_equal(units_add(&units, text, 0, LINE_COLUMNS + 1), 0);
	assert_int_equal(units.len, LINE_COLUMNS + 1);
	for (size_t i = 0; i < units.len; i++) {
		assert_int_equal(units.list[i].at, i);
		assert_int_equal(units.list[i].len, 1);
		assert_int_equal(units.list[i].after,
			i < LINE_COLUMNS ? BREAK_CLUSTER : BREAK_SENTENCE);
	}
	units_done(&units);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_punctuation_counts),
		cmocka_unit_test(closing_characters_are_ignored),
		cmocka_unit_test(titles_end_no_sentence),
		cmocka_unit_test(units_are_measured),
		cmocka_unit_test(wide_units_are_divided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
