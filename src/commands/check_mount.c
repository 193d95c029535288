/* SPDX-License-Identifier: MIT */
#include "check_mount.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/errmsg.h"
#include "mount/mount_table.h"
#include "mount/mountpoint.h"

/* Undoes in place what options_print_line() did to a value. */
static void check_mount_unescape(char *value)
{
	char *to = value;

	while (*value) {
		char digits[4] = "";

		if (*value == '\\' && strnlen(value, 4) == 4) {
			memcpy(digits, value + 1, 3);
			*to++ = (char)strtoul(digits, NULL, 8);
			value += 4;
		} else {
			*to++ = *value++;
		}
	}
	*to = '\0';
}

/*
 * Replaces a string of the options by a copy, or by NULL. Returns false and keeps the old
 * one if there is no memory.
 */
static bool check_mount_replace(char **member, const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		return false;
	free(*member);
	*member = copy;
	return true;
}

/* Uses one line of .gladiafs/config. Returns false if there is no memory. */
static bool check_mount_use_line(const char *name, char *value, struct options *options)
{
	char *slash;

	check_mount_unescape(value);
	if (strcmp(name, "origin") == 0)
		return check_mount_replace(&options->origin, value);
	if (strcmp(name, "kind") == 0) {
		options->live = strcmp(value, "live") == 0;
		return true;
	}
	/* A key from the environment of that process is not known here. */
	if (strcmp(name, "key_file") == 0)
		return check_mount_replace(
			&options->key_file, *value == '/' ? value : NULL);
	if (strcmp(name, "ca_file") == 0)
		return check_mount_replace(
			&options->ca_file, *value == '/' ? value : NULL);
	if (strcmp(name, "proxy") == 0)
		return check_mount_replace(&options->proxy, strstr(value, "://") ? value
							    : strcmp(value, "none") == 0
								    ? ""
								    : NULL);
	if (strcmp(name, "cache_file") != 0)
		return true;
	slash = strrchr(value, '/');
	options->cache_disk = slash != NULL;
	if (!slash)
		return true;
	*slash = '\0';
	return check_mount_replace(&options->cache_dir, value);
}

/* Takes the options from the mount's .gladiafs/config. Returns 0 or a negative errno. */
static int check_mount_read_config(const char *point, struct options *options)
{
	CLEANUP_FREE char *path = NULL;
	CLEANUP_FREE char *line = NULL;
	size_t size = 0;
	int err = 0;

	if (asprintf(&path, "%s/.gladiafs/config", point) < 0) {
		path = NULL;
		return -ENOMEM;
	}

	CLEANUP_FILE FILE *file = fopen(path, "re");

	if (!file)
		return -errno;
	while (!err && getline(&line, &size, file) >= 0) {
		char *value = line;
		const char *name = strsep(&value, "=");

		if (!value)
			continue;
		value[strcspn(value, "\n")] = '\0';
		if (!check_mount_use_line(name, value, options))
			err = -ENOMEM;
	}
	return !err && ferror(file) ? -EIO : err;
}

/* Finds the gladiafs mount that the directory is in. Returns 0 or a negative errno. */
static int check_mount_find(const char *path, struct mount_entry *ret_mount)
{
	struct mount_id id;
	int err = unmount_identify(path, &id);

	return err ? err
		   : mount_table_find_id(MOUNTINFO_SELF, id.id, id.device, ret_mount);
}

bool check_mount(struct options *options, struct buf *text)
{
	CLEANUP(mountpoint_done) struct mountpoint mountpoint = {0};
	CLEANUP(mount_table_done) struct mount_entry mount = {0};
	const char *given = options->mountpoint;
	int err = mountpoint_check(given, MOUNTINFO_SELF, &mountpoint, text);

	if (!err && mountpoint.dead)
		return errmsg_set(text, false,
			"is there, but is one %s: fusermount3 -u %s, and mount again",
			mountpoint_fault(&mountpoint), mountpoint.path);
	if (!err)
		return errmsg_set(text, false,
			"is missing: nothing is mounted on %s; mount it with gladiafs %s",
			mountpoint.path, mountpoint.path);
	/* A live gladiafs mount is what mountpoint_check() does not mount on. */
	if (err != -EBUSY)
		return false;
	err = check_mount_find(mountpoint.path, &mount);
	if (!err)
		err = check_mount_read_config(mount.point, options);
	if (err)
		return errmsg_set(text, false,
			"on %s cannot be read (%s): run gladiafs --check as the user "
			"that mounted it",
			mountpoint.path, strerror(-err));
	return errmsg_set(
		text, true, "on %s shows %s, and answers", mount.point, options->origin);
}
