/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The effective user's directories (SPEC 2.1, 7.4). Not all that the environment says is
 * theirs: mount.fuse3 sets HOME to /root for whoever mounts by fstab, and sudo -E keeps
 * the HOME of who calls it. So a HOME that exists and is not a directory of the
 * effective user's is as if it were not set. One that does not exist counts: it can be
 * made, or was meant to hold nothing.
 *
 * All of these look at the disk, and return an absolute path or NULL. It is not the
 * caller's, and lives until the environment changes or getpwuid() is called again.
 */

/* What the variable `name` says, whoever the directory belongs to. Relative: NULL. */
const char *home_variable(const char *name);

/* $HOME, if it is the effective user's. */
const char *home_from_environment(void);

/* The same, else the password database's. */
const char *home_directory(void);

/*
 * One of the XDG base directories. It does not count where it lies below a HOME that does
 * not, unless it belongs to the effective user itself.
 */
const char *home_xdg(const char *name);
