/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#define MOUNTINFO_SELF "/proc/self/mountinfo"

/* A mount of the kernel's mount table (proc(5)), which libmount reads. */
struct mount_entry {
	uint64_t id;  /* mount ID (stx_mnt_id of statx(2)) */
	char *point;  /* the directory it is mounted on */
	char *type;   /* filesystem type: "fuse.gladiafs" */
	char *source; /* mounted device or URL: "https://api.gladia.io" */
	dev_t device; /* st_dev of the files in it */
};

/*
 * Finds a mount in the mount table `file` (MOUNTINFO_SELF) by its device number, the
 * st_dev of the files in it. If several mounts have that number, finds the last one in
 * the table. On success the caller frees `ret_mount` with mount_table_done().
 *
 * Returns 0, -ENOENT if there is no such mount or no such file, -ENOMEM, or another
 * negative errno if the file cannot be read.
 */
int mount_table_find_device(
	const char *file, dev_t device, struct mount_entry *ret_mount);

/*
 * Finds a mount in the mount table `file` by its mount ID and its device number. Returns
 * the same values as mount_table_find_device().
 */
int mount_table_find_id(
	const char *file, uint64_t id, dev_t device, struct mount_entry *ret_mount);

/*
 * Finds the last mount in the mount table `file` that was made on a directory of mount
 * `id`: on its root, which hides the whole mount, or somewhere below. Returns the same
 * values as mount_table_find_device().
 */
int mount_table_find_child(const char *file, uint64_t id, struct mount_entry *ret_mount);

/* Frees the strings of a mount and clears it. */
void mount_table_done(struct mount_entry *mount);
