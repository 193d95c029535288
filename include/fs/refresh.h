/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/ioctl.h>

/*
 * An ioctl(2) on an open directory of a mount: it forgets what it knows, and on the
 * mount's root the whole mount does (SPEC 1.5). Takes no argument. EPERM for others than
 * root, who runs the mount, and who owns its files.
 */
#define FS_IOC_REFRESH _IO('G', 1)
