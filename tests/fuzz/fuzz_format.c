/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "fuzz.h"
#include "render/render.h"
#include "json/pretty_print.h"

/*
 * The input is a job as JSON. It is printed as the catalog stores it, and rendered in all
 * formats, with its translations (SEMANTICS 8.1, 8.3, 8.4). An input that is not JSON is
 * rendered unchanged: even then, no byte outside the text may be read.
 */
enum { PRINTED_MAX = 1 << 20 };

/* True if `at` begins with HH:MM:SS, `point` and three digits. */
static bool is_time(const char *at, char point)
{
	static const char shape[] = "00:00:00.000";

	for (size_t i = 0; shape[i]; i++) {
		bool digit = at[i] >= '0' && at[i] <= '9';
		char sign = shape[i] == '.' ? point : shape[i];

		if (shape[i] == '0' ? !digit : at[i] != sign)
			return false;
	}
	return at[3] < '6' && at[6] < '6';
}

/*
 * A line with an arrow holds the times of a cue, the second one later than the first and
 * not later than the first of the next cue. Returns the number of cues.
 */
static size_t check_cues(const char *text, char point)
{
	enum { TIME = 12, ARROW = 5 };
	const char *before = NULL; /* the end of the cue before */
	size_t cues = 0;

	for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
		size_t len = strcspn(line, "\n");
		const char *arrow = memmem(line, len, "-->", 3);

		HOLDS(line[len]);
		if (!arrow)
			continue;
		HOLDS(arrow == line + TIME + 1);
		HOLDS(is_time(line, point) && is_time(line + TIME + ARROW, point));
		HOLDS(memcmp(line, line + TIME + ARROW, TIME) < 0);
		HOLDS(!memmem(arrow + 3, len - (size_t)(arrow + 3 - line), "-->", 3));
		HOLDS(!before || memcmp(before, line, TIME) <= 0);
		before = line + TIME + ARROW;
		cues++;
	}
	return cues;
}

/* Expects a rendition that is not empty to be well-formed, and counts its cues. */
static void check_text(enum format format, const char *text, size_t len, size_t *cues)
{
	HOLDS(strlen(text) == len && fuzz_is_utf8(text, len));
	HOLDS(text[len - 1] == '\n');
	if (format == FORMAT_VTT)
		HOLDS(strncmp(text, "WEBVTT", strlen("WEBVTT")) == 0);
	if (format == FORMAT_MD)
		HOLDS(strncmp(text, "# ", 2) == 0);
	if (format == FORMAT_SRT || format == FORMAT_VTT)
		*cues = check_cues(text, format == FORMAT_SRT ? ',' : '.');
}

/*
 * Renders a job, and again together with another format if it is JSON. Returns the number
 * of cues.
 */
static size_t render(enum format format, unsigned translation, const char *job,
	size_t len, bool checked)
{
	CLEANUP(buf_done) struct buf out;
	CLEANUP(buf_done) struct buf again;
	CLEANUP(buf_done) struct buf other;
	struct rendering both[] = {
		{.format = FORMAT_VTT, .out = &other},
		{.format = format, .out = &again},
	};
	size_t cues = 0;

	buf_init(&out, FORMAT_TEXT_MAX);
	buf_init(&again, FORMAT_TEXT_MAX);
	buf_init(&other, FORMAT_TEXT_MAX);

	int err = format_render(format, translation, job, len, &out);

	HOLDS(!err || err == -EBADMSG || err == RENDER_REPLACED ||
		(err == -ENOENT && translation));
	if (err < 0 || !checked)
		return 0;
	format_render_each(translation, job, len, both, ARRAY_SIZE(both));
	HOLDS(both[1].result == err);
	HOLDS(out.len == again.len &&
		(!out.len || !memcmp(out.data, again.data, out.len)));
	HOLDS(out.len || (format != FORMAT_VTT && format != FORMAT_MD));
	if (out.len)
		check_text(format, out.data, out.len, &cues);
	return cues;
}

/* Renders a job, or one of its translations, in all formats. */
static void render_all(unsigned translation, const char *job, size_t len, bool checked)
{
	size_t srt = render(FORMAT_SRT, translation, job, len, checked);
	size_t vtt = render(FORMAT_VTT, translation, job, len, checked);

	HOLDS(srt == vtt);
	render(FORMAT_TXT, translation, job, len, checked);
	render(FORMAT_MD, translation, job, len, checked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf printed;
	CLEANUP_FREE char *raw = NULL;
	CLEANUP_FREE char *exact = NULL;
	struct json_error error;

	buf_init(&printed, PRINTED_MAX);
	if (size > FUZZ_INPUT_MAX)
		return 0;
	raw = malloc(size + !size);
	HOLDS(raw);
	if (size)
		memcpy(raw, data, size);

	int err = json_print(raw, size, &printed, NULL, &error);

	/* The printed text of deeply nested JSON can be too long. */
	if (err == -EMSGSIZE)
		return 0;
	/* A copy without the NUL, so that a sanitizer notices code that relies on the
	 * NUL. */
	exact = malloc(printed.len + !printed.len);
	HOLDS(exact);
	if (printed.len)
		memcpy(exact, printed.data, printed.len);

	const char *job = err ? raw : exact;
	size_t len = err ? size : printed.len;
	struct render_translations listed;

	render_translations(job, len, &listed);
	HOLDS(listed.len <= RENDER_TRANSLATIONS_MAX);
	for (unsigned i = 0; i <= listed.len; i++)
		render_all(i, job, len, !err);
	return 0;
}
