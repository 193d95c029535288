/* SPDX-License-Identifier: MIT */
#include "mountinfo.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Before the optional fields: id, parent, device, root, mount point, options. */
enum { FIELDS_BEFORE_POINT = 4 };

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* The kernel writes space, tab, newline and backslash as a backslash and three digits. */
static void unescape(char *text)
{
	char *out = text;

	while (*text) {
		if (text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) &&
			is_octal(text[3])) {
			*out++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
					(text[3] - '0'));
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* Cuts a line into the fields wanted; false: it has too few. */
static bool read_fields(char *line, char **ret_point, char **ret_type, char **ret_source)
{
	char *rest = line;
	char *field;

	line[strcspn(line, "\n")] = '\0';
	for (int i = 0; i < FIELDS_BEFORE_POINT; i++)
		strsep(&rest, " ");
	*ret_point = strsep(&rest, " ");
	while ((field = strsep(&rest, " ")) && strcmp(field, "-") != 0)
		;
	*ret_type = strsep(&rest, " ");
	*ret_source = strsep(&rest, " ");
	if (!*ret_source)
		return false;
	unescape(*ret_point);
	unescape(*ret_type);
	unescape(*ret_source);
	return true;
}

static int keep(const char *type, const char *source, struct mountinfo *mount)
{
	mountinfo_done(mount);
	mount->type = strdup(type);
	mount->source = strdup(source);
	return mount->type && mount->source ? 0 : -ENOMEM;
}

int mountinfo_find(const char *file, const char *path, struct mountinfo *ret_mount)
{
	CLEANUP_FILE FILE *table = fopen(file, "re");
	CLEANUP_FREE char *line = NULL;
	struct mountinfo found = {0};
	size_t room = 0;
	int err = 0;
	char *point, *type, *source;

	if (!table)
		return -errno;
	while (!err && getline(&line, &room, table) >= 0)
		if (read_fields(line, &point, &type, &source) && strcmp(point, path) == 0)
			err = keep(type, source, &found);
	if (!err && ferror(table))
		err = -EIO;
	if (!err && !found.type)
		err = -ENOENT;
	if (err) {
		mountinfo_done(&found);
		return err;
	}
	*ret_mount = found;
	return 0;
}

void mountinfo_done(struct mountinfo *mount)
{
	free(mount->type);
	free(mount->source);
	*mount = (struct mountinfo){0};
}
