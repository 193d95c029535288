/* SPDX-License-Identifier: MIT */
#include "cmocka.h"

#include "render_fixture.h"

/*
 * Subtitles made from utterances, in both formats: SEMANTICS 8.3. test_limits.py compares
 * their cues with the limits.
 */

/* Times that are not usable are repaired, so that nothing that was said is lost. */
static void test_times(void **state)
{
	static const struct shape shapes[] = {
		{UTTERANCES("{" HI ",\"start\":0.1404,\"end\":5.341,\"words\":[]},"
			    "{\"text\":\"You.\",\"start\":3661.9995,\"end\":3662.5}"),
			"1\n00:00:00,140 --> 00:00:05,341\nHi.\n\n"
			"2\n01:01:02,000 --> 01:01:02,834\nYou.\n"},
		{JOB("\"full_transcript\":\"Hi.\",\"utterances\":[]"), ""},
		{"{}", ""},
		/* Without a valid end, an utterance lasts one second. */
		{UTTERANCES("{" HI ",\"start\":1},{" HI ",\"start\":3,\"end\":null},"
			    "{" HI ",\"start\":5,\"end\":2},{" HI
			    ",\"start\":7,\"end\":7.0001},"
			    "{" HI ",\"start\":9,\"end\":-1e400},{" HI
			    ",\"start\":11,\"end\":1e400}"),
			"1\n00:00:01,000 --> 00:00:02,000\nHi.\n\n"
			"2\n00:00:03,000 --> 00:00:04,000\nHi.\n\n"
			"3\n00:00:05,000 --> 00:00:06,000\nHi.\n\n"
			"4\n00:00:07,000 --> 00:00:08,000\nHi.\n\n"
			"5\n00:00:09,000 --> 00:00:10,000\nHi.\n\n"
			"6\n00:00:11,000 --> 00:00:12,000\nHi.\n"},
		/* An end is not usable if people do not speak that fast or slowly. */
		{UTTERANCES("{\"text\":\"It was late when we came "
			    "home.\",\"start\":1,\"end\":1.3},"
			    "{\"text\":\"So I slept.\",\"start\":9,\"end\":3600}"),
			"1\n00:00:01,000 --> 00:00:02,500\nIt was late when we came "
			"home.\n\n"
			"2\n00:00:09,000 --> 00:00:10,000\nSo I slept.\n"},
		/* Without a valid start, it begins when the one before ends. */
		{UTTERANCES("{\"text\":\"a\",\"start\":-5,\"end\":1},"
			    "{\"text\":\"b\",\"end\":3,\"speaker\":1},"
			    "{\"text\":\"c\",\"start\":1e99,\"speaker\":2},"
			    "{\"text\":\"d\",\"start\":1e400,\"speaker\":3}"),
			"1\n00:00:00,000 --> 00:00:01,000\na\n\n"
			"2\n00:00:01,000 --> 00:00:03,000\nb\n\n"
			"3\n00:00:03,000 --> 00:00:04,000\nc\n\n"
			"4\n00:00:04,000 --> 00:00:05,000\nd\n"},
		/* No time is later than 99:59:59.999. */
		{UTTERANCES("{" HI ",\"start\":359999.5,\"end\":400000},"
			    "{\"text\":\"No.\",\"start\":360000,\"speaker\":1}"),
			"1\n99:59:59,500 --> 99:59:59,999\nHi.\n"},
		/* Cues are in the order of time, whatever the order of the utterances. */
		{UTTERANCES("{\"text\":\"b\",\"start\":3,\"end\":4,\"channel\":0},"
			    "{\"text\":\"a\",\"start\":0,\"end\":2,\"channel\":1}"),
			"1\n00:00:00,000 --> 00:00:02,000\na\n\n"
			"2\n00:00:03,000 --> 00:00:04,000\nb\n"},
	};

	(void)state;
	CHECK(FORMAT_SRT, shapes);
}

