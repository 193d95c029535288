/* SPDX-License-Identifier: MIT */
#include "render/render.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "internal.h"
#include "markdown.h"
#include "turns.h"

static const struct {
	const char *suffix;                /* a dot and the format's name */
	const struct subtitles *subtitles; /* NULL if it is not a subtitle format */
} formats[] = {
	[FORMAT_JSON] = {".json", NULL},
	[FORMAT_TXT] = {".txt", NULL},
	[FORMAT_SRT] = {".srt", &subtitles_srt},
	[FORMAT_VTT] = {".vtt", &subtitles_vtt},
	[FORMAT_MD] = {".md", NULL},
};

const char *format_name(enum format format)
{
	return formats[format].suffix + 1;
}

bool format_has_translations(enum format format)
{
	return format == FORMAT_TXT || formats[format].subtitles;
}

const char *format_suffix(enum format format)
{
	return formats[format].suffix;
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

int format_render(enum format format, unsigned translation, const char *job, size_t len,
	struct buf *out)
{
	CLEANUP(transcript_done) struct transcript transcript;
	const struct subtitles *subtitles = formats[format].subtitles;
	int err = transcript_read(job, len, translation, &transcript);

	assert(format != FORMAT_JSON);
	if (err)
		return err;
	if (format == FORMAT_MD)
		return markdown_render(
			(struct json_slice){job, job + len}, &transcript, out);
	return subtitles ? subtitles_render(&transcript, subtitles, out)
			 : render_text(&transcript, out);
}
