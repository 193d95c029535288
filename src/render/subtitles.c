/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>

#include "internal.h"

const struct subtitles subtitles_srt = {
	.name = "srt",
	.header = "",
	.point = ',',
	.words = PLAIN_TEXT_SRT,
	.numbered = true,
};

const struct subtitles subtitles_vtt = {
	.name = "vtt",
	.header = "WEBVTT\n",
	.point = '.',
	.words = PLAIN_TEXT_VTT,
	.voices = true,
};

/* Duration of a cue whose end is missing or not after its start. */
enum { CUE_MS = 1000 };

static int subtitles_add_time(
	struct buf *out, const struct subtitles *subtitles, int64_t ms)
{
	enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

	return buf_printf(out, "%02d:%02d:%02d%c%03d", (int)(ms / HOUR),
		(int)(ms % HOUR / MINUTE), (int)(ms % MINUTE / SECOND), subtitles->point,
		(int)(ms % SECOND));
}

int subtitles_add_times(
	struct buf *out, const struct subtitles *subtitles, int64_t from, int64_t to)
{
	int err = subtitles_add_time(out, subtitles, from);

	if (!err)
		err = buf_append_str(out, " --> ");
	return err ? err : subtitles_add_time(out, subtitles, to);
}

/*
 * Converts a time. A negative time becomes 0. Returns false if it is not a number or too
 * large for subtitles.
 */
static bool subtitles_to_ms(double seconds, int64_t *ret_ms)
{
	/* Also true for NAN, because comparing with NAN gives false. */
	if (!(seconds * 1000 < (double)SUBTITLES_MS_MAX))
		return false;
	*ret_ms = seconds > 0 ? (int64_t)(seconds * 1000 + 0.5) : 0;
	return *ret_ms < SUBTITLES_MS_MAX;
}

/* Computes when an utterance is shown. Returns false if it has no usable start. */
static bool subtitles_cue_times(
	const struct utterance *utterance, int64_t *ret_from, int64_t *ret_to)
{
	int64_t from, to;

	if (!subtitles_to_ms(utterance->start, &from))
		return false;
	if (!subtitles_to_ms(utterance->end, &to) || to <= from)
		to = from + CUE_MS;
	*ret_from = from;
	*ret_to = to < SUBTITLES_MS_MAX ? to : SUBTITLES_MS_MAX;
	return true;
}

static int subtitles_add_voice(const struct transcript *transcript,
	const struct utterance *one, const struct subtitles *subtitles, struct buf *out)
{
	if (!transcript_has_voice(transcript, one))
		return 0;

	int err = buf_append_str(out, subtitles->voices ? "<v " : "");

	if (!err)
		err = transcript_add_voice(transcript, one, out, subtitles->words);
	if (!err)
		err = buf_append_str(out, subtitles->voices ? ">" : ": ");
	return err;
}

static int subtitles_add_cue(const struct transcript *transcript,
	const struct utterance *one, int64_t from, int64_t to,
	const struct subtitles *subtitles, struct buf *out)
{
	int err = subtitles_add_times(out, subtitles, from, to);

	if (!err)
		err = buf_append_str(out, "\n");
	if (!err)
		err = subtitles_add_voice(transcript, one, subtitles, out);
	if (!err)
		err = plain_text_add(out, one->text, subtitles->words);
	return err ? err : buf_append_str(out, "\n");
}

/* Appends the header and one cue per utterance. */
static int subtitles_add_cues(const struct transcript *transcript,
	const struct subtitles *subtitles, struct buf *out)
{
	unsigned number = 0;
	int err = buf_append_str(out, subtitles->header);

	for (size_t i = 0; !err && i < transcript->len; i++) {
		const struct utterance *one = &transcript->utterances[i];
		int64_t from, to;

		if (!subtitles_cue_times(one, &from, &to))
			continue;
		/* An empty line separates cues, and the header from the first cue. */
		if (number++ || *subtitles->header)
			err = buf_append_str(out, "\n");
		if (!err && subtitles->numbered)
			err = buf_printf(out, "%u\n", number);
		if (!err)
			err = subtitles_add_cue(
				transcript, one, from, to, subtitles, out);
	}
	return err;
}

/* Finds the subtitles that the API made in this format: a JSON string, or absent. */
static struct json_slice subtitles_find_made(
	const struct transcript *transcript, const struct subtitles *subtitles)
{
	static const char *const names[] = {"format", "subtitles"};
	struct json_slice values[2];
	struct json_slice element;
	struct json_cursor cursor;

	if (json_cursor_enter(transcript->subtitles, '[', &cursor))
		return (struct json_slice){0};
	while (!json_cursor_next(&cursor, NULL, &element)) {
		json_members(element, names, 2, values);
		if (json_is(json_string_body(values[0]), subtitles->name))
			return values[1];
	}
	return (struct json_slice){0};
}

int subtitles_render(const struct transcript *transcript,
	const struct subtitles *subtitles, struct buf *out)
{
	int err = api_subtitles_render(
		subtitles_find_made(transcript, subtitles), subtitles, out);

	return err == -ENODATA ? subtitles_add_cues(transcript, subtitles, out) : err;
}
