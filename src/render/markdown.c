/* SPDX-License-Identifier: MIT */
#include "markdown.h"

#include <errno.h>
#include <string.h>
#include <unistr.h>

#include "base/cleanup.h"
#include "render/recording_name.h"
#include "render/render.h"
#include "turns.h"

/* The values of a job that are shown besides its transcript; each may be absent. */
struct markdown_job {
	struct json_slice id;
	struct json_slice created;
	struct json_slice file;
	struct json_slice metadata; /* of the result */
	struct json_slice summary;
	struct json_slice chapters;
};

static struct markdown_job markdown_read_job(struct json_slice job)
{
	static const char *const names[] = {"id", "created_at", "file", "result"};
	static const char *const results[] = {
		"metadata", "summarization", "chapterization"};
	struct json_slice values[4];
	struct json_slice inside[3];

	json_members(job, names, 4, values);
	json_members(values[3], results, 3, inside);
	return (struct markdown_job){
		.id = json_string_body(values[0]),
		.created = json_string_body(values[1]),
		.file = values[2],
		.metadata = inside[0],
		.summary = json_string_body(json_member(inside[1], "results")),
		.chapters = json_member(inside[2], "results"),
	};
}

/* Appends seconds as HH:MM:SS, or nothing if they are not a usable time. */
static int markdown_add_clock(
	const char *before, double seconds, const char *after, struct buf *out)
{
	const double seconds_max = 1000 * 3600;

	/* Comparing with NAN gives false. */
	if (!(seconds < seconds_max))
		return 0;

	int whole = seconds > 0 ? (int)seconds : 0;

	return buf_printf(out, "%s%02d:%02d:%02d%s", before, whole / 3600,
		whole / 60 % 60, whole % 60, after);
}

/* Appends an item of the list of facts, unless the string is blank. */
static int markdown_add_fact(const char *name, struct json_slice string, struct buf *out)
{
	if (plain_text_is_blank(string))
		return 0;

	int err = buf_printf(out, "- %s: ", name);

	if (!err)
		err = markdown_text_add_string(string, out);
	return err ? err : buf_append_str(out, "\n");
}

/* Appends when the job was created: "2026-02-12T16:54:20.378Z" without "T" and "Z". */
static int markdown_add_date(struct json_slice created, struct buf *out)
{
	static const char shape[] = "0000-00-00T00:00:00";

	if (json_length(created) < strlen(shape))
		return markdown_add_fact("Date", created, out);
	for (size_t i = 0; shape[i]; i++) {
		bool digit = created.at[i] >= '0' && created.at[i] <= '9';

		if (shape[i] == '0' ? !digit : created.at[i] != shape[i])
			return markdown_add_fact("Date", created, out);
	}
	return buf_printf(out, "- Date: %.10s %.8s UTC\n", created.at, created.at + 11);
}

static int markdown_add_languages(struct json_slice languages, struct buf *out)
{
	struct json_cursor cursor;
	struct json_slice value;
	bool begun = false;
	int err = 0;

	if (json_cursor_enter(languages, '[', &cursor))
		return 0;
	while (!err && !json_cursor_next(&cursor, NULL, &value)) {
		struct json_slice language = json_string_body(value);

		if (plain_text_is_blank(language))
			continue;
		err = buf_append_str(out, begun ? ", " : "- Languages: ");
		if (!err)
			err = markdown_text_add_string(language, out);
		begun = true;
	}
	return err || !begun ? err : buf_append_str(out, "\n");
}

/* Appends the name of a voice, escaped. */
static int markdown_add_voice(
	const struct transcript *transcript, const struct utterance *one, struct buf *out)
{
	CLEANUP(buf_done) struct buf name;

	buf_init(&name, FORMAT_TEXT_MAX);

	int err = transcript_add_voice(transcript, one, &name, PLAIN_TEXT_LINE);

	return err ? err : markdown_text_add(name.data, name.len, out);
}

/* True if the voice of an utterance is one of those before it. */
static bool markdown_is_known(
	const struct utterance *const *known, size_t len, const struct utterance *one)
{
	for (size_t i = 0; i < len; i++)
		if (transcript_same_voice(known[i], one))
			return true;
	return false;
}

