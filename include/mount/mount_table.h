/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#define MOUNTINFO_SELF "/proc/self/mountinfo"

/* A mount, as the kernel's table of mounts tells it (proc(5)). */
struct mountinfo {
	uint64_t id;  /* the mount's own number (statx(2), stx_mnt_id) */
	char *point;  /* where it is mounted */
	char *type;   /* "fuse.gladiafs" */
	char *source; /* "https://api.gladia.io" */
	dev_t device; /* st_dev of what is in it; 0: the table has something else */
};

/*
 * Finds a mount by its device number (st_dev of what is in it), in the table in `file`
 * (MOUNTINFO_SELF): the one that was made last. Returns 0, -ENOENT if there is none,
 * -ENOMEM, or the errno of reading. Freed with mountinfo_done().
 */
int mountinfo_find_device(const char *file, dev_t device, struct mountinfo *ret_mount);

/* Finds a mount by both its numbers. Returns as mountinfo_find_device(). */
int mountinfo_find_id(
	const char *file, uint64_t id, dev_t device, struct mountinfo *ret_mount);

/*
 * Finds the last mount made on a directory of mount `id`: on its root, which hides all of
 * it, or somewhere below. Returns 0, -ENOENT if there is none, or as
 * mountinfo_find_device().
 */
int mountinfo_find_child(const char *file, uint64_t id, struct mountinfo *ret_mount);

void mountinfo_done(struct mountinfo *mount);
