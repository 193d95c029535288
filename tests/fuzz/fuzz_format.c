/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "render/render.h"
#include "json/pretty_print.h"

/*
 * The input is a job as JSON. It is printed as the catalog stores it, and rendered in all
 * formats (SEMANTICS 8.1). An input that is not JSON is rendered unchanged: even then, no
 * byte outside the text may be read.
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

/* A line with an arrow holds the times of a cue, the second one later than the first. */
static void check_cues(const char *text, char point)
{
	enum { TIME = 12, ARROW = 5 };

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
	}
}

static void render(enum format format, const char *job, size_t len, bool checked)
{
	CLEANUP(buf_done) struct buf out;
	CLEANUP(buf_done) struct buf again;

	buf_init(&out, FORMAT_TEXT_MAX);
	buf_init(&again, FORMAT_TEXT_MAX);

	int err = format_render(format, 0, job, len, &out);

	HOLDS(!err || err == -EBADMSG);
	if (err || !checked)
		return;
	HOLDS(!format_render(format, 0, job, len, &again));
	HOLDS(out.len == again.len &&
		(!out.len || !memcmp(out.data, again.data, out.len)));
	if (!out.len) {
		HOLDS(format != FORMAT_VTT);
		return;
	}
	HOLDS(strlen(out.data) == out.len && fuzz_is_utf8(out.data, out.len));
	HOLDS(out.data[out.len - 1] == '\n');
	if (format == FORMAT_VTT)
		HOLDS(strncmp(out.data, "WEBVTT", strlen("WEBVTT")) == 0);
	if (format != FORMAT_TXT)
		check_cues(out.data, format == FORMAT_SRT ? ',' : '.');
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
	for (unsigned i = FORMAT_TXT; i < FORMATS; i++)
		render((enum format)i, err ? raw : exact, err ? size : printed.len, !err);
	return 0;
}
