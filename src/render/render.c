/* SPDX-License-Identifier: MIT */
#include "render/render.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "internal.h"

static int render_srt(const struct transcript *transcript, struct buf *out)
{
	return subtitles_render(transcript, &subtitles_srt, out);
}

static int render_vtt(const struct transcript *transcript, struct buf *out)
{
	return subtitles_render(transcript, &subtitles_vtt, out);
}

static const struct {
	const char *suffix; /* a dot and the format's name */
	int (*render)(const struct transcript *transcript, struct buf *out);
} formats[FORMATS] = {
	[FORMAT_JSON] = {".json", NULL},
	[FORMAT_TXT] = {".txt", text_render},
	[FORMAT_SRT] = {".srt", render_srt},
	[FORMAT_VTT] = {".vtt", render_vtt},
};

const char *format_name(enum format format)
{
	return formats[format].suffix + 1;
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

int format_render(enum format format, const char *job, size_t len, struct buf *out)
{
	CLEANUP(transcript_done) struct transcript transcript;
	int err = transcript_read(job, len, &transcript);

	assert(format != FORMAT_JSON);
	return err ? err : formats[format].render(&transcript, out);
}