/* The text of an utterance cannot end its cue or begin another one. */
static void test_text(void **state)
{
	static const struct shape srt[] = {
		{UTTERANCES("{\"text\":\"\\n\\na\\n\\n2\\n00:00:09,000 --> "
			    "00:00:10,000\\r\\rb"
			    "\\u2028c\\u0085d\\u000be\\u0000\\n\",\"start\":1,\"end\":5},"
			    "{\"text\":\" \\u2029\",\"start\":5,\"end\":6}"),
			"1\n00:00:01,000 --> 00:00:05,000\n"
			"a 2 00:00:09,000 -- > 00:00:10,000 b c d e\n"},
		{UTTERANCES("{\"text\":\"->--->> a-b <i>x&amp;\",\"start\":1,\"end\":3}"),
			"1\n00:00:01,000 --> 00:00:03,000\n->--- >> a-b <i>x&amp;\n"},
	};
	static const struct shape vtt[] = {
		{UTTERANCES("{\"text\":\"<b>&amp;\\n\\n00:01.000 --> "
			    "00:02.000\",\"start\":1,\"end\":4}"),
			"WEBVTT\n\n00:00:01.000 --> 00:00:04.000\n"
			"&lt;b&gt;&amp;amp; 00:01.000 -- &gt; 00:02.000\n"},
		{"{}", "WEBVTT\n"},
	};

	(void)state;
	CHECK(FORMAT_SRT, srt);
	CHECK(FORMAT_VTT, vtt);
}

/* SEMANTICS 8.3.7: SubRip has no labels; WebVTT names the voices. */
static void test_voices(void **state)
{
	static const char job[] = UTTERANCES(
		"{" HI ",\"start\":1,\"end\":2,\"speaker\":0},"
		"{" HI ",\"start\":3,\"end\":4,\"speaker\":\"A > B\\n\\n&\"},"
		"{" HI ",\"start\":5,\"end\":6}");
	static const char both[] = UTTERANCES(
		"{\"text\":\"Now?\",\"start\":1,\"end\":3,\"channel\":0},"
		"{\"text\":\"No. שלום\",\"start\":2,\"end\":4,\"channel\":1}");
	static const struct shape srt[] = {
		{job, "1\n00:00:01,000 --> 00:00:02,000\nHi.\n\n"
		      "2\n00:00:03,000 --> 00:00:04,000\nHi.\n\n"
		      "3\n00:00:05,000 --> 00:00:06,000\nHi.\n"},
		{both, "1\n00:00:01,000 --> 00:00:04,000\n- Now?\n- \u2068No. "
		       "שלום\u2069\n"},
	};
	static const struct shape vtt[] = {
		{job, "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<v Speaker 0>Hi.\n\n"
		      "00:00:03.000 --> 00:00:04.000\n<v A &gt; B &amp;>Hi.\n\n"
		      "00:00:05.000 --> 00:00:06.000\nHi.\n"},
		{both, "WEBVTT\n\n00:00:01.000 --> 00:00:04.000\n"
		       "<v Channel 0>- Now?</v>\n<v Channel 1>- \u2068No. "
		       "שלום\u2069</v>\n"},
	};

	(void)state;
	CHECK(FORMAT_SRT, srt);
	CHECK(FORMAT_VTT, vtt);
}

/* SEMANTICS 8.3.3: lines end at a sentence, then a clause, then a pause, then a space. */
static void test_lines(void **state)
{
#define SAID(text) UTTERANCES("{\"text\":\"" text "\",\"start\":0,\"end\":6}")
#define CUE(text)  "1\n00:00:00,000 --> 00:00:06,000\n" text
	static const struct shape shapes[] = {
		{SAID("It is late. We should all go home now, before rain."),
			CUE("It is late.\nWe should all go home now, before rain.\n")},
		/* The period of an abbreviation does not end a sentence. */
		{SAID("It was closed, as were e.g. the old shops in the town."),
			CUE("It was closed,\nas were e.g. the old shops in the town.\n")},
		{SAID("When it began to rain, the old Mr. Jones went home."),
			CUE("When it began to rain,\nthe old Mr. Jones went home.\n")},
		{SAID("When it began to rain hard, we all went home and slept."),
			CUE("When it began to rain hard,\nwe all went home and "
			    "slept.\n")},
		{SAID("aaaa aaaa aaaa aaaa aaaa aaaa aaaa aaaa aaaa aaaa"),
			CUE("aaaa aaaa aaaa aaaa aaaa\naaaa aaaa aaaa aaaa aaaa\n")},
		{SAID("「今日は雨が降っています。」だから家に帰りましょう。"),
			CUE("「今日は雨が降っています。」\nだから家に帰りましょう。\n")},
	};

	(void)state;
	CHECK(FORMAT_SRT, shapes);
}

