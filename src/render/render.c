/* SPDX-License-Identifier: MIT */
#include "render/render.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "internal.h"
#include "markdown.h"
#include "turns.h"

static const char *const suffixes[] = {
	[FORMAT_JSON] = ".json",
	[FORMAT_TXT] = ".txt",
	[FORMAT_SRT] = ".srt",
	[FORMAT_VTT] = ".vtt",
	[FORMAT_MD] = ".md",
};

const char *format_name(enum format format)
{
	return suffixes[format] + 1;
}

bool format_has_translations(enum format format)
{
	return format == FORMAT_TXT || subtitles_find(format);
}

const char *format_suffix(enum format format)
{
	return suffixes[format];
}

int format_find(const char *name, size_t len, enum format *ret_format)
{
	for (unsigned i = 0; i < FORMATS; i++) {
		const char *known = format_name((enum format)i);

		if (strlen(known) != len || memcmp(known, name, len) != 0)
			continue;
		*ret_format = (enum format)i;
		return 0;
	}
	return -ENOENT;
}

/* Appends one line per turn, after the name of its voice if it has one. */
static int render_add_turns(const struct transcript *transcript, struct buf *out)
{
	CLEANUP(turn_done) struct turn turn;
	int err;

	turn_init(&turn);
	while (!(err = turn_read(&turn, transcript))) {
		if (transcript_has_voice(transcript, turn.first)) {
			err = transcript_add_voice(
				transcript, turn.first, out, PLAIN_TEXT_LINE);
			if (!err)
				err = buf_append_str(out, ": ");
		}
		if (!err)
			err = buf_append(out, turn.text.data, turn.text.len);
		if (!err)
			err = buf_append_str(out, "\n");
		if (err)
			return err;
	}
	return err == -ENODATA ? 0 : err;
}

/*
 * Appends the transcript as text. Returns 0, -EMSGSIZE if `out` would become too large,
 * or -ENOMEM.
 */
static int render_text(const struct transcript *transcript, struct buf *out)
{
	size_t len = out->len;
	int err = transcript->voiced || !transcript->full.at
			  ? render_add_turns(transcript, out)
			  : plain_text_add(out, transcript->full, PLAIN_TEXT_LINES);

	if (!err && out->len > len && out->data[out->len - 1] != '\n')
		err = buf_append_str(out, "\n");
	return err;
}

void format_render_each(unsigned translation, const char *job, size_t len,
	struct rendering *renderings, size_t renderings_len)
{
	CLEANUP(transcript_done) struct transcript transcript;
	int err = transcript_read(job, len, translation, &transcript);
	bool subtitles = false;

	for (size_t i = 0; i < renderings_len; i++) {
		struct rendering *one = &renderings[i];

		assert(one->format != FORMAT_JSON);
		one->result = err;
		if (err)
			continue;
		if (subtitles_find(one->format))
			subtitles = true;
		else if (one->format == FORMAT_MD)
			one->result = markdown_render((struct json_slice){job, job + len},
				&transcript, one->out);
		else
			one->result = render_text(&transcript, one->out);
	}
	if (subtitles)
		subtitles_render(&transcript, renderings, renderings_len);
}

int format_render(enum format format, unsigned translation, const char *job, size_t len,
	struct buf *out)
{
	struct rendering one = {.format = format, .out = out};

	format_render_each(translation, job, len, &one, 1);
	return one.result;
}
