/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "render/render.h"
#include "json/pretty_print.h"

enum { INPUT_MAX = 64 << 20, BLOCK = 64 << 10 };

static void tool_list(const char *job, size_t len)
{
	struct render_translations listed;

	render_translations(job, len, &listed);
	for (unsigned i = 0; i < listed.len; i++)
		printf("%s\n", listed.languages[i]);
}

/* Reads a list of formats, "srt,vtt". Returns their number, or 0 if one is not known. */
static size_t tool_find(const char *list, struct rendering ret_renderings[static FORMATS])
{
	size_t count = 0;

	for (size_t len; count < FORMATS; list += len + 1) {
		enum format *format = &ret_renderings[count].format;

		len = strcspn(list, ",");
		if (format_find(list, len, format) || *format == FORMAT_JSON)
			return 0;
		count++;
		if (!list[len])
			return count;
	}
	return 0;
}

/* Prints a job in several formats, one after the other. Returns false if that fails. */
static bool tool_render(const char *job, size_t len, unsigned translation,
	struct rendering *renderings, size_t renderings_len)
{
	struct buf texts[FORMATS];
	bool failed = false;

	for (size_t i = 0; i < renderings_len; i++) {
		buf_init(&texts[i], FORMAT_TEXT_MAX);
		renderings[i].out = &texts[i];
	}
	format_render_each(translation, job, len, renderings, renderings_len);
	for (size_t i = 0; i < renderings_len; i++) {
		failed |= renderings[i].result < 0;
		if (renderings[i].result == RENDER_REPLACED)
			fprintf(stderr, "replaced\n");
		if (!failed && texts[i].len)
			fwrite(texts[i].data, 1, texts[i].len, stdout);
		buf_done(&texts[i]);
	}
	return !failed;
}

/*
 * Reads a job from stdin and prints it in the given formats: render_tool
 * FORMAT[,FORMAT...] [TRANSLATION]. Without arguments it prints the languages of the
 * translations. Subtitles that are not those of the API are reported on stderr.
 */
int main(int argc, char **argv)
{
	CLEANUP(buf_done) struct buf in;
	CLEANUP(buf_done) struct buf job;
	struct rendering renderings[FORMATS];
	struct json_error error;
	size_t len = argc > 1 ? tool_find(argv[1], renderings) : 0;

	buf_init(&in, INPUT_MAX);
	buf_init(&job, INPUT_MAX);
	if (argc > 1 && !len)
		return EXIT_FAILURE;
	while (!feof(stdin) && !ferror(stdin)) {
		if (buf_reserve(&in, BLOCK))
			return EXIT_FAILURE;
		in.len += fread(in.data + in.len, 1, BLOCK, stdin);
	}
	if (json_print(in.data, in.len, &job, NULL, &error))
		return EXIT_FAILURE;

	unsigned translation = argc > 2 ? (unsigned)atoi(argv[2]) : 0;

	if (argc < 2)
		tool_list(job.data, job.len);
	else if (!tool_render(job.data, job.len, translation, renderings, len))
		return EXIT_FAILURE;
	return fflush(stdout) || ferror(stdin) ? EXIT_FAILURE : EXIT_SUCCESS;
}
