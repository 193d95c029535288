/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "render_fixture.h"

/* Jobs as notes in Markdown. */

/* SEMANTICS 8.4.2: all parts of a job; what is missing is left out. */
static void test_whole(void **state)
{
	static const struct shape shapes[] = {
		{"{\"id\":\"45463597-20b7\",\"created_at\":\"2026-02-12T16:54:20.378Z\","
		 "\"file\":{\"filename\":\"call 0942.mp3\",\"audio_duration\":61},"
		 "\"result\":{\"metadata\":{\"audio_duration\":3723.6},"
		 "\"transcription\":{\"languages\":[\"en\",\"he\"],\"utterances\":["
		 "{\"text\":\"Hi.\",\"start\":1.5,\"end\":2,\"speaker\":0},"
		 "{\"text\":\"You?\",\"start\":3,\"end\":4,\"speaker\":0},"
		 "{\"text\":\"שלום.\",\"start\":723.9,\"end\":725,\"speaker\":\"Zoë\"}]},"
		 "\"summarization\":{\"results\":\"Short.\\n\\n- one\\n* two\\n\"},"
		 "\"chapterization\":{\"results\":["
		 "{\"headline\":\"Begin\",\"summary\":\"They meet.\",\"start\":0.2},"
		 "{\"headline\":\"End\",\"gist\":\"Bye.\",\"start\":723},"
		 "{\"headline\":\"No\"},7]}}}",
			"# call 0942.mp3\n\n"
			"- Date: 2026-02-12 16:54:20 UTC\n"
			"- Duration: 01:02:04\n"
			"- Languages: en, he\n"
			"- Speakers: Speaker 0, Zoë\n"
			"- Job: 45463597-20b7\n\n"
			"## Summary\n\nShort.\n\n- one\n- two\n\n"
			"## Chapters\n\n"
			"- [00:00:00] **Begin:** They meet.\n"
			"- [00:12:03] **End:** Bye.\n"
			"- **No**\n\n"
			"## Transcript\n\n"
			"[00:00:01] **Speaker 0:** Hi. You?\n\n"
			"[00:12:03] **Zoë:** \u2068שלום.\u2069\n"},
		{"{\"result\":{\"chapterization\":{\"results\":[7,{}]},"
		 "\"summarization\":{\"results\":\"\\n\\na\\n\\n\"}}}",
			"# Recording\n\n## Summary\n\na\n"},
		/* Missing members are left out. */
		{"{}", "# Recording\n"},
		{"{\"id\":\"x\",\"created_at\":\"*soon*\"}",
			"# x\n\n- Date: \\*soon\\*\n- Job: x\n"},
		{UTTERANCES("{\"text\":\"A.\"},{\"text\":\"B.\",\"start\":1e99,"
			    "\"speaker\":1}"),
			"# Recording\n\n- Speakers: Speaker 1\n\n## Transcript\n\n"
			"[00:00:00] A.\n\n**Speaker 1:** B.\n"},
		{JOB("\"full_transcript\":\"a\\nb\""),
			"# Recording\n\n## Transcript\n\na\nb\n"},
	};

	(void)state;
	CHECK(FORMAT_MD, shapes);
}

/* The title is the recording's name: of its file, or its URL. */
static void test_title(void **state)
{
#define FILE_OF(members) "{\"file\":{" members "}}"
	static const struct shape shapes[] = {
		{FILE_OF("\"filename\":\"a_b *c*.mp3\",\"source\":\"http://x/y\""),
			"# a_b \\*c\\*.mp3\n"},
		{FILE_OF("\"filename\":null,\"source\":\"https://x.org/a/"
			 "Z%C3%B6e%20%zz.mp3?k=/v\""),
			"# Zöe %zz.mp3\n"},
		{FILE_OF("\"source\":\"https://x.org/a%5Cu0041%0a%ff.mp3#x\""),
			"# a\\u0041 \xef\xbf\xbd.mp3\n"},
		{FILE_OF("\"source\":\"https://x.org\""), "# Recording\n"},
		{FILE_OF("\"source\":\"https://x.org/a/\""), "# a\n"},
		{FILE_OF("\"source\":\"talk.mp3\""), "# talk.mp3\n"},
	};

	(void)state;
	CHECK(FORMAT_MD, shapes);
}

/* Only so many speakers are listed, and each of them once. */
static void test_speakers(void **state)
{
	char job[TEXT_MAX] = "{\"result\":{\"transcription\":{\"utterances\":[";
	char text[TEXT_MAX];

	(void)state;
	for (int i = 0; i < 80; i++)
		sprintf(job + strlen(job), "%s{\"text\":\"a\",\"speaker\":%d}",
			i ? "," : "", i % 40);
	strcat(job, "]}}}");
	assert_int_equal(render_max(FORMAT_MD, job, TEXT_MAX - 1, text), 0);
	assert_non_null(strstr(text, "- Speakers: Speaker 0, Speaker 1, Speaker 2, "));
	assert_non_null(strstr(text, ", Speaker 31, …\n"));
}

/* SEMANTICS 8.4.3: what people said is no markup. */
static void test_escaped(void **state)
{
#define TEXT(text) "# Recording\n\n## Transcript\n\n[00:00:00] " text "\n"
	static const struct shape shapes[] = {
		{UTTERANCES("{\"text\":\"*a* _b_ a_b `c` [d](e) <f> ~~g~~ &amp; R&D "
			    "1\\\\2 \\\\* # - x\"}"),
			TEXT("\\*a\\* \\_b\\_ a_b \\`c\\` \\[d\\](e) \\<f> \\~\\~g\\~\\~ "
			     "\\&amp; R\\&D 1\\2 \\\\\\* # - x")},
		{"{\"result\":{\"summarization\":{\"results\":\"# a\\n> b\\n+ c\\n1. "
		 "d\\n2) e\\n"
		 "3 f\\n---\\n===\\n|x|\\n• g\\n  h\"}}}",
			"# Recording\n\n## Summary\n\n\\# a\n\\> b\n\\+ c\n1\\. d\n2\\) "
			"e\n3 f\n"
			"\\---\n\\===\n\\|x|\n- g\nh\n"},
		{UTTERANCES("{\"text\":\"a\",\"speaker\":\"**x**\"}"),
			"# Recording\n\n- Speakers: \\*\\*x\\*\\*\n\n## Transcript\n\n"
			"[00:00:00] **\\*\\*x\\*\\*:** a\n"},
	};

	(void)state;
	CHECK(FORMAT_MD, shapes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_title),
		cmocka_unit_test(test_speakers),
		cmocka_unit_test(test_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
