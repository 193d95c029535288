/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/* The key file that key_file_check() checks. */
struct keyplace {
	/* For error messages. */
	const char *path;
	/* Directory from which `name` is resolved, or AT_FDCWD. */
	int at;
	const char *name;
	/* The file is a systemd credential. */
	bool credential;
};

/*
 * Checks that a key may be read from `fd`, the opened file of `place` (SEMANTICS 2.2). It
 * must be a regular file that we or root own and that no other user can read or write, in
 * a directory that we or root own and that no other user can write to. If `name` is a
 * symbolic link, its own directory and that of its target are both checked.
 *
 * Returns 0, -EACCES if other users have access, -EISDIR or -EINVAL if it is not a
 * regular file, -ELOOP if there are too many symbolic links, -ENOMEM, or the errno of
 * examining it. `errmsg` is then an error message that says what to do.
 */
int key_file_check(const struct keyplace *place, int fd, struct buf *errmsg);
