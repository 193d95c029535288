/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/buf.h"

/*
 * Explains a mistake in the arguments "[SOURCE] MOUNTPOINT", of which there are `count`:
 * the two are swapped, a word is not a SOURCE, an option lacks its -o, a command is
 * written without dashes, or there are too many. Arguments are quoted unless they look
 * like an API key or contain a password. `usage` is appended to some messages.
 *
 * Returns 0 if no mistake was recognised, or else -EINVAL with the message in `errmsg`.
 */
int wrong_words_explain(const char *const *arguments, size_t count, const char *usage,
	struct buf *errmsg);

/*
 * Explains an argument of --check that is neither a URL, a profile nor a directory, but
 * similar to the name of a profile.
 *
 * Returns 0 if no mistake was recognised, or else -EINVAL with the message in `errmsg`.
 */
int wrong_words_explain_checked(const char *argument, struct buf *errmsg);

/*
 * Returns what the user probably meant by `word`, to be appended to an error message:
 * "; did you mean ...?", or "" if it is no command. The result is a static string.
 */
const char *wrong_words_hint(const char *word);
