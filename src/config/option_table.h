/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "config/options.h"

/*
 * One argument of -o: options separated by commas; a backslash takes the character after
 * it as it is ("\,", as libfuse does). An option given twice counts as given last. What
 * is unknown is an error, or with `sloppy` (mount(8)) ignored.
 *
 * 0; -EINVAL or -ENOMEM with a sentence in `why`.
 */
int options_list_apply(
	const char *list, bool sloppy, struct options *options, struct buf *why);

/*
 * -EINVAL and a sentence about an unknown option: `argument` is "name[=value]", `dashes`
 * what stands before it. Only what can be a name is repeated: all else may be a key. Who
 * meant to give the key is told how.
 */
int options_refuse(const char *dashes, const char *argument, struct buf *why);

/* The part of -h about -o, on stdout. */
void options_list_print(void);
