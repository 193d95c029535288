/* SPDX-License-Identifier: MIT */
#include "mount/mount_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"

enum { DEVICE_SIZE = 32 };

/* The values to search for; a member that is NULL or 0 matches any value. */
struct wanted {
	const char *device; /* "MAJOR:MINOR" */
	uint64_t id;        /* mount ID */
	uint64_t parent;    /* mount ID of the mount that it is mounted on */
};

/* The fields of one line; they point into the line. */
struct fields {
	char *id;
	char *parent;
	char *device;
	char *point;
	char *type;
	char *source;
};

static bool mount_table_is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/*
 * Decodes `text` in place. The kernel writes space, tab, newline and backslash as a
 * backslash and three octal digits.
 */
static void mount_table_unescape(char *text)
{
	char *out = text;

	while (*text) {
		if (text[0] == '\\' && mount_table_is_octal(text[1]) &&
			mount_table_is_octal(text[2]) && mount_table_is_octal(text[3])) {
			*out++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
					(text[3] - '0'));
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* Splits a line into the fields that we use. Returns false if the line has too few. */
static bool mount_table_read_fields(char *line, struct fields *ret_fields)
{
	struct fields *fields = ret_fields;
	char *rest = line;
	char *field;

	line[strcspn(line, "\n")] = '\0';
	/* The line: ID, parent, device, root, mount point, options, optional fields,
	 * "-", type, source, and more options. */
	fields->id = strsep(&rest, " ");
	fields->parent = strsep(&rest, " ");
	fields->device = strsep(&rest, " ");
	strsep(&rest, " ");
	fields->point = strsep(&rest, " ");
	while ((field = strsep(&rest, " ")) && strcmp(field, "-") != 0)
		;
	fields->type = strsep(&rest, " ");
	fields->source = strsep(&rest, " ");
	if (!fields->source)
		return false;
	mount_table_unescape(fields->point);
	mount_table_unescape(fields->type);
	mount_table_unescape(fields->source);
	return true;
}

/* Parses "MAJOR:MINOR". Returns 0 if it is malformed. */
static dev_t mount_table_read_device(const char *text)
{
	char *rest;
	unsigned long high = strtoul(text, &rest, 10);

	if (*rest != ':')
		return 0;
	return makedev((unsigned)high, (unsigned)strtoul(rest + 1, NULL, 10));
}

/* Replaces `mount` with a copy of the fields. Returns 0 or -ENOMEM. */
static int mount_table_keep(const struct fields *fields, struct mount_entry *mount)
{
	mount_table_done(mount);
	mount->point = strdup(fields->point);
	mount->type = strdup(fields->type);
	mount->source = strdup(fields->source);
	mount->id = strtoull(fields->id, NULL, 10);
	mount->device = mount_table_read_device(fields->device);
	return mount->point && mount->type && mount->source ? 0 : -ENOMEM;
}

static bool mount_table_is_wanted(
	const struct fields *fields, const struct wanted *wanted)
{
	return (!wanted->device || strcmp(fields->device, wanted->device) == 0) &&
	       (!wanted->id || strtoull(fields->id, NULL, 10) == wanted->id) &&
	       (!wanted->parent || strtoull(fields->parent, NULL, 10) == wanted->parent);
}

/* Finds the last line of the table that matches `wanted`. */
static int mount_table_search(
	const char *file, const struct wanted *wanted, struct mount_entry *ret_mount)
{
	CLEANUP_FILE FILE *table = fopen(file, "re");
	CLEANUP_FREE char *line = NULL;
	struct mount_entry found = {0};
	size_t room = 0;
	int err = 0;
	struct fields fields;

	if (!table)
		return -errno;
	errno = 0;
	while (!err && getline(&line, &room, table) >= 0)
		if (mount_table_read_fields(line, &fields) &&
			mount_table_is_wanted(&fields, wanted))
			err = mount_table_keep(&fields, &found);
	if (!err && !feof(table))
		err = errno ? -errno : -EIO;
	if (!err && !found.type)
		err = -ENOENT;
	if (err) {
		mount_table_done(&found);
		return err;
	}
	*ret_mount = found;
	return 0;
}

static void mount_table_print_device(dev_t device, char text[static DEVICE_SIZE])
{
	(void)snprintf(text, DEVICE_SIZE, "%u:%u", major(device), minor(device));
}

int mount_table_find_device(const char *file, dev_t device, struct mount_entry *ret_mount)
{
	char text[DEVICE_SIZE];

	mount_table_print_device(device, text);
	return mount_table_search(file, &(struct wanted){.device = text}, ret_mount);
}

int mountinfo_find_id(
	const char *file, uint64_t id, dev_t device, struct mount_entry *ret_mount)
{
	char text[DEVICE_SIZE];

	mount_table_print_device(device, text);
	return mount_table_search(
		file, &(struct wanted){.id = id, .device = text}, ret_mount);
}

int mountinfo_find_child(const char *file, uint64_t id, struct mount_entry *ret_mount)
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
