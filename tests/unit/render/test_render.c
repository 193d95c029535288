/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "render_fixture.h"

/* Jobs as text, and what all formats have in common: SEMANTICS 8.1. */

/* SEMANTICS 8.1: the transcript. */
static void test_text(void **state)
{
	static const struct shape shapes[] = {
		{JOB("\"full_transcript\":\"Hi. Zo\\u00eb "
		     "\\\"x\\\"\",\"utterances\":[{" HI ",\"channel\":0}]"),
			"Hi. Zoë \"x\"\n"},
		/*
		 * Any kind of line end becomes one newline; the text ends with exactly
		 * one.
		 */
		{JOB("\"full_transcript\":\"a\\nb\\r\\nc\\rd\\n\\n\\te  f\\n\""),
			"a\nb\nc\nd\n\n\te  f\n"},
		/* Control characters and NUL are replaced. */
		{JOB("\"full_transcript\":\"\\u001b[1m\\u0000x\\u007f\\ud800\""),
			"\xef\xbf\xbd[1m\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd\n"},
		/* Nothing was said; members are missing; values have unexpected types. */
		{JOB("\"full_transcript\":\"\",\"utterances\":[]"), ""},
		{JOB("\"full_transcript\":\" \\n\""), ""},
		{"{}", ""},
		{"{\"result\":null}", ""},
		{"{\"result\":{\"transcription\":[]}}", ""},
		{JOB("\"full_transcript\":null,\"utterances\":{\"a\":1}"), ""},
		{JOB("\"full_transcript\":7,\"utterances\":[1,null,[],{},{\"text\":3}]"),
			""},
		/* Without a full transcript, the utterances are joined. */
		{UTTERANCES("{" HI "},{\"text\":\" Go\\non. \"},{\"text\":\"\\n\"}"),
			"Hi. Go on.\n"},
		/* Translations are not part of the transcript. */
		{"{\"result\":{\"translation\":{\"results\":[{\"full_transcript\":"
		 "\"Hallo.\","
		 "\"languages\":[\"de\"]}]},\"transcription\":{\"full_transcript\":\"Hi."
		 "\"}}}",
			"Hi.\n"},
	};

	(void)state;
	CHECK(FORMAT_TXT, shapes);
}

/* SEMANTICS 8.1: a diarized transcript names the speaker of each paragraph. */
static void test_voices(void **state)
{
	static const struct shape shapes[] = {
		{JOB("\"full_transcript\":\"Hi. You? Yes. So.\",\"utterances\":["
		     "{" HI ",\"speaker\":0,\"start\":0},"
		     "{\"text\":\"You?\",\"speaker\":0,\"start\":1},"
		     "{\"text\":\"Yes.\",\"speaker\":1,\"start\":2},"
		     "{\"text\":\"So.\",\"speaker\":0,\"start\":3}]"),
			"Speaker 0: Hi. You?\nSpeaker 1: Yes.\nSpeaker 0: So.\n"},
		{UTTERANCES("{" HI ",\"speaker\":0},{\"text\":\"Who?\",\"speaker\":null},"
			    "{\"text\":\"I.\",\"speaker\":-1},{\"text\":\"Me.\","
			    "\"speaker\":1."
			    "5}"),
			"Speaker 0: Hi.\nWho? I. Me.\n"},
		{UTTERANCES("{" HI ",\"speaker\":9},{\"text\":\"A.\",\"speaker\":10}"),
			"Speaker 9: Hi.\nSpeaker 10: A.\n"},
		{UTTERANCES("{" HI ",\"speaker\":\"In\\u00eas\\n\"},{\"text\":\"A.\","
			    "\"speaker\":\" \"}"),
			"Inês: Hi.\nA.\n"},
		/*
		 * If there are several channels, each is named, and utterances are
		 * ordered by time.
		 */
		{JOB("\"full_transcript\":\"Hi. A.\",\"utterances\":["
		     "{" HI ",\"channel\":0,\"start\":0.5},"
		     "{\"text\":\"B.\",\"channel\":0,\"start\":2},"
		     "{\"text\":\"C.\",\"channel\":0},"
		     "{\"text\":\"A.\",\"channel\":1,\"start\":1}]"),
			"Channel 0: Hi.\nChannel 1: A.\nChannel 0: B. C.\n"},
		{UTTERANCES("{" HI ",\"channel\":0,\"speaker\":1},"
			    "{\"text\":\"A.\",\"channel\":1,\"speaker\":1},"
			    "{\"text\":\"B.\",\"channel\":1,\"speaker\":\"Bo\"},"
			    "{\"text\":\"C.\",\"channel\":1},{\"text\":\"D.\"}"),
			"Channel 0, speaker 1: Hi.\nChannel 1, speaker 1: A.\n"
			"Channel 1, Bo: B.\nChannel 1: C.\nD.\n"},
		/*
		 * The channel is left out if the speaker alone identifies it, and named
		 * if one speaker is in two channels.
		 */
		{UTTERANCES("{" HI ",\"channel\":0,\"speaker\":1},"
			    "{\"text\":\"A.\",\"channel\":1,\"speaker\":0}"),
			"Speaker 1: Hi.\nSpeaker 0: A.\n"},
		{UTTERANCES("{" HI ",\"channel\":0,\"speaker\":1},"
			    "{\"text\":\"A.\",\"channel\":1,\"speaker\":0},"
			    "{\"text\":\"B.\",\"channel\":1,\"speaker\":1}"),
			"Channel 0, speaker 1: Hi.\nChannel 1, speaker 0: A.\n"
			"Channel 1, speaker 1: B.\n"},
		/* Utterances in several languages form one transcript. */
		{UTTERANCES(
			 "{" HI ",\"speaker\":0,\"language\":\"en\"},"
			 "{\"text\":\"こんにちは。\",\"speaker\":0,\"language\":\"ja\"}"),
			"Speaker 0: Hi. こんにちは。\n"},
	};

	(void)state;
	CHECK(FORMAT_TXT, shapes);
}