/* Appends the names of the voices, in the order in which they begin. */
static int markdown_add_speakers(const struct transcript *transcript, struct buf *out)
{
	enum { SPEAKERS_MAX = 32 };
	const struct utterance *known[SPEAKERS_MAX];
	size_t len = 0;
	int err = 0;

	for (size_t i = 0; !err && i < transcript->len; i++) {
		const struct utterance *one = &transcript->utterances[i];

		if (!transcript_has_voice(transcript, one) ||
			markdown_is_known(known, len, one))
			continue;
		err = buf_append_str(out, len ? ", " : "- Speakers: ");
		if (!err && len == SPEAKERS_MAX) {
			err = buf_append_str(out, "…");
			break;
		}
		if (!err)
			err = markdown_add_voice(transcript, one, out);
		known[len++] = one;
	}
	return err || !len ? err : buf_append_str(out, "\n");
}

/* Returns the duration of the recording in seconds, or NAN. */
static double markdown_duration(const struct markdown_job *job)
{
	static const char name[] = "audio_duration";
	double duration = transcript_read_seconds(json_member(job->metadata, name));

	return duration > 0 ? duration
			    : transcript_read_seconds(json_member(job->file, name));
}

/* Appends bytes, which may be no UTF-8, as a single line without control characters. */
static int markdown_add_bytes(const char *bytes, size_t len, struct buf *out)
{
	CLEANUP(buf_done) struct buf line;
	int err = 0;

	buf_init(&line, FORMAT_TEXT_MAX);
	for (size_t at = 0; !err && at < len;) {
		uint8_t text[6];
		ucs4_t code;
		int used = u8_mbtouc(&code, (const uint8_t *)bytes + at, len - at);

		if (plain_text_is_blank_char(code))
			code = ' ';
		at += used > 0 ? (size_t)used : 1;
		err = buf_append(
			&line, text, (size_t)u8_uctomb(text, code, sizeof(text)));
	}
	return err || !line.len ? err : markdown_text_add(line.data, line.len, out);
}

/* Appends the name of the recording, or else the job's id, as the title. */
static int markdown_add_title(const struct markdown_job *job, struct buf *out)
{
	char text[RECORDING_NAME_MAX];
	const char *name;
	size_t len = recording_name_find(json_member(job->file, "filename"),
		json_member(job->file, "source"), text, &name);
	int err = buf_append_str(out, "# ");

	if (!err && len)
		err = markdown_add_bytes(name, len, out);
	else if (!err && !plain_text_is_blank(job->id))
		err = markdown_text_add_string(job->id, out);
	else if (!err)
		err = buf_append_str(out, "Recording");
	return err ? err : buf_append_str(out, "\n");
}

/* Appends the list of facts about the recording. */
static int markdown_add_facts(const struct markdown_job *job,
	const struct transcript *transcript, struct buf *out)
{
	int err = markdown_add_date(job->created, out);

	if (!err)
		err = markdown_add_clock(
			"- Duration: ", markdown_duration(job) + 0.5, "\n", out);
	if (!err)
		err = markdown_add_languages(transcript->languages, out);
	if (!err)
		err = markdown_add_speakers(transcript, out);
	return err ? err : markdown_add_fact("Job", job->id, out);
}

/* Appends the title and the facts about the recording. */
static int markdown_add_head(const struct markdown_job *job,
	const struct transcript *transcript, struct buf *out)
{
	CLEANUP(buf_done) struct buf facts;

	buf_init(&facts, FORMAT_TEXT_MAX);

	int err = markdown_add_title(job, out);

	if (!err)
		err = markdown_add_facts(job, transcript, &facts);
	if (err || !facts.len)
		return err;
	err = buf_append_str(out, "\n");
	return err ? err : buf_append(out, facts.data, facts.len);
}

/* Appends a heading, with an empty line before and after it. */
static int markdown_add_heading(const char *heading, struct buf *out)
{
	return buf_printf(out, "\n## %s\n\n", heading);
}

/* Appends the lines of a text, which may have several paragraphs. */
static int markdown_add_lines(struct json_slice string, struct buf *out)
{
	CLEANUP(buf_done) struct buf text;

	buf_init(&text, FORMAT_TEXT_MAX);

	int err = plain_text_add(&text, string, PLAIN_TEXT_LINES);
	size_t end = text.len;
	size_t at = 0;

	while (end && text.data[end - 1] == '\n')
		end--;
	while (at < end && text.data[at] == '\n')
		at++;
	while (!err && at < end) {
		size_t len = strcspn(text.data + at, "\n");

		err = markdown_text_add_line(text.data + at, len, out);
		at += len + 1;
	}
	return err;
}

