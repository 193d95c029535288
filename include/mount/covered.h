/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * True if looking up the absolute `path` leads through the directory `mountpoint`, be it
 * by name, through a symbolic link or through a bind mount. A mount there would hide the
 * file from this program, which would then wait for itself. Directories are compared by
 * device and inode number. The last components of `path` need not exist.
 *
 * Returns false if the answer cannot be determined. Can block on the filesystems that
 * `path` leads through.
 */
bool covered_by(const char *mountpoint, const char *path);