/* A pause between words is a place for a break, and a silence ends a cue. */
static void test_pauses(void **state)
{
#define WORD(word, start, end) \
	"{\"word\":\"" word "\",\"start\":" start ",\"end\":" end "}"
	static const struct shape shapes[] = {
		{UTTERANCES("{\"text\":\"aaaaaaaaaaaaa bbbbbbbbbbbbb ccccccccccccc "
			    "ddddddddddddd\",\"start\":0,\"end\":5,\"words\":[" WORD(
				    "aaaaaaaaaaaaa", "0", "1") "," WORD(" bbbbbbbbbbbbb",
				    "1.4", "2") "," WORD(" ccccccccccccc", "2",
				    "3") "," WORD(" ddddddddddddd", "3", "5") "]}"),
			"1\n00:00:00,000 --> 00:00:05,000\naaaaaaaaaaaaa\n"
			"bbbbbbbbbbbbb ccccccccccccc ddddddddddddd\n"},
		{UTTERANCES(
			 "{\"text\":\"Well no.\",\"start\":0,\"end\":5,\"words\":[" WORD(
				 "Well", "0.5", "1") "," WORD(" no.", "2.5", "3") "]}"),
			"1\n00:00:00,500 --> 00:00:01,334\nWell\n\n"
			"2\n00:00:02,500 --> 00:00:03,334\nno.\n"},
		/* If words are not in order, the utterance's time is shared out. */
		{UTTERANCES(
			 "{\"text\":\"Well no.\",\"start\":0,\"end\":7,\"words\":[" WORD(
				 "Well", "5", "6") "," WORD(" no.", "1", "2") "]}"),
			"1\n00:00:00,000 --> 00:00:07,000\nWell no.\n"},
		/* An end before the beginning does not matter. */
		{UTTERANCES(
			 "{\"text\":\"Well no.\",\"start\":0,\"end\":7,\"words\":[" WORD(
				 "Well", "5", "4") "," WORD(" no.", "5.2", "6") "]}"),
			"1\n00:00:05,000 --> 00:00:06,000\nWell no.\n"},
		/* Words that are not the text: their times are stretched over it. */
		{UTTERANCES("{\"text\":\"1 2\",\"start\":0,\"end\":9,\"words\":[" WORD(
			 "one", "0.5", "2") "," WORD(" two", "7", "9") "]}"),
			"1\n00:00:00,500 --> 00:00:02,000\n1\n\n"
			"2\n00:00:07,000 --> 00:00:09,000\n2\n"},
	};

	(void)state;
	CHECK(FORMAT_SRT, shapes);
}

/* A word that is longer than a line is divided between grapheme clusters. */
static void test_long_words(void **state)
{
#define TEN(text) text text text text text text text text text text
	static const struct shape shapes[] = {
		{SAID(TEN("a") TEN("b") TEN("c") TEN("d") TEN("e")),
			CUE(TEN("a") TEN("b") "ccccc\nccccc" TEN("d") TEN("e") "\n")},
		/* A zero width space is a place to divide it. */
		{SAID(TEN("a") TEN("b") "\u200b" TEN("c") TEN("d") TEN("e")),
			CUE(TEN("a") TEN("b") "\u200b\n" TEN("c") TEN("d")
					TEN("e") "\n")},
		{SAID(TEN("e\u0301") TEN("e\u0301") TEN("e\u0301") TEN("e\u0301")
				 TEN("e\u0301")),
			CUE(TEN("e\u0301") TEN(
				"e\u0301") "e\u0301e\u0301e\u0301e\u0301e\u0301\n"
					   "e\u0301e\u0301e\u0301e\u0301e\u0301" TEN(
						   "e\u0301") TEN("e\u0301") "\n")},
	};

	(void)state;
	CHECK(FORMAT_SRT, shapes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_voices),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_long_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
