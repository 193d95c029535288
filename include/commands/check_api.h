/* SPDX-License-Identifier: MIT */
#pragma once

#include "config/options.h"

/*
 * Asks the API what its documentation leaves open (SEMANTICS 1.6), with at most 30
 * requests that change nothing, and prints one line per question to stdout: what was
 * seen, and whether gladiafs has been tested with it. The output holds no key, id, name
 * or text of the account. If there is a mount point, replaces options by those of the
 * mount. Blocks until all questions are answered.
 *
 * Returns an enum exit_code: EXIT_CODE_OK if the API could be asked, whatever it
 * answered; otherwise `errmsg` says why not.
 */
int check_api_run(struct options *options, struct buf *errmsg);
