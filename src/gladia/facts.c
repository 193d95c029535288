/* SPDX-License-Identifier: MIT */
#include "gladia/facts.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "gladia/job_finder.h"
#include "render/recording_name.h"
#include "render/render.h"

/* Finds the facts in a job's JSON, and keeps them as short texts. */

_Static_assert(
	(int)JOB_FILENAME_MAX == (int)RECORDING_NAME_MAX, "there is room for a name");
_Static_assert(RENDER_TRANSLATIONS_MAX *(RENDER_LANGUAGE_MAX + 1) <= JOB_FACT_MAX,
	"there is room for all translations");

static const struct json_rule rules[JOB_MEMBERS] = {
	[MEMBER_TEXT] = {JSON_KEY(""), MEMBER_ERROR_CODE, 3, false},
	[MEMBER_ERROR_CODE] = {JSON_KEY("error_code"), 0, 0, false},
	[MEMBER_FILE] = {JSON_KEY("file"), MEMBER_FILENAME, 4, false},
	[MEMBER_RESULT] = {JSON_KEY("result"), MEMBER_METADATA, 3, false},
	[MEMBER_FILENAME] = {JSON_KEY("filename"), 0, 0, false},
	[MEMBER_SOURCE] = {JSON_KEY("source"), 0, 0, false},
	[MEMBER_FILE_DURATION] = {JSON_KEY("audio_duration"), 0, 0, false},
	[MEMBER_FILE_CHANNELS] = {JSON_KEY("number_of_channels"), 0, 0, false},
	[MEMBER_METADATA] = {JSON_KEY("metadata"), MEMBER_DURATION, 3, false},
	[MEMBER_TRANSCRIPTION] = {JSON_KEY("transcription"), MEMBER_LANGUAGES, 2, false},
	[MEMBER_TRANSLATION] = {JSON_KEY("translation"), 0, 0, false},
	[MEMBER_DURATION] = {JSON_KEY("audio_duration"), 0, 0, false},
	[MEMBER_CHANNELS] = {JSON_KEY("number_of_distinct_channels"), 0, 0, false},
	[MEMBER_BILLING_TIME] = {JSON_KEY("billing_time"), 0, 0, false},
	[MEMBER_LANGUAGES] = {JSON_KEY("languages"), 0, 0, false},
	[MEMBER_UTTERANCES] = {JSON_KEY("utterances"), MEMBER_SPEAKER, 2, true},
	[MEMBER_SPEAKER] = {JSON_KEY("speaker"), 0, 0, false},
	[MEMBER_WORDS] = {JSON_KEY("words"), 0, 0, false},
};

static bool facts_equal(struct json_slice one, struct json_slice other)
{
	size_t len = json_length(one);

	return len == json_length(other) && memcmp(one.at, other.at, len) == 0;
}

/* Adds a speaker, a number or a name that is not empty, to those of the job. */
static void facts_add_speaker(struct job_result *result, struct json_slice value)
{
	if (*value.at == 'n' || json_is(value, "\"\""))
		return;
	for (size_t i = 0; i < result->speakers_len; i++)
		if (facts_equal(result->speakers[i], value))
			return;
	if (result->speakers_len <= FINDER_SPEAKERS_MAX)
		result->speakers[result->speakers_len++] = value;
}

/* If a member occurs twice, the last one counts. */
static void facts_on_value(
	void *ctx, unsigned member, struct json_slice value, size_t elements)
{
	struct job_finder *finder = ctx;
	struct job_result *next = &finder->next;

	switch ((enum job_member)member) {
	case MEMBER_RESULT:
		finder->values[member] = value;
		finder->result = *next;
		memset(next, 0, sizeof(*next));
		break;
	case MEMBER_SPEAKER:
		facts_add_speaker(next, value);
		break;
	case MEMBER_WORDS:
		next->words += elements;
		if (*value.at == '[')
			next->values[member] = value;
		break;
	default:
		if (member < MEMBER_METADATA)
			finder->values[member] = value;
		else
			next->values[member] = value;
	}
}

void job_finder_init(struct job_finder *finder)
{
	memset(finder, 0, sizeof(*finder));
	finder->find = (struct json_find){rules, facts_on_value, finder};
}

bool job_finder_has_transcription(const struct job_finder *finder)
{
	struct json_slice value = finder->result.values[MEMBER_TRANSCRIPTION];

	return value.at && *value.at != 'n';
}

void job_facts_init(struct job_facts *ret_facts)
{
	ret_facts->len = JOB_FACTS;
	memset(ret_facts->text, 0, JOB_FACTS);
}

const char *job_fact(const struct job_facts *facts, enum job_fact fact)
{
	const char *at = facts->text;

	for (unsigned i = 0; i < (unsigned)fact; i++)
		at += strlen(at) + 1;
	return at;
}

