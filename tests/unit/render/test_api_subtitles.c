/* SPDX-License-Identifier: MIT */
#include "cmocka.h"

#include "render_fixture.h"

/* Subtitles that the API made: SEMANTICS 8.3. */

#define ELEMENT(format, text) "{\"format\":\"" format "\",\"subtitles\":\"" text "\"}"
#define MADE_ALL(elements)                                                       \
	JOB("\"subtitles\":[" elements "],\"utterances\":[{\"text\":\"Own.\",\"" \
	    "start\":1,\"end\":2}]")
#define MADE(format, text) MADE_ALL(ELEMENT("x", "no") "," ELEMENT(format, text))
#define SRT(text)          MADE("srt", text)

#define OWN_SRT "1\n00:00:01,000 --> 00:00:02,000\nOwn.\n"
#define OWN_VTT "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nOwn.\n"

/* Subtitles of the API are used, with corrected separators in the times. */
static void test_srt(void **state)
{
	static const struct shape shapes[] = {
		{SRT("1\\n00:00:00.140 --> 00:00:05.341\\nHi,\\nyou.\\n\\n2\\n"
		     "00:00:06.000 --> 00:00:07.500\\nBye.\\n\\n"),
			"1\n00:00:00,140 --> 00:00:05,341\nHi,\nyou.\n\n2\n"
			"00:00:06,000 --> 00:00:07,500\nBye.\n"},
		/* Correct cues are unchanged; a missing newline at the end is added. */
		{SRT("1\\n00:00:01,000 --> 00:00:02,000\\n<i>Hi</i> 1.5 -> 2,5"),
			"1\n00:00:01,000 --> 00:00:02,000\n<i>Hi</i> 1.5 -> 2,5\n"},
		/* Every separator and line end that is accepted. */
		{SRT("\\ufeff1\\r\\n0:00:01:0 -->  01:02.12345 X1:1 X2:2\\r\\nHi\\r\\n"),
			"1\n00:00:01,000 --> 00:01:02,123 X1:1 X2:2\nHi\n"},
		/* Times of an hour and more. */
		{SRT("1\\n00:59:59.999 --> 01:00:00.001\\nHi\\n\\n2\\n"
		     "1:02:03.004 --> 99:59:59.999\\nYou\\n"),
			"1\n00:59:59,999 --> 01:00:00,001\nHi\n\n2\n"
			"01:02:03,004 --> 99:59:59,999\nYou\n"},
		{SRT("1\\n00:01 --> 00:02\\nHi\\n"),
			"1\n00:00:01,000 --> 00:00:02,000\nHi\n"},
		/* Cues are numbered again, and those without text are left out. */
		{SRT("7\\n00:01 --> 00:02\\n \\n\\n9\\n00:03 --> 00:04\\nHi\\n"),
			"1\n00:00:03,000 --> 00:00:04,000\nHi\n"},
		{SRT("00:01 --> 00:02\\n00:03 --> 00:04\\nHi\\n"),
			"1\n00:00:03,000 --> 00:00:04,000\nHi\n"},
		/* Neither empty lines nor the arrow get into a text. */
		{SRT("00:01 --> 00:02\\na --> b\\n2\\n00:03 --> 00:04\\nHi\\n \\t\\nx"),
			"1\n00:00:01,000 --> 00:00:02,000\na -- > b\n\n"
			"2\n00:00:03,000 --> 00:00:04,000\nHi\n"},
		{SRT("00:01 --> 00:02\\n12 x\\n00:03 --> 00:04\\n\\u00a9\\u00a01\\n"),
			"1\n00:00:01,000 --> 00:00:02,000\n12 x\n\n"
			"2\n00:00:03,000 --> 00:00:04,000\n©\u00a01\n"},
		{SRT("00:01 --> 00:02\\na\\u2028b\\u0085c\\u001bd\\n"),
			"1\n00:00:01,000 --> 00:00:02,000\na   b  c\xef\xbf\xbd"
			"d\n"},
	};

	(void)state;
	CHECK(FORMAT_SRT, shapes);
}

