/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * True if looking up the absolute `path` leads through the directory `mountpoint`, by its
 * name, by a symbolic link on the way or by a bind mount: a mount there hides the file
 * from this program, which would then wait for itself. Directories are compared by device
 * and inode number. The end of the path need not exist.
 *
 * Returns false if it cannot be found out. May wait for the filesystems on the way.
 */
bool covered_by(const char *mountpoint, const char *path);
