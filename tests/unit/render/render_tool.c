/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "render/render.h"
#include "json/pretty_print.h"

enum { INPUT_MAX = 64 << 20, BLOCK = 64 << 10 };

/* Reads a job from stdin and prints it in the given format: render_tool srt. */
int main(int argc, char **argv)
{
	CLEANUP(buf_done) struct buf in;
	CLEANUP(buf_done) struct buf job;
	CLEANUP(buf_done) struct buf out;
	struct json_error error;
	enum format format;

	buf_init(&in, INPUT_MAX);
	buf_init(&job, INPUT_MAX);
	buf_init(&out, FORMAT_TEXT_MAX);
	if (argc != 2 || format_find(argv[1], strlen(argv[1]), &format) ||
		format == FORMAT_JSON)
		return EXIT_FAILURE;
	while (!feof(stdin) && !ferror(stdin)) {
		if (buf_reserve(&in, BLOCK))
			return EXIT_FAILURE;
		in.len += fread(in.data + in.len, 1, BLOCK, stdin);
	}
	if (json_print(in.data, in.len, &job, NULL, &error) ||
		format_render(format, 0, job.data, job.len, &out))
		return EXIT_FAILURE;
	if (out.len)
		fwrite(out.data, 1, out.len, stdout);
	return fflush(stdout) || ferror(stdin) ? EXIT_FAILURE : EXIT_SUCCESS;
}
