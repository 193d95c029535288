/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/cleanup.h"
#include "cues.h"
#include "direction.h"
#include "internal.h"

const struct subtitles subtitles_srt = {
	.name = "srt",
	.header = "",
	.point = ',',
	.numbered = true,
};

const struct subtitles subtitles_vtt = {
	.name = "vtt",
	.header = "WEBVTT\n",
	.point = '.',
	.markup = true,
};

const struct subtitles *subtitles_find(enum format format)
{
	if (format == FORMAT_SRT)
		return &subtitles_srt;
	return format == FORMAT_VTT ? &subtitles_vtt : NULL;
}

/* Writes a number with leading zeros. Returns what is behind its last digit. */
static char *subtitles_print_number(int64_t number, unsigned digits, char *at)
{
	for (unsigned i = digits; i-- > 0; number /= 10)
		at[i] = (char)('0' + number % 10);
	return at + digits;
}

/* Appends a time. buf_printf() would take a tenth of the time for a whole rendition. */
static int subtitles_add_time(
	const struct subtitles *subtitles, int64_t ms, struct buf *out)
{
	enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
	char text[] = "HH:MM:SS.mmm";
	char *at = subtitles_print_number(ms / HOUR, 2, text);

	at = subtitles_print_number(ms % HOUR / MINUTE, 2, at + 1);
	at = subtitles_print_number(ms % MINUTE / SECOND, 2, at + 1);
	*at = subtitles->point;
	subtitles_print_number(ms % SECOND, 3, at + 1);
	return buf_append_str(out, text);
}

int subtitles_begin_cue(const struct subtitles *subtitles, size_t number, int64_t from,
	int64_t to, struct buf *out)
{
	int err = 0;

	/* An empty line separates cues, and the header from the first cue. */
	if (number > 1 || *subtitles->header)
		err = buf_append_str(out, "\n");
	if (!err && subtitles->numbered)
		err = buf_printf(out, "%zu\n", number);
	if (!err)
		err = subtitles_add_time(subtitles, from, out);
	if (!err)
		err = buf_append_str(out, " --> ");
	return err ? err : subtitles_add_time(subtitles, to, out);
}

/* Appends the tag of the voice that says a line, if the format and the job have it. */
static int subtitles_add_voice(const struct transcript *transcript,
	const struct utterance *voice, const struct subtitles *subtitles, struct buf *out)
{
	if (!subtitles->markup || !transcript_has_voice(transcript, voice))
		return 0;

	int err = buf_append_str(out, "<v ");

	if (!err)
		err = transcript_add_voice(transcript, voice, out, PLAIN_TEXT_VTT);
	return err ? err : buf_append_str(out, ">");
}

/* Appends one line of a cue, with its line feed. */
static int subtitles_add_line(const struct transcript *transcript,
	const struct cues *cues, const struct cue *cue, unsigned line,
	const struct subtitles *subtitles, struct buf *out)
{
	const struct cue_line *own = &cue->lines[line];
	const char *text = cues->text.data + own->at;
	bool dashes = cue_has_dashes(cue);
	bool voiced = subtitles->markup && transcript_has_voice(transcript, own->voice);
	bool isolated = (dashes || voiced) && direction_is_rtl(text, own->len);
	int err = 0;

	if (dashes || !line)
		err = subtitles_add_voice(transcript, own->voice, subtitles, out);
	if (!err && dashes)
		err = buf_append_str(out, "- ");
	if (!err && isolated)
		err = buf_append_str(out, direction_isolate);
	if (!err)
		err = subtitle_text_add(text, own->len, subtitles, out);
	if (!err && isolated)
		err = buf_append_str(out, direction_isolate_end);
	/* The tag of a voice ends with the cue, unless another voice follows. */
	if (!err && dashes && voiced)
		err = buf_append_str(out, "</v>");
	return err ? err : buf_append_str(out, "\n");
}

/* Appends cues made from the utterances. */
static int subtitles_add_cues(const struct transcript *transcript,
	const struct cues *cues, const struct subtitles *subtitles, struct buf *out)
{
	int err = buf_append_str(out, subtitles->header);

	for (size_t i = 0; !err && i < cues->len; i++) {
		const struct cue *cue = &cues->list[i];

		err = subtitles_begin_cue(subtitles, i + 1, cue->from, cue->to, out);
		if (!err)
			err = buf_append_str(out, "\n");
		for (unsigned line = 0; !err && line < cue->lines_len; line++)
			err = subtitles_add_line(
				transcript, cues, cue, line, subtitles, out);
	}
	return err;
}

void subtitles_render(const struct transcript *transcript, struct rendering *renderings,
	size_t renderings_len)
{
	CLEANUP(cues_done) struct cues cues = {0};
	int made = api_subtitles_render(
		transcript->subtitles, renderings, renderings_len);
	int err = made;

	if (!made)
		return;
	if (made == -ENODATA || made == -EBADMSG)
		err = cues_make(transcript, &cues);
	for (size_t i = 0; i < renderings_len; i++) {
		struct rendering *one = &renderings[i];
		const struct subtitles *subtitles = subtitles_find(one->format);

		if (!subtitles)
			continue;
		one->result = err ? err
				  : subtitles_add_cues(
					    transcript, &cues, subtitles, one->out);
		if (!one->result && made == -EBADMSG)
			one->result = RENDER_REPLACED;
	}
}
