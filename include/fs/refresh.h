/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/ioctl.h>

/*
 * An ioctl(2) on an open directory of a mount. It marks what is known about the directory
 * as out of date, or, on the root or .gladiafs/, what is known about the whole mount
 * (SEMANTICS 1.5). It takes no argument. It fails with EPERM unless the caller is root,
 * the user that runs the mount, or the owner of its files.
 */
#define FS_IOC_REFRESH _IO('G', 1)
