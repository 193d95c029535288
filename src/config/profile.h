/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "config/options.h"

/*
 * A profile is a file NAME.conf with options for one account (SEMANTICS 1.10), in
 * $XDG_CONFIG_HOME/gladiafs or ~/.config/gladiafs (home.h says whose), or else in
 * /etc/gladiafs. gladiafs.conf in the same places has options for all mounts.
 */

/*
 * Finds the file of the profile `name`. Returns 0, and the caller frees `ret_path`; or
 * -ENOENT if there is none or `name` cannot be the name of a profile, or -ENOMEM.
 */
int profile_find(const char *name, char **ret_path);

/*
 * Returns the name of the profile that is most similar to `name`, which the caller frees.
 * Returns NULL if none is similar, or without memory.
 */
char *profile_similar(const char *name);

/*
 * Applies the options in gladiafs.conf. Returns 0, also if there is none, or an error of
 * profile_apply().
 */
int profile_apply_defaults(struct options *options, struct buf *errmsg);

/*
 * Applies the options in the profile `path`. Each line has one option, as -o takes it, or
 * "url=URL". Empty lines and lines that begin with "#" are ignored. A path is relative to
 * the directory of the file, or begins with "~/". Without key_file=, the key is in
 * NAME.key beside the file.
 *
 * Returns 0, -ENOMEM, or -EINVAL with an error message that names the file and the line,
 * also if another user can change the file or its directory.
 */
int profile_apply(const char *path, struct options *options, struct buf *errmsg);
