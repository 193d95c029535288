/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "render/render.h"
#include "json/pretty_print.h"

/* Jobs as text and as subtitles: SEMANTICS 8.1. */

enum { TEXT_MAX = 4096 };

/* Jobs whose transcription has the given members, or the given utterances. */
#define JOB(members)           "{\"result\":{\"transcription\":{" members "}}}"
#define UTTERANCES(utterances) JOB("\"utterances\":[" utterances "]")
#define HI                     "\"text\":\"Hi.\""

/*
 * Renders a job in the form in which the catalog stores it, from an allocation without a
 * spare byte.
 */
static int render_max(enum format format, const char *job, size_t max, char *ret_text)
{
	struct buf printed, out;
	struct json_error error;

	buf_init(&printed, 1 << 20);
	buf_init(&out, max);
	assert_int_equal(json_print(job, strlen(job), &printed, NULL, &error), 0);

	char *copy = malloc(printed.len);

	assert_non_null(copy);
	memcpy(copy, printed.data, printed.len);

	int err = format_render(format, 0, copy, printed.len, &out);

	ret_text[0] = '\0';
	if (!err && out.len) {
		assert_true(out.len < TEXT_MAX);
		assert_int_equal(strlen(out.data), out.len);
		memcpy(ret_text, out.data, out.len + 1);
	}
	free(copy);
	buf_done(&printed);
	buf_done(&out);
	return err;
}

struct shape {
	const char *job;
	const char *text;
};

static void check(enum format format, const struct shape *shapes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char text[TEXT_MAX];

		assert_int_equal(render_max(format, shapes[i].job, TEXT_MAX, text), 0);
		if (strcmp(text, shapes[i].text) != 0)
			fail_msg("%s\n--- is ---\n%s\n--- not ---\n%s", shapes[i].job,
				text, shapes[i].text);
	}
}

#define CHECK(format, shapes) check(format, shapes, ARRAY_SIZE(shapes))

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

/* SEMANTICS 8.1: each utterance with a valid start becomes one valid cue. */
static void test_srt(void **state)
{
	static const struct shape shapes[] = {
		{UTTERANCES("{" HI ",\"start\":0.1404,\"end\":5.341,\"words\":[]},"
			    "{\"text\":\"You.\",\"start\":3661.9995,\"end\":3662}"),
			"1\n00:00:00,140 --> 00:00:05,341\nHi.\n\n"
			"2\n01:01:02,000 --> 01:01:03,000\nYou.\n"},
		{JOB("\"full_transcript\":\"Hi.\",\"utterances\":[]"), ""},
		{"{}", ""},
		/* Without a valid end, a cue lasts one second. */
		{UTTERANCES("{" HI ",\"start\":1},{" HI ",\"start\":2,\"end\":null},"
			    "{" HI ",\"start\":3,\"end\":2},{" HI
			    ",\"start\":4,\"end\":4.0001},"
			    "{" HI ",\"start\":5,\"end\":-1e400},{" HI
			    ",\"start\":6,\"end\":1e400}"),
			"1\n00:00:01,000 --> 00:00:02,000\nHi.\n\n"
			"2\n00:00:02,000 --> 00:00:03,000\nHi.\n\n"
			"3\n00:00:03,000 --> 00:00:04,000\nHi.\n\n"
			"4\n00:00:04,000 --> 00:00:05,000\nHi.\n\n"
			"5\n00:00:05,000 --> 00:00:06,000\nHi.\n\n"
			"6\n00:00:06,000 --> 00:00:07,000\nHi.\n"},
		/*
		 * Utterances without a valid start are left out; a negative start counts
		 * as 0.
		 */
		{UTTERANCES("{" HI ",\"end\":1},{" HI ",\"start\":\"1\",\"end\":2},"
			    "{" HI ",\"start\":null},{" HI ",\"start\":1e400},"
			    "{" HI ",\"start\":360000},{" HI ",\"start\":1e99},"
			    "{" HI ",\"start\":-5,\"end\":1},{" HI ",\"start\":-1e400},"
			    "{" HI ",\"start\":359999.5,\"end\":400000},"
			    /* Rounded, it begins when the last cue must have ended. */
			    "{" HI ",\"start\":359999.9989,\"end\":400000},"
			    "{" HI
			    ",\"start\":1000000000000000000000000000000000000000000000"
			    "0000000000000000000000000000}"),
			"1\n00:00:00,000 --> 00:00:01,000\nHi.\n\n"
			"2\n00:00:00,000 --> 00:00:01,000\nHi.\n\n"
			"3\n99:59:59,500 --> 99:59:59,999\nHi.\n"},
		/* The text of an utterance cannot end its cue or begin another one. */
		{UTTERANCES("{\"text\":\"\\n\\na\\n\\n2\\n00:00:09,000 --> "
			    "00:00:10,000\\r\\rb"
			    "\\u2028c\\u0085d\\u000be\\u0000\\n\",\"start\":1,\"end\":2},"
			    "{\"text\":\" \\u2029\",\"start\":2,\"end\":3}"),
			"1\n00:00:01,000 --> 00:00:02,000\n"
			"a 2 00:00:09,000 -- > 00:00:10,000 b c d e\n"},
		{UTTERANCES("{\"text\":\"->--->> a-b <i>x&amp;\",\"start\":1,\"end\":2}"),
			"1\n00:00:01,000 --> 00:00:02,000\n->--- >> a-b <i>x&amp;\n"},
		/* Cues are sorted by time, whatever the order of the utterances. */
		{UTTERANCES("{\"text\":\"b\",\"start\":1,\"end\":2,\"channel\":0,"
			    "\"speaker\":3}"
			    ","
			    "{\"text\":\"a\",\"start\":0,\"end\":3,\"channel\":1,"
			    "\"speaker\":"
			    "\"x-->y\"}"),
			"1\n00:00:00,000 --> 00:00:03,000\nx-- >y: a\n\n"
			"2\n00:00:01,000 --> 00:00:02,000\nSpeaker 3: b\n"},
	};

	(void)state;
	CHECK(FORMAT_SRT, shapes);
}

