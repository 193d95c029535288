/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/api_url.h"
#include "config/options.h"
#include "fuzz.h"

/*
 * The input's lines are the words of a command line, beginning with the program's name;
 * with mount.gladiafs as that name, they are the words that mount(8) makes from a line of
 * fstab (SEMANTICS 1.1 to 1.4). If the first line begins with "GLADIA_API_URL=", it sets
 * that environment variable.
 */
enum { WORDS_MAX = 32, ERRMSG_MAX = 1024 };

static const char variable[] = "GLADIA_API_URL";

/* An error message is empty, or one line without control characters for a terminal. */
static void check_why(const struct buf *errmsg)
{
	for (size_t i = 0; i < errmsg->len; i++)
		HOLDS((unsigned char)errmsg->data[i] >= ' ' && errmsg->data[i] != 0x7f);
}

/* A normalized API URL stays the same when it is parsed again. */
static void check_origin(const char *origin)
{
	CLEANUP_FREE char *again = NULL;
	CLEANUP(buf_done) struct buf errmsg;

	buf_init(&errmsg, ERRMSG_MAX);
	HOLDS(!api_url_parse(origin, "SOURCE", &again, &errmsg));
	HOLDS(!strcmp(origin, again));
	for (const char *c = origin; *c; c++)
		HOLDS(*c > ' ' && *c < 0x7f && *c != '@' && *c != ',' && *c != '\\');
}

static void check_options(const struct options *options)
{
	if (options->action == OPTIONS_HELP || options->action == OPTIONS_VERSION)
		return;
	if (options->action == OPTIONS_REFRESH || options->action == OPTIONS_FETCH) {
		HOLDS(options->paths && *options->paths);
		return;
	}
	if (options->action == OPTIONS_CACHE)
		return;
	HOLDS(options->source && options->origin);
	HOLDS(options->action == OPTIONS_CHECK || *options->mountpoint);
	check_origin(options->origin);
	HOLDS(options->ttl_ms >= 0 && options->timeout_ms > 0);
	HOLDS(options->connections > 0 && options->formats);
	HOLDS(!(options->umask & ~0777u));
	HOLDS(!options->key_file || *options->key_file == '/');
	/* These flags are passed unchanged to the kernel and to libfuse. */
	HOLDS(strspn(options->mount_flags.len ? options->mount_flags.data : "",
		      ",abcdefghijklmnopqrstuvwxyz") == options->mount_flags.len);
}

static void parse(int argc, char **argv)
{
	struct options options;
	CLEANUP(buf_done) struct buf errmsg;

	buf_init(&errmsg, ERRMSG_MAX);

	int err = options_parse(argc, argv, &options, &errmsg);

	HOLDS(!err || err == -EINVAL);
	HOLDS(!err == !errmsg.len);
	check_why(&errmsg);
	if (!err)
		check_options(&options);
	options_done(&options);
}

static void set_variable(struct fuzz_rest *rest)
{
	size_t len = strlen(variable);
	struct fuzz_rest line;

	unsetenv(variable);
	if (rest->size <= len || memcmp(rest->data, variable, len) != 0 ||
		rest->data[len] != '=' || !fuzz_line(rest, &line))
		return;

	CLEANUP_FREE char *text = fuzz_text(line.data + len + 1, line.size - len - 1);

	setenv(variable, text, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_rest rest = {data, size};
	struct fuzz_rest line;
	char *argv[WORDS_MAX + 1] = {0};
	int argc = 0;

	if (size > FUZZ_INPUT_MAX)
		return 0;
	set_variable(&rest);
	while (argc < WORDS_MAX && fuzz_line(&rest, &line))
		argv[argc++] = fuzz_text(line.data, line.size);
	if (argc)
		parse(argc, argv);
	/* getopt_long() has changed their order, but every word is still there. */
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	unsetenv(variable);
	return 0;
}
