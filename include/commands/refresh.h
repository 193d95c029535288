/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/*
 * The program as a client of existing mounts (gladiafs --refresh and --fetch). It only
 * makes system calls on their files: it needs no API key and sends no request to the API.
 */

/* An open path in a gladiafs mount. */
struct refresh_target {
	int fd;       /* descriptor of the directory, or of the one that holds the file */
	char *name;   /* name of the file in it; NULL if the path is a directory */
	char *mount;  /* the directory that the mount is on */
	bool is_root; /* `fd` is the root of the mount */
};

/*
 * Opens a path in a gladiafs mount. On success the caller frees `ret_path` with
 * refresh_target_done(). Can block as long as the mount's `timeout`.
 *
 * Returns 0, or a negative errno and an error message of one sentence in `errmsg`:
 * -ENOENT if there is no such path, -ENOTTY if it is not in a gladiafs mount, or the
 * error of opening it.
 */
int refresh_target_open(
	const char *path, struct refresh_target *ret_path, struct buf *errmsg);

/* Closes the descriptor and frees the strings. */
void refresh_target_done(struct refresh_target *path);

/*
 * Refreshes each path (SEMANTICS 1.5), up to the first one that fails. `paths` ends with
 * NULL. Returns an enum exit_code; if it is not EXIT_CODE_OK, `errmsg` holds an error
 * message of one sentence.
 */
int refresh_path(char *const *paths, struct buf *errmsg);
