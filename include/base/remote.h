/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Checks whether an open file is on a network or FUSE filesystem. Such a filesystem may
 * stop responding, and other machines may use the same file. Sets `ret_name` to the
 * filesystem's usual name ("NFS"), a static string, or to NULL if the filesystem is
 * neither. Returns 0 or a negative errno.
 */
int remote_type(int fd, const char **ret_name);