static void test_vtt(void **state)
{
	static const struct shape shapes[] = {
		{MADE("vtt",
			 "WEBVTT - x\\n\\nNOTE 00:01\\n\\n1\\n00:01,000 --> 00:02,000 "
			 "line:0\\nHi &amp;\\n"),
			"WEBVTT\n\n00:00:01.000 --> 00:00:02.000 line:0\nHi &amp;\n"},
		{MADE("vtt",
			 "00:00:01.000 --> 00:00:02.000\\n<v Zoë>Hi --> <i.a>you</i>"),
			"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<v Zoë>Hi --&gt; "
			"<i.a>you</i>\n"},
	};

	(void)state;
	CHECK(FORMAT_VTT, shapes);
}

/* The other kind is made from the one that is there. */
static void test_other_kind(void **state)
{
	static const struct shape srt[] = {
		{MADE("vtt",
			 "WEBVTT\\n\\nSTYLE\\n::cue {}\\n\\nid\\n00:01.000 --> 00:02.000 "
			 "line:0\\n<v Zoë>Hi &amp; &lt;<b>you</b>&gt; "
			 "<c.red>x</c>&nbsp;<00:01.500>y\\n"),
			"1\n00:00:01,000 --> 00:00:02,000\nHi & <<b>you</b>> x\u00a0y\n"},
	};
	static const struct shape vtt[] = {
		{SRT("1\\n00:00:01.000 --> 00:00:02.000 X1:1\\nHi & <i>you</i> <3 "
		     "-->\\n"),
			"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n"
			"Hi &amp; <i>you</i> &lt;3 --&gt;\n"},
	};

	(void)state;
	CHECK(FORMAT_SRT, srt);
	CHECK(FORMAT_VTT, vtt);
}

/* SEMANTICS 8.3.11: a time that makes no sense is repaired, and the other cues are kept.
 */
static void test_repaired(void **state)
{
	static const struct shape shapes[] = {
		/* The end: a second later, or when the next cue begins. */
		{SRT("00:01 --> 00:01\\na\\n\\n00:05 --> 00:04\\nb\\n\\n"
		     "00:05.400 --> 00:09\\nc\\n\\n00:10 --> \\nd\\n"),
			"1\n00:00:01,000 --> 00:00:02,000\na\n\n"
			"2\n00:00:05,000 --> 00:00:05,400\nb\n\n"
			"3\n00:00:05,400 --> 00:00:09,000\nc\n\n"
			"4\n00:00:10,000 --> 00:00:11,000\nd\n"},
		{SRT("00:00:01.000 --> 00:00:02.000x\\na\\n"),
			"1\n00:00:01,000 --> 00:00:02,000\na\n"},
		{SRT("00:00:05.000 --> 100:00:00.000\\na\\n"),
			"1\n00:00:05,000 --> 00:00:06,000\na\n"},
		/* The beginning: when the cue before ends. */
		{SRT("00:00:60.000 --> 00:00:02.000\\na\\n\\n"
		     "-00:00:01.000 --> 00:00:04.000\\nb\\n\\nx --> 00:03\\nc\\n"),
			"1\n00:00:00,000 --> 00:00:02,000\na\n\n"
			"2\n00:00:02,000 --> 00:00:04,000\nb\nc\n"},
		/* Cues are in order and do not overlap. */
		{SRT("00:07 --> 00:08\\nc\\n\\n00:01 --> 00:05\\na\\n\\n00:03 --> "
		     "00:06\\nb"),
			"1\n00:00:01,000 --> 00:00:03,000\na\n\n"
			"2\n00:00:03,000 --> 00:00:06,000\nb\n\n"
			"3\n00:00:07,000 --> 00:00:08,000\nc\n"},
		/* Cues that begin at the same time are one. */
		{SRT("00:01 --> 00:02\\na\\n\\n00:01 --> 00:05\\nb\\n"),
			"1\n00:00:01,000 --> 00:00:05,000\na\nb\n"},
	};

	(void)state;
	CHECK(FORMAT_SRT, shapes);
}

