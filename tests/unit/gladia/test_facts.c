/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "base/buf.h"
#include "gladia/job_finder.h"

/* gladia/facts.h: what is kept of a job beside its text. */

static void read_facts(const char *text, size_t len, struct job_facts *ret_facts)
{
	struct job_finder finder;
	struct json_error error;

	job_finder_init(&finder);
	assert_int_equal(json_find(text, len, &finder.find, &error), 0);
	job_finder_facts(&finder, text, len, ret_facts);
}

#define FILE_OF(members)   "{\"file\":{" members "}}"
#define RESULT_OF(members) "{\"result\":{" members "}}"
#define SAID(utterances)   RESULT_OF("\"transcription\":{\"utterances\":[" utterances "]}")
#define WORD               "{\"word\":\" a\"}"

static const struct {
	const char *text;
	enum job_fact fact;
	const char *value;
} wanted[] = {
	{"{}", JOB_FILENAME, ""},
	{FILE_OF("\"filename\":\"a b/\\u00e9.mp3\""), JOB_FILENAME, "a b/\xc3\xa9.mp3"},
	{FILE_OF("\"filename\":\"a\\u0000\\ud800\""), JOB_FILENAME,
		"a\xef\xbf\xbd\xef\xbf\xbd"},
	{FILE_OF("\"filename\":\"a\xff\""), JOB_FILENAME, "a\xef\xbf\xbd"},
	{FILE_OF("\"filename\":\"100%41\""), JOB_FILENAME, "100%41"},
	{FILE_OF("\"filename\":5"), JOB_FILENAME, ""},
	{"{\"file\":null,\"filename\":\"no\"}", JOB_FILENAME, ""},
	{"{\"file\":[{\"filename\":\"no\"}]}", JOB_FILENAME, ""},
	/* Without a file name: the end of the URL. */
	{FILE_OF("\"filename\":null,\"source\":\"https://a.b/c/d%20e%2f.mp3?f=/g#h/i\""),
		JOB_FILENAME, "d e/.mp3"},
	{FILE_OF("\"filename\":\"\",\"source\":\"https://a.b/c/\""), JOB_FILENAME, "c"},
	{FILE_OF("\"source\":\"https://a.b/%00%4%zz%e4\""), JOB_FILENAME, "%00%4%zz\xe4"},
	{FILE_OF("\"source\":\"https://a.b\""), JOB_FILENAME, ""},
	{FILE_OF("\"source\":\"https://a.b/\""), JOB_FILENAME, ""},
	{FILE_OF("\"source\":\"https://a.b?c/d\""), JOB_FILENAME, ""},
	{FILE_OF("\"source\":\"c/d.mp3\""), JOB_FILENAME, "d.mp3"},
	{FILE_OF("\"source\":\"\""), JOB_FILENAME, ""},
	{"{\"error_code\":400}", JOB_ERROR_CODE, "400"},
	{"{\"error_code\":\"400\"}", JOB_ERROR_CODE, ""},
	{"{\"error_code\":null}", JOB_ERROR_CODE, ""},
	/* Numbers keep their digits; what is known of the file comes first. */
	{FILE_OF("\"audio_duration\":1.4904600000000001"), JOB_AUDIO_DURATION,
		"1.4904600000000001"},
	{"{\"file\":{\"audio_duration\":1},"
	 "\"result\":{\"metadata\":{\"audio_duration\":2}}}",
		JOB_AUDIO_DURATION, "1"},
	{"{\"file\":{\"audio_duration\":null},"
	 "\"result\":{\"metadata\":{\"audio_duration\":2}}}",
		JOB_AUDIO_DURATION, "2"},
	{RESULT_OF("\"metadata\":{\"billing_time\":-3.5e1}"), JOB_BILLING_TIME, "-3.5e1"},
	{RESULT_OF("\"metadata\":{\"billing_time\":true}"), JOB_BILLING_TIME, ""},
	{FILE_OF("\"number_of_channels\":2"), JOB_CHANNELS, "2"},
	{RESULT_OF("\"metadata\":{\"number_of_distinct_channels\":3}"), JOB_CHANNELS,
		"3"},
	{RESULT_OF("\"transcription\":{\"languages\":[\"en\",7,\"a,b\",\"zh-TW\",\"\"]}"),
		JOB_LANGUAGES, "en,zh-TW"},
	{RESULT_OF("\"transcription\":{\"languages\":\"en\"}"), JOB_LANGUAGES, ""},
	{RESULT_OF("\"transcription\":{\"languages\":[]}"), JOB_LANGUAGES, ""},
	{SAID("{\"speaker\":0},{\"speaker\":1},{},{\"speaker\":null},{\"speaker\":1}"),
		JOB_SPEAKERS, "2"},
	{SAID("{\"speaker\":\"Ann\"},{\"speaker\":\"\"}"), JOB_SPEAKERS, "1"},
	{SAID("{\"text\":\"a\"}"), JOB_SPEAKERS, ""},
	{SAID("{\"words\":[" WORD "," WORD "]},{\"words\":[]},{\"words\":[" WORD "]}"),
		JOB_WORDS, "3"},
	{SAID("{\"words\":[]}"), JOB_WORDS, "0"},
	{SAID(""), JOB_WORDS, "0"},
	{SAID("{\"text\":\"a\"}"), JOB_WORDS, ""},
	{SAID("{\"words\":null}"), JOB_WORDS, ""},
	{RESULT_OF("\"transcription\":null"), JOB_WORDS, ""},
	/* Sentences and translations repeat the words. */
	{RESULT_OF("\"transcription\":{\"sentences\":[{\"words\":[" WORD "]}],"
		   "\"utterances\":[{\"words\":[" WORD "," WORD "]}]},"
		   "\"translation\":{\"results\":[{\"utterances\":[{\"words\":[" WORD
		   "]}]}]}"),
		JOB_WORDS, "2"},
	{RESULT_OF("\"translation\":{\"results\":["
		   "{\"languages\":[\"fr\"],\"full_transcript\":\"a\"},"
		   "{\"languages\":[\"de\"],\"full_transcript\":\"a\"}]}"),
		JOB_TRANSLATIONS, "fr,de"},
	{RESULT_OF("\"translation\":null"), JOB_TRANSLATIONS, ""},
	/* If a member occurs twice, the last one counts. */
	{"{\"result\":{\"metadata\":{\"billing_time\":1}},\"result\":{}}",
		JOB_BILLING_TIME, ""},
	{"{\"result\":{\"transcription\":{\"utterances\":[{\"speaker\":1,\"words\":[" WORD
	 "]}]}},\"result\":{\"transcription\":{\"utterances\":[{\"words\":[" WORD "," WORD
	 "]}]}}}",
		JOB_WORDS, "2"},
};

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct job_facts facts;
		struct job_facts loaded;

		read_facts(wanted[i].text, strlen(wanted[i].text), &facts);
		assert_string_equal(job_fact(&facts, wanted[i].fact), wanted[i].value);
		assert_true(job_facts_load(facts.text, facts.len, &loaded));
		assert_int_equal(loaded.len, facts.len);
		assert_memory_equal(loaded.text, facts.text, facts.len);
	}
}

