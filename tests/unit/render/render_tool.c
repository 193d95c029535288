/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "render/render.h"
#include "json/pretty_print.h"

enum { INPUT_MAX = 64 << 20, BLOCK = 64 << 10 };

static int tool_find(const char *name, enum format *ret_format)
{
	if (strcmp(name, "md") == 0) {
		*ret_format = FORMAT_MD;
		return 0;
	}
	return format_find(name, strlen(name), ret_format) || *ret_format == FORMAT_JSON;
}

static int tool_list(const char *job, size_t len, struct buf *out)
{
	struct render_translations listed;
	int err = 0;

	render_translations(job, len, &listed);
	for (unsigned i = 0; !err && i < listed.len; i++)
		err = buf_printf(out, "%s\n", listed.languages[i]);
	return err;
}

/*
 * Reads a job from stdin and prints it in the given format: render_tool FORMAT
 * [TRANSLATION]. Without arguments it prints the languages of the translations. Subtitles
 * that are not those of the API are reported on stderr.
 */
int main(int argc, char **argv)
{
	CLEANUP(buf_done) struct buf in;
	CLEANUP(buf_done) struct buf job;
	CLEANUP(buf_done) struct buf out;
	struct json_error error;
	enum format format = FORMAT_JSON;

	buf_init(&in, INPUT_MAX);
	buf_init(&job, INPUT_MAX);
	buf_init(&out, FORMAT_TEXT_MAX);
	if (argc > 1 && tool_find(argv[1], &format))
		return EXIT_FAILURE;
	while (!feof(stdin) && !ferror(stdin)) {
		if (buf_reserve(&in, BLOCK))
			return EXIT_FAILURE;
		in.len += fread(in.data + in.len, 1, BLOCK, stdin);
	}
	if (json_print(in.data, in.len, &job, NULL, &error))
		return EXIT_FAILURE;

	int err = argc > 1 ? format_render(format, argc > 2 ? (unsigned)atoi(argv[2]) : 0,
				     job.data, job.len, &out)
			   : tool_list(job.data, job.len, &out);

	if (err < 0)
		return EXIT_FAILURE;
	if (err == RENDER_REPLACED)
		fprintf(stderr, "replaced\n");
	if (out.len)
		fwrite(out.data, 1, out.len, stdout);
	return fflush(stdout) || ferror(stdin) ? EXIT_FAILURE : EXIT_SUCCESS;
}
