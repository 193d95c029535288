/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/*
 * Whether a key may be read from `fd`, which was opened as `name` below the directory
 * `at` (AT_FDCWD: from the current one) and is called `path` in sentences (SPEC 2.2): a
 * regular file of ours or root's that nobody else can read or write, in a directory of
 * ours or root's that nobody else can write to; both where the path names it and where
 * links lead. A `credential` is one that systemd has put there.
 *
 * 0; -EACCES others can; -EISDIR, -EINVAL it is no file; or the errno of looking. `why`
 * gets one sentence with the remedy.
 */
struct keyplace {
	const char *path;
	int at;
	const char *name;
	bool credential;
};
int keyplace_check(const struct keyplace *place, int fd, struct buf *why);
