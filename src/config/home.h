/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Finds the effective user's directories (SEMANTICS 2.1, 7.4). The environment may name
 * those of another user: mount.fuse3 sets HOME to /root, whichever user mounts through
 * fstab, and sudo -E keeps the caller's HOME. So HOME is ignored if it exists and is not
 * a directory that the effective user owns. A HOME that does not exist is used: it can be
 * created, or is meant to be empty.
 *
 * All functions may access the disk. They return an absolute path, or NULL. The caller
 * must not free it; it is valid until the environment changes or getpwuid() is called.
 */

/*
 * Returns the value of the environment variable `name`, even if another user owns the
 * directory. Returns NULL if it is not an absolute path.
 */
const char *home_variable(const char *name);

/* Returns $HOME, or NULL if it is ignored or not an absolute path. */
const char *home_from_environment(void);

/*
 * Returns $HOME unless it is ignored, else the home directory of the password database.
 */
const char *home_directory(void);

/*
 * Returns the XDG base directory of the environment variable `name`. Returns NULL if it
 * is below a HOME that is ignored, unless the effective user owns the directory itself.
 */
const char *home_xdg(const char *name);