/*
 * Both formats show the kind that has more cues, or else fewer senseless times, or else
 * SubRip, which the API makes by default.
 */
static void test_same_cues(void **state)
{
	static const char *const jobs[] = {
		MADE_ALL(ELEMENT("srt", "00:01 --> 00:01\\nsrt\\n") "," ELEMENT(
			"vtt", "WEBVTT\\n\\n00:01 --> 00:03\\nvtt\\n")),
		MADE_ALL(ELEMENT("vtt", "00:01 --> 00:03\\nno\\n") "," ELEMENT(
			"srt", "00:01 --> 00:03\\nsrt\\n")),
		MADE_ALL(ELEMENT("srt", "no") "," ELEMENT(
			"vtt", "00:01 --> 00:03\\nvtt\\n")),
		MADE_ALL(ELEMENT("vtt",
			"00:01 --> 00:03\\nvtt\\n\\n00:01 --> "
			"00:02\\n-\\n") "," ELEMENT("srt", "00:01 --> 00:03\\nno\\n")),
	};
	static const char *const texts[][2] = {
		{"1\n00:00:01,000 --> 00:00:03,000\nvtt\n",
			"WEBVTT\n\n00:00:01.000 --> 00:00:03.000\nvtt\n"},
		{"1\n00:00:01,000 --> 00:00:03,000\nsrt\n",
			"WEBVTT\n\n00:00:01.000 --> 00:00:03.000\nsrt\n"},
		{"1\n00:00:01,000 --> 00:00:03,000\nvtt\n",
			"WEBVTT\n\n00:00:01.000 --> 00:00:03.000\nvtt\n"},
		{"1\n00:00:01,000 --> 00:00:03,000\nvtt\n-\n",
			"WEBVTT\n\n00:00:01.000 --> 00:00:03.000\nvtt\n-\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		check_shapes(FORMAT_SRT, 0, &(struct shape){jobs[i], texts[i][0]}, 1);
		check_shapes(FORMAT_VTT, 0, &(struct shape){jobs[i], texts[i][1]}, 1);
	}
}

/* If no cue can be read, ours are shown, and the caller gets to know. */
static void test_unreadable(void **state)
{
	static const struct shape shapes[] = {
		{SRT("no cue in it"), OWN_SRT},
		{SRT("1\\n100:00:02.000 --> 100:00:03.000\\nHi\\n"), OWN_SRT},
		{SRT("a --> b\\n"), OWN_SRT},
		{SRT("1\\n00:00:01.000 --> 00:00:02.000\\n \\n"), OWN_SRT},
		{MADE("vtt", "WEBVTT\\n\\n1\\n00 --> 01\\nHi\\n"), OWN_SRT},
	};
	static const struct shape vtt[] = {{SRT("no cue in it"), OWN_VTT}};

	(void)state;
	check_shapes(FORMAT_SRT, RENDER_REPLACED, shapes, ARRAY_SIZE(shapes));
	check_shapes(FORMAT_VTT, RENDER_REPLACED, vtt, 1);
}

/* If the API made no subtitles, ours are what is wanted. */
static void test_absent(void **state)
{
	static const struct shape shapes[] = {
		{SRT(""), OWN_SRT},
		{SRT("\\n\\n"), OWN_SRT},
		{MADE("vtt", "WEBVTT\\n\\n"), OWN_SRT},
		{MADE("txt", "1\\n00:00:01.000 --> 00:00:03.000\\nHi\\n"), OWN_SRT},
		{JOB("\"subtitles\":\"srt\""), ""},
		{JOB("\"subtitles\":[null,{\"format\":\"srt\"}]"), ""},
		{JOB("\"subtitles\":[{\"format\":\"srt\",\"subtitles\":[1]}]"), ""},
	};

	(void)state;
	CHECK(FORMAT_SRT, shapes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_srt),
		cmocka_unit_test(test_vtt),
		cmocka_unit_test(test_other_kind),
		cmocka_unit_test(test_repaired),
		cmocka_unit_test(test_same_cues),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
