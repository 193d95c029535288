/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>
#include <string.h>

#include "cmocka.h"

#include "config/options.h"

/* Parsed command lines, for the tests of the options. */
enum { ARGS_MAX = 16, WHY_MAX = 1024 };

struct parsed {
	int err;
	struct options options;
	struct buf why;
};

static inline void parse(const char *const *args, struct parsed *ret_parsed)
{
	char *argv[ARGS_MAX + 1] = {0};
	int argc = 0;

	for (; argc < ARGS_MAX && args[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)args[argc];
	buf_init(&ret_parsed->why, WHY_MAX);
	ret_parsed->err = options_parse(
		argc, argv, &ret_parsed->options, &ret_parsed->why);
}

static inline void parsed_done(struct parsed *parsed)
{
	options_done(&parsed->options);
	buf_done(&parsed->why);
}

#define PARSE(parsed, ...) parse((const char *const[]){__VA_ARGS__, NULL}, parsed)

static inline const char *why_of(const struct parsed *parsed)
{
	return parsed->why.data ? parsed->why.data : "";
}

static inline void assert_good(const struct parsed *parsed)
{
	if (parsed->err)
		fail_msg("%d: %s", parsed->err, why_of(parsed));
	assert_string_equal(why_of(parsed), "");
}

/* Parsing must have failed with a one-line error message that contains `wanted`. */
static inline void assert_bad(const struct parsed *parsed, const char *wanted)
{
	const char *errmsg = why_of(parsed);

	if (parsed->err != -EINVAL || !strstr(errmsg, wanted))
		fail_msg("%d, and not '%s' in '%s'", parsed->err, wanted, errmsg);
	for (const char *c = errmsg; *c; c++)
		assert_true((unsigned char)*c >= ' ' && *c != 0x7f);
}
