/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

#define MOUNTINFO_SELF "/proc/self/mountinfo"

/* A mount, as the kernel's table of mounts tells it (proc(5)). */
struct mountinfo {
	char *point;  /* where it is mounted */
	char *type;   /* "fuse.gladiafs" */
	char *source; /* "https://api.gladia.io" */
	dev_t device; /* st_dev of what is in it; 0: the table has something else */
};

/*
 * The mount on `path` (absolute, without links) that was made last, of the table in
 * `file` (MOUNTINFO_SELF). 0; -ENOENT where nothing is mounted there; -ENOMEM; or the
 * errno of reading. Freed with mountinfo_done().
 */
int mountinfo_find(const char *file, const char *path, struct mountinfo *ret_mount);

/* The same of a mount by its device number (st_dev of what is in it). */
int mountinfo_find_device(const char *file, dev_t device, struct mountinfo *ret_mount);
void mountinfo_done(struct mountinfo *mount);
