/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "config/options.h"

/*
 * Applies one argument of -o: options separated by commas. A backslash makes the next
 * character literal ("\,"), as in libfuse. If an option is given twice, the last one
 * counts. An unknown option is an error, or is ignored if `sloppy` is set (mount(8)).
 *
 * Returns 0, -EINVAL, or -ENOMEM, with an error message in `errmsg`.
 */
int option_list_apply(
	const char *list, bool sloppy, struct options *options, struct buf *errmsg);

/*
 * Applies one option, "name" or "name=value", and overwrites its "=". Returns the same
 * values as option_list_apply().
 */
int option_list_apply_one(char *word, struct options *options, struct buf *errmsg);

/*
 * Sets `errmsg` to the error message for an unknown option and returns -EINVAL.
 * `argument` is "name[=value]", `dashes` is what precedes it on the command line. It is
 * quoted only if it looks like an option's name: anything else could be a key. If the
 * name suggests that the user meant to pass the key, the message explains how to do that.
 */
int options_refuse(const char *dashes, const char *argument, struct buf *errmsg);
