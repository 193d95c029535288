/* SPDX-License-Identifier: MIT */
#include "translations.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "plain_text.h"

/* A reader of the entries in result.translation.results. */
struct translations_reader {
	struct json_cursor cursor;
	struct render_translations *listed; /* languages of the translations so far */
};

size_t render_language_len(struct json_slice code)
{
	size_t len = json_length(code);

	for (size_t i = 0; i < len; i++) {
		char c = code.at[i];
		char letter = (char)(c | 0x20);

		if (!((letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') ||
			    c == '-'))
			return 0;
	}
	return len <= RENDER_LANGUAGE_MAX ? len : 0;
}

/* Reads a language in lower case. Returns false if it is not a language's code. */
static bool translations_read_language(
	struct json_slice code, char ret_language[static RENDER_LANGUAGE_MAX + 1])
{
	size_t len = render_language_len(code);

	/* This makes letters lower case, and changes neither digits nor "-". */
	for (size_t i = 0; i < len; i++)
		ret_language[i] = (char)(code.at[i] | 0x20);
	ret_language[len] = '\0';
	return len > 0;
}

/* Reads the first string of an array as a language. Returns false if there is none. */
static bool translations_read_first_language(
	struct json_slice array, char ret_language[static RENDER_LANGUAGE_MAX + 1])
{
	struct json_cursor cursor;
	struct json_slice value;

	if (json_cursor_enter(array, '[', &cursor))
		return false;
	while (!json_cursor_next(&cursor, NULL, &value)) {
		struct json_slice code = json_string_body(value);

		if (code.at)
			return translations_read_language(code, ret_language);
	}
	return false;
}

static bool translations_has_text(struct json_slice full, struct json_slice utterances)
{
	static const char *const name[] = {"text"};
	struct json_cursor cursor;
	struct json_slice value;

	if (!plain_text_is_blank(json_string_body(full)))
		return true;
	if (json_cursor_enter(utterances, '[', &cursor))
		return false;
	while (!json_cursor_next_members(&cursor, name, 1, &value))
		if (!plain_text_is_blank(json_string_body(value)))
			return true;
	return false;
}

static bool translations_is_listed(
	const struct render_translations *translations, const char *language)
{
	for (unsigned i = 0; i < translations->len; i++)
		if (strcmp(translations->languages[i], language) == 0)
			return true;
	return false;
}

/* Returns 0, or -EBADMSG if the job has no translations. */
static int translations_begin(struct json_slice job, struct render_translations *listed,
	struct translations_reader *ret_reader)
{
	static const char *const path[] = {"result", "translation", NULL};
	static const char *const name[] = {"results"};
	struct json_slice results;

	json_members_at(job, path, name, 1, &results);
	ret_reader->listed = listed;
	listed->len = 0;
	return json_cursor_enter(results, '[', &ret_reader->cursor);
}

/* Lists the next translation. Returns false if there is none, or no room for it. */
static bool translations_next(
	struct translations_reader *reader, struct json_slice *ret_result)
{
	static const char *const names[] = {"languages", "full_transcript", "utterances"};
	struct render_translations *listed = reader->listed;
	struct json_slice values[3];

	if (listed->len == RENDER_TRANSLATIONS_MAX)
		return false;

	char *language = listed->languages[listed->len];

	while (!json_cursor_next(&reader->cursor, NULL, ret_result)) {
		json_members(*ret_result, names, 3, values);
		if (!translations_read_first_language(values[0], language) ||
			translations_is_listed(listed, language) ||
			!translations_has_text(values[1], values[2]))
			continue;
		listed->len++;
		return true;
	}
	return false;
}

void render_translations(
	const char *job, size_t len, struct render_translations *ret_translations)
{
	struct translations_reader reader;
	struct json_slice result;

	if (translations_begin(
		    (struct json_slice){job, job + len}, ret_translations, &reader))
		return;
	while (translations_next(&reader, &result))
		continue;
}

int translations_find(
	struct json_slice job, unsigned translation, struct json_slice *ret_result)
{
	struct render_translations listed;
	struct translations_reader reader;
	struct json_slice result;

	if (translations_begin(job, &listed, &reader))
		return -ENOENT;
	while (translations_next(&reader, &result)) {
		if (listed.len != translation)
			continue;
		*ret_result = result;
		return 0;
	}
	return -ENOENT;
}
