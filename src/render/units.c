/* SPDX-License-Identifier: MIT */
#include "units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <unigbrk.h>
#include <unilbrk.h>
#include <unistr.h>
#include <uniwidth.h>

#include "base/array.h"
#include "base/cleanup.h"

/* A text that is being divided. */
struct units_text {
	const uint8_t *text;
	size_t len;
	size_t at;      /* offset of `text` in the text of the units */
	char *breaks;   /* Unicode's line breaks before each byte; NULL if it is ASCII */
	char *clusters; /* true at the first byte of each grapheme cluster */
	struct units *units;
};

void units_done(struct units *units)
{
	free(units->list);
	*units = (struct units){0};
}

/* Decodes the character at an offset. Returns its number of bytes. */
static size_t units_decode(const struct units_text *text, size_t at, ucs4_t *ret_code)
{
	int len = u8_mbtouc(ret_code, text->text + at, text->len - at);

	return len > 0 ? (size_t)len : 1;
}

static unsigned units_char_columns(ucs4_t code)
{
	enum { EMOJI_VARIATION = 0xfe0f };

	if (code < 0x7f)
		return 1;
	/* It makes a narrow symbol an emoji, which is wide. */
	if (code == EMOJI_VARIATION)
		return 1;

	int columns = uc_width(code, "UTF-8");

	return columns > 0 ? (unsigned)columns : 0;
}

/* True for a character of a script that is written without spaces and can be divided. */
static bool units_is_wordless(ucs4_t code)
{
	bool hangul = (code >= 0x1100 && code < 0x1200) ||
		      (code >= 0x3130 && code < 0x3190) ||
		      (code >= 0xa960 && code < 0xa980) ||
		      (code >= 0xac00 && code < 0xd800);

	return code >= 0x1100 && !hangul && units_char_columns(code) == 2;
}

/* True if the text can be divided before the byte `at`, after the character `before`. */
static bool units_can_divide(const struct units_text *text, size_t at, ucs4_t before)
{
	enum { ZERO_WIDTH_SPACE = 0x200b };
	ucs4_t after;

	if (!text->breaks || text->breaks[at] != UC_BREAK_POSSIBLE || !text->clusters[at])
		return false;
	units_decode(text, at, &after);
	return before == ZERO_WIDTH_SPACE || units_is_wordless(before) ||
	       units_is_wordless(after);
}

static bool units_is_one_of(ucs4_t code, const ucs4_t *codes)
{
	while (*codes && *codes != code)
		codes++;
	return *codes;
}

/*
 * Returns how good a break after text[begin..end) is by its punctuation, or `otherwise`
 * if it does not end with any.
 */
static enum break_class units_punctuation(const struct units_text *text, size_t begin,
	size_t end, enum break_class otherwise)
{
	static const ucs4_t closers[] = {'"', '\'', ')', ']', '}', 0xbb, 0x2019, 0x201d,
		0x203a, 0x300d, 0x300f, 0x3009, 0x300b, 0x3011, 0xff09, 0};
	static const ucs4_t sentence[] = {'.', '!', '?', 0x2026, 0x3002, 0xff01, 0xff1f,
		0xff0e, 0xff61, 0x61f, 0x6d4, 0x964, 0x965, 0x589, 0x1362, 0x104b, 0};
	static const ucs4_t clause[] = {',', ';', ':', 0x2013, 0x2014, 0x60c, 0x61b,
		0x3001, 0xff0c, 0xff1b, 0xff1a, 0xff64, 0x1363, 0x104a, 0};

	while (end > begin) {
		ucs4_t code;

		do
			end--;
		while (end > begin && (text->text[end] & 0xc0) == 0x80);
		units_decode(text, end, &code);
		if (units_is_one_of(code, sentence))
			return BREAK_SENTENCE;
		if (units_is_one_of(code, clause))
			return BREAK_CLAUSE;
		if (!units_is_one_of(code, closers))
			return otherwise;
	}
	return otherwise;
}