static void test_vtt(void **state)
{
	static const struct shape shapes[] = {
		{UTTERANCES("{" HI ",\"start\":0.14,\"end\":5.341},"
			    "{\"text\":\"You.\",\"start\":6,\"end\":7}"),
			"WEBVTT\n\n00:00:00.140 --> 00:00:05.341\nHi.\n\n"
			"00:00:06.000 --> 00:00:07.000\nYou.\n"},
		{"{}", "WEBVTT\n"},
		{UTTERANCES("{" HI ",\"start\":1,\"end\":2,\"speaker\":0},"
			    "{" HI ",\"start\":2,\"end\":3,\"speaker\":\"A > B\\n\\n&\"},"
			    "{" HI ",\"start\":3,\"end\":4}"),
			"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<v Speaker 0>Hi.\n\n"
			"00:00:02.000 --> 00:00:03.000\n<v A &gt; B &amp;>Hi.\n\n"
			"00:00:03.000 --> 00:00:04.000\nHi.\n"},
		{UTTERANCES("{\"text\":\"<b>&amp;\\n\\n00:01.000 --> "
			    "00:02.000\",\"start\":1,\"end\":2}"),
			"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n"
			"&lt;b&gt;&amp;amp; 00:01.000 --&gt; 00:02.000\n"},
	};

	(void)state;
	CHECK(FORMAT_VTT, shapes);
}

#define MADE(format, text)                                                              \
	JOB("\"subtitles\":[{\"format\":\"x\",\"subtitles\":\"no\"},"                   \
	    "{\"format\":\"" format "\",\"subtitles\":\"" text "\"}],\"utterances\":[{" \
	    "\"text\":\"Own.\",\"start\":1,\"end\":2}]")

#define OWN_SRT "1\n00:00:01,000 --> 00:00:02,000\nOwn.\n"
#define OWN_VTT "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nOwn.\n"