/* SEMANTICS 8.1: text that is written from right to left is isolated from a label. */
static void test_direction(void **state)
{
	static const struct shape shapes[] = {
		{UTTERANCES("{\"text\":\"\u05e9\u05dc\u05d5\u05dd.\",\"speaker\":0},"
			    "{\"text\":\"So?\",\"speaker\":0},{" HI ",\"speaker\":1}"),
			"Speaker 0: \u2068\u05e9\u05dc\u05d5\u05dd. So?\u2069\nSpeaker "
			"1: Hi.\n"},
		{UTTERANCES("{\"text\":\"\u05e9\u05dc\u05d5\u05dd.\"}"),
			"\u05e9\u05dc\u05d5\u05dd.\n"},
	};

	(void)state;
	CHECK(FORMAT_TXT, shapes);
}

static void test_names(void **state)
{
	static const char *const names[FORMATS] = {"json", "txt", "srt", "vtt", "md"};
	enum format format;

	(void)state;
	for (unsigned i = 0; i < FORMATS; i++) {
		const char *suffix = format_suffix((enum format)i);

		assert_string_equal(format_name((enum format)i), names[i]);
		assert_int_equal(suffix[0], '.');
		assert_string_equal(suffix + 1, names[i]);
		assert_int_equal(format_find(names[i], strlen(names[i]), &format), 0);
		assert_int_equal(format, i);
	}
	assert_int_equal(format_find("txt", 2, &format), -ENOENT);
	assert_int_equal(format_find("", 0, &format), -ENOENT);
	assert_int_equal(format_find("TXT", 3, &format), -ENOENT);
}

/*
 * Expects a text that is longer than the maximum to be refused, whichever part of it is
 * too long.
 */
static void assert_maximum(enum format format, const char *job)
{
	char whole[TEXT_MAX], text[TEXT_MAX];

	assert_int_equal(render_max(format, job, TEXT_MAX - 1, whole), 0);
	assert_true(whole[0] != '\0');
	for (size_t max = 0; max < strlen(whole); max++)
		if (render_max(format, job, max, text) != -EMSGSIZE)
			fail_msg("cut at %zu: %s", max, text);
	assert_int_equal(render_max(format, job, strlen(whole), text), 0);
	assert_string_equal(text, whole);
}

/*
 * SEMANTICS 11.3: a rendered text has a maximum size. A text that is no job is refused.
 */
static void test_refused(void **state)
{
	static const char *const job = JOB(
		"\"full_transcript\":\"Hi there.\",\"utterances\":"
		"[{\"text\":\"Hi there.\",\"start\":1,\"speaker\":1}],"
		"\"subtitles\":[{\"format\":\"vtt\",\"subtitles\":"
		"\"00:01.000 --> 00:02.000\\nHi.\"}]");
	static const char *const voices = UTTERANCES(
		"{\"text\":\"a\\u0001b  c \u00e9 -->\",\"start\":1,\"speaker\":1},"
		"{\"text\":\"d e\",\"start\":3,\"end\":3700.5,\"speaker\":2}");
	static const char *const no_jobs[] = {"[]", "null", "\"x\"", "1"};
	char text[TEXT_MAX];

	(void)state;
	for (unsigned i = FORMAT_TXT; i < FORMATS; i++) {
		assert_maximum((enum format)i, job);
		assert_maximum((enum format)i, voices);
		for (size_t j = 0; j < ARRAY_SIZE(no_jobs); j++)
			assert_int_equal(render_max((enum format)i, no_jobs[j], 99, text),
				-EBADMSG);
	}
}

/* Text that is cut anywhere is rendered or refused, without reading behind its end. */
static void test_cut(void **state)
{
	static const char job[] = JOB(
		"\"subtitles\":[{\"format\":\"srt\",\"subtitles\":"
		"\"1\\n00:01.0 --> 00:02.0\\nH\\u00e9\\ud83d\\ude00\"}],"
		"\"utterances\":[{\"text\":\"Own\",\"words\":[{\"word\":\"Own\","
		"\"start\":1}],\"start\":1,\"end\":2}]");

	(void)state;
	for (size_t len = 0; len < sizeof(job); len++) {
		char *copy = malloc(len + !len);

		assert_non_null(copy);
		memcpy(copy, job, len);
		for (unsigned i = FORMAT_TXT; i < FORMATS; i++) {
			struct buf out;

			buf_init(&out, TEXT_MAX);
			(void)format_render((enum format)i, 0, copy, len, &out);
			buf_done(&out);
		}
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_voices),
		cmocka_unit_test(test_direction),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
