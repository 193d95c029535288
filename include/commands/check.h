/* SPDX-License-Identifier: MIT */
#pragma once

#include "config/options.h"

/*
 * Prints for each thing that a mount needs whether it is in order, in one line on stdout
 * with, if not, what mends it (SPEC 1.6). Asks the API twice, without and with the key,
 * and waits for it at most SELFCHECK_MAX_MS each time, or `timeout=` if that is shorter.
 * Makes the cache directory, and writes nothing else.
 *
 * Gives an exit code: EXIT_CODE_OK only if all is in order.
 */
enum { SELFCHECK_MAX_MS = 10 * 1000 };
int selfcheck_run(const struct options *options);