static int markdown_add_summary(struct json_slice summary, struct buf *out)
{
	if (plain_text_is_blank(summary))
		return 0;

	int err = markdown_add_heading("Summary", out);

	return err ? err : markdown_add_lines(summary, out);
}

/* Appends an item "- [00:01:02] **Headline:** summary", unless it has no text. */
static int markdown_add_chapter(struct json_slice chapter, struct buf *out)
{
	static const char *const names[] = {"headline", "summary", "gist", "start"};
	struct json_slice values[4];

	json_members(chapter, names, 4, values);

	struct json_slice headline = json_string_body(values[0]);
	struct json_slice summary = json_string_body(values[1]);

	if (plain_text_is_blank(summary))
		summary = json_string_body(values[2]);
	if (plain_text_is_blank(headline) && plain_text_is_blank(summary))
		return 0;

	int err = buf_append_str(out, "- ");

	if (!err)
		err = markdown_add_clock(
			"[", transcript_read_seconds(values[3]), "] ", out);
	if (!err && !plain_text_is_blank(headline)) {
		err = buf_append_str(out, "**");
		if (!err)
			err = markdown_text_add_string(headline, out);
		if (!err)
			err = buf_append_str(
				out, plain_text_is_blank(summary) ? "**" : ":** ");
	}
	if (!err)
		err = markdown_text_add_string(summary, out);
	return err ? err : buf_append_str(out, "\n");
}

static int markdown_add_chapters(struct json_slice chapters, struct buf *out)
{
	CLEANUP(buf_done) struct buf items;
	struct json_cursor cursor;
	struct json_slice chapter;
	int err = 0;

	buf_init(&items, FORMAT_TEXT_MAX);
	if (json_cursor_enter(chapters, '[', &cursor))
		return 0;
	while (!err && !json_cursor_next(&cursor, NULL, &chapter))
		err = markdown_add_chapter(chapter, &items);
	if (err || !items.len)
		return err;
	err = markdown_add_heading("Chapters", out);
	return err ? err : buf_append(out, items.data, items.len);
}

/* Appends the paragraph of a turn: "[00:12:03] **Speaker 0:** …". */
static int markdown_add_turn(
	const struct transcript *transcript, const struct turn *turn, struct buf *out)
{
	int err = markdown_add_clock("[", turn->first->at, "] ", out);

	if (!err && transcript_has_voice(transcript, turn->first)) {
		err = buf_append_str(out, "**");
		if (!err)
			err = markdown_add_voice(transcript, turn->first, out);
		if (!err)
			err = buf_append_str(out, ":** ");
	}
	if (!err)
		err = markdown_text_add(turn->text.data, turn->text.len, out);
	return err ? err : buf_append_str(out, "\n");
}

static int markdown_add_turns(const struct transcript *transcript, struct buf *out)
{
	CLEANUP(turn_done) struct turn turn;
	bool begun = false;
	int err;

	turn_init(&turn);
	while (!(err = turn_read(&turn, transcript))) {
		if (begun)
			err = buf_append_str(out, "\n");
		begun = true;
		if (!err)
			err = markdown_add_turn(transcript, &turn, out);
		if (err)
			return err;
	}
	return err == -ENODATA ? 0 : err;
}

static int markdown_add_transcript(const struct transcript *transcript, struct buf *out)
{
	if (!transcript->len && !transcript->full.at)
		return 0;

	int err = markdown_add_heading("Transcript", out);

	if (err)
		return err;
	return transcript->len ? markdown_add_turns(transcript, out)
			       : markdown_add_lines(transcript->full, out);
}

int markdown_render(
	struct json_slice job, const struct transcript *transcript, struct buf *out)
{
	struct markdown_job shown = markdown_read_job(job);
	int err = markdown_add_head(&shown, transcript, out);

	if (!err)
		err = markdown_add_summary(shown.summary, out);
	if (!err)
		err = markdown_add_chapters(shown.chapters, out);
	return err ? err : markdown_add_transcript(transcript, out);
}
