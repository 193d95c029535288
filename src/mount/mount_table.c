/* SPDX-License-Identifier: MIT */
#include "mount/mount_table.h"

#include <errno.h>
#include <libmount.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* The values to search for; a member that is NULL or 0 matches any value. */
struct wanted {
	const dev_t *device;
	uint64_t id;
	uint64_t parent; /* mount ID of the mount that it is mounted on */
};

DEFINE_CLEANUP(mount_table_cleanup_table, struct libmnt_table *, mnt_unref_table)
DEFINE_CLEANUP(mount_table_cleanup_iter, struct libmnt_iter *, mnt_free_iter)

static bool mount_table_is_wanted(struct libmnt_fs *fs, const struct wanted *wanted)
{
	return (!wanted->device || mnt_fs_get_devno(fs) == *wanted->device) &&
	       (!wanted->id || (uint64_t)mnt_fs_get_id(fs) == wanted->id) &&
	       (!wanted->parent || (uint64_t)mnt_fs_get_parent_id(fs) == wanted->parent);
}

/* Returns a copy of the text, allocated with malloc(), or NULL; NULL is copied as "". */
static char *mount_table_copy(const char *text)
{
	return strdup(text ? text : "");
}

/* Finds the last mount of the table that matches `wanted`. */
static int mount_table_search(
	const char *file, const struct wanted *wanted, struct mount_entry *ret_mount)
{
	CLEANUP(mount_table_cleanup_table) struct libmnt_table *table = mnt_new_table();
	CLEANUP(mount_table_cleanup_iter)
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_BACKWARD);
	struct libmnt_fs *fs;

	if (!table || !iter)
		return -ENOMEM;

	int err = mnt_table_parse_file(table, file);

	if (err)
		return err < 0 ? err : -EIO;
	while (mnt_table_next_fs(table, iter, &fs) == 0) {
		if (!mount_table_is_wanted(fs, wanted))
			continue;

		struct mount_entry found = {
			.id = (uint64_t)mnt_fs_get_id(fs),
			.point = mount_table_copy(mnt_fs_get_target(fs)),
			.type = mount_table_copy(mnt_fs_get_fstype(fs)),
			.source = mount_table_copy(mnt_fs_get_source(fs)),
			.device = mnt_fs_get_devno(fs),
		};

		if (!found.point || !found.type || !found.source) {
			mount_table_done(&found);
			return -ENOMEM;
		}
		*ret_mount = found;
		return 0;
	}
	return -ENOENT;
}

int mount_table_find_device(const char *file, dev_t device, struct mount_entry *ret_mount)
{
	return mount_table_search(file, &(struct wanted){.device = &device}, ret_mount);
}

int mount_table_find_id(
	const char *file, uint64_t id, dev_t device, struct mount_entry *ret_mount)
{
	return mount_table_search(
		file, &(struct wanted){.id = id, .device = &device}, ret_mount);
}

int mount_table_find_child(const char *file, uint64_t id, struct mount_entry *ret_mount)
{
	return mount_table_search(file, &(struct wanted){.parent = id}, ret_mount);
}

void mount_table_done(struct mount_entry *mount)
{
	free(mount->point);
	free(mount->type);
	free(mount->source);
	*mount = (struct mount_entry){0};
}
