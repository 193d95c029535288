/* SPDX-License-Identifier: MIT */
#include "profile.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api_url.h"
#include "base/cleanup.h"
#include "base/errmsg.h"
#include "home.h"
#include "option_list.h"
#include "option_table.h"
#include "suggestion.h"

static const char system_directory[] = "/etc/gladiafs";
static const char suffix[] = ".conf";
static const char defaults_name[] = "gladiafs";

/* Editors of Windows begin a text file with this byte order mark. */
#define BOM "\xef\xbb\xbf"

/* Finds the user's directory of profiles. Returns 0, -ENOENT without home, or -ENOMEM. */
static int profile_user_directory(char **ret_directory)
{
	const char *config = home_xdg("XDG_CONFIG_HOME");
	const char *home = home_directory();
	char *path;

	if (!config && !home)
		return -ENOENT;
	if (asprintf(&path, "%s%s/gladiafs", config ? config : home,
		    config ? "" : "/.config") < 0)
		return -ENOMEM;
	*ret_directory = path;
	return 0;
}

static bool profile_is_name(const char *name)
{
	return isalnum((unsigned char)*name) && !name[option_word_len(name)];
}

/* Finds a profile in `directory`. Returns 0, -ENOENT or -ENOMEM. */
static int profile_find_in(const char *directory, const char *name, char **ret_path)
{
	char *path;

	if (asprintf(&path, "%s/%s%s", directory, name, suffix) < 0)
		return -ENOMEM;
	if (access(path, F_OK) < 0) {
		free(path);
		return -ENOENT;
	}
	*ret_path = path;
	return 0;
}

int profile_find(const char *name, char **ret_path)
{
	CLEANUP_FREE char *directory = NULL;
	int err;

	if (!profile_is_name(name))
		return -ENOENT;
	err = profile_user_directory(&directory);
	if (!err)
		err = profile_find_in(directory, name, ret_path);
	return err == -ENOENT ? profile_find_in(system_directory, name, ret_path) : err;
}

/* Replaces `similar` with the most similar name of a profile in `directory`, if any. */
static void profile_search(
	const char *directory, struct suggestion *suggestion, char **similar)
{
	DIR *dir = directory ? opendir(directory) : NULL;
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *end = strrchr(entry->d_name, '.');
		char *name =
			end && strcmp(end, suffix) == 0
				? strndup(entry->d_name, (size_t)(end - entry->d_name))
				: NULL;

		if (name && profile_is_name(name) && strcmp(name, defaults_name) != 0 &&
			suggestion_try(suggestion, name)) {
			free(*similar);
			*similar = name;
		} else {
			free(name);
		}
	}
	if (dir)
		(void)closedir(dir);
}

char *profile_similar(const char *name)
{
	CLEANUP_FREE char *directory = NULL;
	struct suggestion suggestion = suggestion_for(name, strlen(name));
	char *similar = NULL;

	(void)profile_user_directory(&directory);
	profile_search(directory, &suggestion, &similar);
	profile_search(system_directory, &suggestion, &similar);
	return similar;
}

/* Returns the path without its last `len` bytes and with `end` instead. */
static char *profile_replace_end(const char *path, size_t len, const char *end)
{
	char *made;

	return asprintf(&made, "%.*s%s", (int)(strlen(path) - len), path, end) < 0 ? NULL
										   : made;
}

/* Returns the absolute path for a value: below the home, or beside the file `path`. */
static char *profile_resolve(const char *path, const char *value)
{
	const char *home = home_directory();
	char *made;

	if (*value == '/' || !*value)
		return strdup(value);
	if (strncmp(value, "~/", 2) == 0 && home)
		return asprintf(&made, "%s%s", home, value + 1) < 0 ? NULL : made;
	return asprintf(&made, "%.*s/%s", (int)(strrchr(path, '/') - path), path, value) <
			       0
		       ? NULL
		       : made;
}

static int profile_no_memory(struct buf *errmsg)
{
	return errmsg_set(errmsg, -ENOMEM, "out of memory");
}