/*
 * True if the period after text[begin..end) is that of an abbreviation: a small letter
 * follows, as in "e.g. here", or a name.
 */
static bool units_is_abbreviation(const struct units_text *text, size_t begin, size_t end)
{
	static const char *const titles[] = {
		"Dr.", "Fr.", "Hr.", "M.", "Mr.", "Mrs.", "Ms.", "Prof.", "Sr.", "St."};
	ucs4_t code;

	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		if (strlen(titles[i]) == end - begin &&
			memcmp(titles[i], text->text + begin, end - begin) == 0)
			return true;
	if (end + 1 >= text->len || text->text[end] != ' ')
		return false;
	units_decode(text, end + 1, &code);
	return uc_is_property_lowercase(code);
}

static int units_append(struct units_text *text, const struct unit *unit)
{
	struct units *units = text->units;
	int err = ARRAY_RESERVE(units->list, units->cap, units->len + 1);

	if (!err)
		units->list[units->len++] = *unit;
	return err;
}

static struct unit units_measure(const struct units_text *text, size_t begin, size_t end)
{
	struct unit unit = {.at = text->at + begin, .len = end - begin};
	ucs4_t code;

	for (size_t at = begin; at < end; unit.chars++) {
		at += units_decode(text, at, &code);
		unit.columns += units_char_columns(code);
	}
	return unit;
}

/* Appends the grapheme clusters of text[begin..end), the last of which is `last`. */
static int units_add_clusters(
	struct units_text *text, size_t begin, size_t end, const struct unit *last)
{
	int err = 0;

	while (!err && begin < end) {
		size_t next = begin + 1;

		while (next < end && text->clusters && !text->clusters[next])
			next++;

		struct unit unit = units_measure(text, begin, next);

		unit.after = next < end ? BREAK_CLUSTER : last->after;
		unit.spaced = next == end && last->spaced;
		err = units_append(text, &unit);
		begin = next;
	}
	return err;
}

/* Appends text[begin..end), after which is a space or a possible break. */
static int units_add_part(
	struct units_text *text, size_t begin, size_t end, enum break_class after)
{
	struct unit unit = units_measure(text, begin, end);

	if (begin == end)
		return 0;
	unit.spaced = end < text->len && text->text[end] == ' ';
	unit.after = units_punctuation(text, begin, end, after);
	if (unit.after == BREAK_SENTENCE && units_is_abbreviation(text, begin, end))
		unit.after = after;
	if (unit.columns > LINE_COLUMNS)
		return units_add_clusters(text, begin, end, &unit);
	return units_append(text, &unit);
}

static int units_divide(struct units_text *text)
{
	size_t begin = 0;
	size_t at = 0;
	ucs4_t before = ' ';
	int err = 0;

	while (!err && at < text->len) {
		ucs4_t code;
		size_t next = at + units_decode(text, at, &code);

		if (code == ' ') {
			err = units_add_part(text, begin, at, BREAK_SPACE);
			begin = next;
		} else if (at > begin && units_can_divide(text, at, before)) {
			err = units_add_part(text, begin, at, BREAK_WORDLESS);
			begin = at;
		}
		before = code;
		at = next;
	}
	return err ? err : units_add_part(text, begin, at, BREAK_SPACE);
}

static bool units_is_ascii(const struct units_text *text)
{
	for (size_t i = 0; i < text->len; i++)
		if (text->text[i] >= 0x80)
			return false;
	return true;
}

int units_add(struct units *units, const char *text, size_t at, size_t len)
{
	CLEANUP_FREE char *marks = NULL;
	struct units_text divided = {
		.text = (const uint8_t *)text + at,
		.len = len,
		.at = at,
		.units = units,
	};

	if (!units_is_ascii(&divided)) {
		marks = malloc(2 * len);
		if (!marks)
			return -ENOMEM;
		divided.breaks = marks;
		divided.clusters = marks + len;
		u8_possible_linebreaks(divided.text, len, "UTF-8", divided.breaks);
		u8_grapheme_breaks(divided.text, len, divided.clusters);
	}
	return units_divide(&divided);
}