/* SEMANTICS 8.1: subtitles made by the API are used, with corrected time separators. */
static void test_made_srt(void **state)
{
	static const struct shape shapes[] = {
		{MADE("srt", "1\\n00:00:00.140 --> 00:00:05.341\\nHi,\\nyou.\\n\\n2\\n"
			     "00:00:06.000 --> 00:00:07.500\\nBye.\\n\\n"),
			"1\n00:00:00,140 --> 00:00:05,341\nHi,\nyou.\n\n2\n"
			"00:00:06,000 --> 00:00:07,500\nBye.\n\n"},
		/* Correct cues are unchanged; a missing newline at the end is added. */
		{MADE("srt", "1\\n00:00:01,000 --> 00:00:02,000\\n<i>Hi</i> 1.5 -> 2,5"),
			"1\n00:00:01,000 --> 00:00:02,000\n<i>Hi</i> 1.5 -> 2,5\n"},
		/* Every separator and line end that is accepted. */
		{MADE("srt", "\\ufeff1\\r\\n0:00:01:0 -->  01:02.12345 X1:1 "
			     "X2:2\\r\\nHi\\r\\n"),
			"1\n00:00:01,000 --> 00:01:02,123 X1:1 X2:2\nHi\n"},
		/* Times of an hour and more. */
		{MADE("srt", "1\\n00:59:59.999 --> 01:00:00.001\\nHi\\n\\n2\\n"
			     "1:02:03.004 --> 99:59:59.999\\nYou\\n"),
			"1\n00:59:59,999 --> 01:00:00,001\nHi\n\n2\n"
			"01:02:03,004 --> 99:59:59,999\nYou\n"},
		{MADE("srt", "1\\n00:01 --> 00:02\\nHi\\n"),
			"1\n00:00:01,000 --> 00:00:02,000\nHi\n"},
		/*
		 * If the API's subtitles are not valid, they are made from the
		 * utterances.
		 */
		{MADE("srt", ""), OWN_SRT},
		{MADE("srt", "\\n\\n"), OWN_SRT},
		{MADE("srt", "no cue in it"), OWN_SRT},
		{MADE("srt", "1\\n00:00:60.000 --> 00:01:02.000\\nHi\\n"), OWN_SRT},
		{MADE("srt", "1\\n00:60:00.000 --> 01:01:02.000\\nHi\\n"), OWN_SRT},
		{MADE("srt", "1\\n00:00:01.000 --> 00:00:01.000\\nHi\\n"), OWN_SRT},
		{MADE("srt", "1\\n00:00:02.000 --> 00:00:01.000\\nHi\\n"), OWN_SRT},
		{MADE("srt", "1\\n00:00:02.000 --> \\nHi\\n"), OWN_SRT},
		{MADE("srt", "1\\n100:00:02.000 --> 100:00:03.000\\nHi\\n"), OWN_SRT},
		{MADE("srt", "1\\n00:00:01.000 --> 00:00:02.000\\na --> b\\n"), OWN_SRT},
		{MADE("srt", "1\\n00:00:01.000 --> 00:00:02.000 --> 3\\na\\n"), OWN_SRT},
		{MADE("srt", "1\\n-00:00:01.000 --> 00:00:02.000x\\na\\n"), OWN_SRT},
		{MADE("vtt", "WEBVTT\\n\\n00:01.000 --> 00:02.000\\nHi\\n"), OWN_SRT},
		{JOB("\"subtitles\":\"srt\""), ""},
		{JOB("\"subtitles\":[null,{\"format\":\"srt\"}]"), ""},
		{JOB("\"subtitles\":[{\"format\":\"srt\",\"subtitles\":[1]}]"), ""},
	};

	(void)state;
	CHECK(FORMAT_SRT, shapes);
}

static void test_made_vtt(void **state)
{
	static const struct shape shapes[] = {
		{MADE("vtt", "WEBVTT - x\\n\\n1\\n00:01,000 --> 00:02,000 line:0\\nHi "
			     "&amp;\\n"),
			"WEBVTT - x\n\n1\n00:00:01.000 --> 00:00:02.000 line:0\nHi "
			"&amp;\n"},
		{MADE("vtt", "00:00:01.000 --> 00:00:02.000\\nHi\\n"),
			"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHi\n"},
		{MADE("vtt", "WEBVTTX\\n\\n00:01.000 --> 00:02.000\\nHi\\n"),
			"WEBVTT\n\nWEBVTTX\n\n00:00:01.000 --> 00:00:02.000\nHi\n"},
		{MADE("vtt", "WEBVTT\\n\\n"), OWN_VTT},
		{MADE("srt", "1\\n00:00:01.000 --> 00:00:02.000\\nHi\\n"), OWN_VTT},
	};

	(void)state;
	CHECK(FORMAT_VTT, shapes);
}

static void test_names(void **state)
{
	static const char *const names[FORMATS] = {"json", "txt", "srt", "vtt"};
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
	static const char job[] = MADE(
		"srt", "1\\n00:01.0 --> 00:02.0\\nH\\u00e9\\ud83d\\ude00");

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
		cmocka_unit_test(test_srt),
		cmocka_unit_test(test_vtt),
		cmocka_unit_test(test_made_srt),
		cmocka_unit_test(test_made_vtt),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