/* Removes white space around `text`, in place. */
static char *profile_trim(char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

static int profile_set_url(const char *value, struct options *options, struct buf *errmsg)
{
	char *url;
	int err = api_url_parse(value, "url", &url, errmsg);

	if (err)
		return err;
	free(options->url);
	options->url = url;
	return 0;
}

/* Applies one line, which is trimmed and not empty. Changes it. */
static int profile_apply_line(
	const char *path, char *line, struct options *options, struct buf *errmsg)
{
	char *value = line;
	const char *name = profile_trim(strsep(&value, "="));

	if (value)
		value = profile_trim(value);
	if (value && strcmp(name, "url") == 0)
		return profile_set_url(value, options, errmsg);

	CLEANUP_FREE char *resolved = value && option_table_takes_path(name)
					      ? profile_resolve(path, value)
				      : value ? strdup(value)
					      : NULL;
	CLEANUP_FREE char *word = NULL;

	if ((value && !resolved) || asprintf(&word, "%s%s%s", name, value ? "=" : "",
					    value ? resolved : "") < 0) {
		return profile_no_memory(errmsg);
	}
	return option_list_apply_one(word, options, errmsg);
}

/* Applies all lines of an open file. */
static int profile_apply_file(
	const char *path, FILE *file, struct options *options, struct buf *errmsg)
{
	CLEANUP(buf_done) struct buf reason;
	CLEANUP_FREE char *line = NULL;
	size_t size = 0;
	int number = 0;

	buf_init(&reason, ERRMSG_MAX);
	while (getline(&line, &size, file) >= 0) {
		bool marked = !number++ && strncmp(line, BOM, strlen(BOM)) == 0;
		char *text = profile_trim(line + (marked ? strlen(BOM) : 0));
		int err = 0;

		if (*text && *text != '#')
			err = profile_apply_line(path, text, options, &reason);
		if (err == -EINVAL)
			return errmsg_set(
				errmsg, err, "%s:%d: %s", path, number, reason.data);
		if (err)
			return profile_no_memory(errmsg);
	}
	if (ferror(file))
		return errmsg_set(
			errmsg, -EINVAL, "cannot read %s: %s", path, strerror(errno));
	return 0;
}

/* Checks that only we and root can change the file or directory `path`. */
static int profile_check_one(
	const char *path, const struct stat *status, struct buf *errmsg)
{
	bool sticky = S_ISDIR(status->st_mode) && status->st_mode & S_ISVTX;

	if (status->st_uid != geteuid() && status->st_uid != 0)
		return errmsg_set(errmsg, -EINVAL,
			"%s is not used, because it belongs to another "
			"user (uid %u): chown it to yourself",
			path, status->st_uid);
	if (status->st_mode & (S_IWGRP | S_IWOTH) && !sticky)
		return errmsg_set(errmsg, -EINVAL,
			"%s is not used, because others can change it "
			"(mode %04o): chmod go-w %s",
			path, status->st_mode & 07777U, path);
	return 0;
}

/*
 * Checks that no other user can change the file or replace it: with another url=, the key
 * would be sent to a server of theirs.
 */
static int profile_check(const char *path, int fd, struct buf *errmsg)
{
	CLEANUP_FREE char *directory = strndup(path, (size_t)(strrchr(path, '/') - path));
	struct stat status;
	int err;

	if (!directory)
		return profile_no_memory(errmsg);
	if (fstat(fd, &status) < 0)
		return errmsg_set(
			errmsg, -EINVAL, "cannot read %s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return errmsg_set(errmsg, -EINVAL, "%s is not a regular file", path);
	err = profile_check_one(path, &status, errmsg);
	if (err)
		return err;
	if (stat(directory, &status) < 0)
		return errmsg_set(errmsg, -EINVAL, "cannot read %s: %s", directory,
			strerror(errno));
	return profile_check_one(directory, &status, errmsg);
}

static int profile_read(const char *path, struct options *options, struct buf *errmsg)
{
	/* Opening a FIFO would block. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	CLEANUP_FILE FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (!file) {
		errmsg_set(errmsg, -EINVAL, "cannot open %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -EINVAL;
	}

	int err = profile_check(path, fileno(file), errmsg);

	return err ? err : profile_apply_file(path, file, options, errmsg);
}

int profile_apply_defaults(struct options *options, struct buf *errmsg)
{
	CLEANUP_FREE char *path = NULL;
	int err = profile_find(defaults_name, &path);

	if (err)
		return err == -ENOENT ? 0 : profile_no_memory(errmsg);
	return profile_read(path, options, errmsg);
}

int profile_apply(const char *path, struct options *options, struct buf *errmsg)
{
	/* The key of another account must not be used by accident. */
	free(options->key_file);
	options->key_file = profile_replace_end(path, strlen(suffix), ".key");
	if (!options->key_file)
		return profile_no_memory(errmsg);
	return profile_read(path, options, errmsg);
}
