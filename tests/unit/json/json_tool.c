/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "json/pretty_print.h"

enum { OUTPUT_MAX = 64 << 20 };

/*
 * Prints each line of its input with json_print(). With -0, the values are separated by
 * NUL bytes instead of newlines. Stops at the first value that is not JSON and reports
 * why.
 */
int main(int argc, char **argv)
{
	int delimiter = argc > 1 && !strcmp(argv[1], "-0") ? '\0' : '\n';
	CLEANUP_FREE char *line = NULL;
	CLEANUP(buf_done) struct buf out;
	struct json_error error;
	size_t cap = 0;
	ssize_t len;

	buf_init(&out, OUTPUT_MAX);
	while ((len = getdelim(&line, &cap, delimiter, stdin)) > 0) {
		if (line[len - 1] == delimiter)
			len--;
		buf_reset(&out);

		int err = json_print(line, (size_t)len, &out, NULL, &error);

		if (err) {
			fprintf(stderr, "json_tool: %s at byte %zu\n",
				err == -EBADMSG ? error.reason : strerror(-err),
				err == -EBADMSG ? error.offset : out.len);
			return EXIT_FAILURE;
		}
		fwrite(out.data, 1, out.len, stdout);
	}
	return fflush(stdout) || ferror(stdin) ? EXIT_FAILURE : EXIT_SUCCESS;
}
