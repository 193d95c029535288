/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/*
 * The program as a client of mounts that are there (gladiafs --refresh, --fetch). It asks
 * the kernel alone: no key, no request of its own.
 */

/* A path in a gladiafs mount, open. */
struct client_path {
	int fd;       /* of the directory: the path itself, or what holds the file */
	char *name;   /* of the file in it; NULL: a directory */
	char *mount;  /* where that is mounted */
	bool is_root; /* the directory is the mount's root */
};

/*
 * 0, or a negative errno with one sentence in `why`: there is no such path, it cannot be
 * looked at, or it is in no gladiafs mount (-ENOTTY). To be freed by client_path_done()
 * in the first case. May wait as long as the mount's `timeout`.
 */
int client_path_open(const char *path, struct client_path *ret_path, struct buf *why);
void client_path_done(struct client_path *path);

/* SPEC 1.5, of each path. An enum exit_code; `why` as that of serve_run(). */
int client_refresh(char *const *paths, struct buf *why);
