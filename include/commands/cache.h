/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "config/options.h"

/*
 * Lists the caches of this user, or removes those that are not in use (SEMANTICS 7.6):
 * all of them, or those that were not used for 90 days. Prints one line for each to
 * stdout.
 *
 * Returns an enum exit_code: EXIT_CODE_SYSTEM, with an error message in `errmsg`, if a
 * directory cannot be read or a cache cannot be removed.
 */
int cache_run(const struct options *options, struct buf *errmsg);