/* Values of any length fit: a name is cut at a character, other values are left out. */
static void test_long_values(void **state)
{
	enum { LONG = 3000 };
	struct job_facts facts;
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	assert_int_equal(buf_append_str(&text, "{\"error_code\":1"), 0);
	for (int i = 0; i < LONG; i++)
		assert_int_equal(buf_append_str(&text, "0"), 0);
	assert_int_equal(buf_append_str(&text, ",\"file\":{\"filename\":\"a"), 0);
	for (int i = 0; i < LONG; i++)
		assert_int_equal(buf_append_str(&text, "\xc3\xa9"), 0);
	assert_int_equal(buf_append_str(&text,
				 "\"},\"result\":{\"transcription\":{\"languages\":["),
		0);
	for (int i = 0; i < LONG; i++)
		assert_int_equal(buf_append_str(&text, "\"abc\","), 0);
	assert_int_equal(buf_append_str(&text, "\"abc\"],\"utterances\":["), 0);
	for (int i = 0; i < LONG; i++)
		assert_int_equal(buf_printf(&text, "{\"speaker\":%d},", i), 0);
	assert_int_equal(buf_append_str(&text, "1]}}}"), 0);
	read_facts(text.data, text.len, &facts);
	assert_string_equal(job_fact(&facts, JOB_ERROR_CODE), "");
	assert_int_equal(strlen(job_fact(&facts, JOB_FILENAME)), JOB_FILENAME_MAX - 1);
	assert_string_equal(
		job_fact(&facts, JOB_FILENAME) + JOB_FILENAME_MAX - 3, "\xc3\xa9");
	assert_int_equal(strlen(job_fact(&facts, JOB_LANGUAGES)), JOB_FACT_MAX - 1);
	assert_string_equal(job_fact(&facts, JOB_SPEAKERS), "");
	buf_done(&text);
}

static void test_load_refuses_what_was_not_stored(void **state)
{
	static const char few[JOB_FACTS - 1];
	static const char many[JOB_FACTS + 1];
	struct job_facts facts;
	char large[JOB_FACT_MAX + JOB_FACTS + 1] = {0};

	(void)state;
	assert_false(job_facts_load("", 0, &facts));
	assert_false(job_facts_load(few, sizeof(few), &facts));
	assert_false(job_facts_load(many, sizeof(many), &facts));
	assert_false(job_facts_load("abcdefghijk", 11, &facts));
	memset(large + 1, 'a', JOB_FACT_MAX + 1);
	assert_false(job_facts_load(large, sizeof(large), &facts));
	assert_string_equal(job_fact(&facts, JOB_WORDS), "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_load_refuses_what_was_not_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
