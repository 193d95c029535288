/* SPDX-License-Identifier: MIT */
#pragma once

#include "config/options.h"

/*
 * Checks everything that a mount needs (SEMANTICS 1.6) and prints one line per check to
 * stdout: whether it succeeded and, if not, how to fix it. Sends two requests to the API,
 * without and with the key, and waits at most ten seconds for each of them, or
 * `timeout=` if that is shorter. If there is a mount point, first checks the mount there,
 * and replaces options by those of the mount. Creates the cache directory and writes
 * nothing else.
 *
 * Returns an enum exit_code: EXIT_CODE_OK only if every check succeeded, or
 * EXIT_CODE_SYSTEM with an error message in `errmsg` if it could not check anything.
 */
int check_run(struct options *options, struct buf *errmsg);
