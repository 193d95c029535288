/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Finds out whether a file is on a network or FUSE filesystem: it may stop answering, and
 * other machines may use the same file. Sets `ret_name` to its type for people ("NFS"),
 * or to NULL if it is another one. Returns 0 or -errno.
 */
int remote_type(int fd, const char **ret_name);