bool job_facts_load(const void *text, size_t len, struct job_facts *ret_facts)
{
	const char *at = text;
	const char *end = at + len;

	job_facts_init(ret_facts);
	if (len > sizeof(ret_facts->text))
		return false;
	for (unsigned i = 0; i < JOB_FACTS; i++) {
		size_t max = i == JOB_FILENAME ? JOB_FILENAME_MAX : JOB_FACT_MAX;
		const char *nul = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;

		if (!nul || (size_t)(nul - at) > max)
			return false;
		at = nul + 1;
	}
	if (at != end)
		return false;
	memcpy(ret_facts->text, text, len);
	ret_facts->len = len;
	return true;
}

/* Adds the next fact. There is always room: each is at most as long as it may be. */
static void facts_add(struct job_facts *facts, const char *value, size_t len)
{
	memcpy(facts->text + facts->len, value, len);
	facts->len += len;
	facts->text[facts->len++] = '\0';
}

/* Adds a number with the digits that it has, or nothing if the value is no number. */
static void facts_add_number(
	struct job_facts *facts, struct json_slice value, struct json_slice other)
{
	if (!value.at || *value.at == 'n')
		value = other;

	size_t len = json_length(value);
	bool number = len && len <= JOB_FACT_MAX &&
		      (*value.at == '-' || (*value.at >= '0' && *value.at <= '9'));

	facts_add(facts, number ? value.at : "", number ? len : 0);
}

static void facts_add_count(struct job_facts *facts, size_t count, bool known)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%zu", count);

	facts_add(facts, digits, known ? (size_t)len : 0);
}

static void facts_add_filename(
	struct job_facts *facts, struct json_slice filename, struct json_slice source)
{
	char text[RECORDING_NAME_MAX];
	const char *name;
	size_t len = recording_name_find(filename, source, text, &name);

	facts_add(facts, name, len);
}

/* Adds the languages of an array, joined by commas, as many as there is room for. */
static void facts_add_languages(struct job_facts *facts, struct json_slice array)
{
	char text[JOB_FACT_MAX];
	size_t len = 0;
	struct json_slice value;
	struct json_cursor cursor;

	if (json_cursor_enter(array, '[', &cursor)) {
		facts_add(facts, "", 0);
		return;
	}
	while (!json_cursor_next(&cursor, NULL, &value)) {
		struct json_slice code = json_string_body(value);
		size_t more = render_language_len(code);

		if (!more || len + 1 + more > sizeof(text))
			continue;
		if (len)
			text[len++] = ',';
		memcpy(text + len, code.at, more);
		len += more;
	}
	facts_add(facts, text, len);
}

/* Adds the languages of the translations in a job's text. Most jobs have none. */
static void facts_add_translations(struct job_facts *facts, struct json_slice translation,
	const char *text, size_t len)
{
	struct render_translations found = {0};

	if (translation.at && *translation.at != 'n')
		render_translations(text, len, &found);
	for (unsigned i = 0; i < found.len; i++) {
		size_t more = strlen(found.languages[i]);

		if (i)
			facts->text[facts->len++] = ',';
		memcpy(facts->text + facts->len, found.languages[i], more);
		facts->len += more;
	}
	facts_add(facts, "", 0);
}

/* True if the words are counted: an utterance lists them, or nothing was said. */
static bool facts_knows_words(const struct job_result *result)
{
	struct json_slice value;
	struct json_cursor cursor;

	if (result->values[MEMBER_WORDS].at)
		return true;
	return !json_cursor_enter(result->values[MEMBER_UTTERANCES], '[', &cursor) &&
	       json_cursor_next(&cursor, NULL, &value) == -ENODATA;
}

void job_finder_facts(const struct job_finder *finder, const char *text, size_t len,
	struct job_facts *ret_facts)
{
	const struct json_slice *values = finder->values;
	const struct job_result *result = &finder->result;
	const struct json_slice *inner = result->values;
	static const struct json_slice none = {0};

	ret_facts->len = 0;
	facts_add_filename(ret_facts, values[MEMBER_FILENAME], values[MEMBER_SOURCE]);
	facts_add_number(ret_facts, values[MEMBER_ERROR_CODE], none);
	facts_add_number(ret_facts, values[MEMBER_FILE_DURATION], inner[MEMBER_DURATION]);
	facts_add_number(ret_facts, inner[MEMBER_BILLING_TIME], none);
	facts_add_number(ret_facts, values[MEMBER_FILE_CHANNELS], inner[MEMBER_CHANNELS]);
	facts_add_languages(ret_facts, inner[MEMBER_LANGUAGES]);
	facts_add_count(ret_facts, result->speakers_len,
		result->speakers_len && result->speakers_len <= FINDER_SPEAKERS_MAX);
	facts_add_count(ret_facts, result->words, facts_knows_words(result));
	facts_add_translations(ret_facts, inner[MEMBER_TRANSLATION], text, len);
}
