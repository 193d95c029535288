/* SPDX-License-Identifier: MIT */
#include "key.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "home.h"
#include "keyplace.h"
#include "why.h"

/* What a key is read into: one byte more than a key may have, wiped when left. */
struct text {
	size_t len;
	char bytes[KEY_MAX + 1];
};

static void text_wipe(struct text *text)
{
	explicit_bzero(text, sizeof(*text));
}

void key_free(char *key)
{
	if (!key)
		return;
	explicit_bzero(key, strlen(key));
	free(key);
}

static void key_cleanup(char **key)
{
	key_free(*key);
}

/* The first line of [text, text + len), without the white space around it. */
static int take_line(
	const char *text, size_t len, const char *place, char **ret_key, struct buf *why)
{
	const char *newline = memchr(text, '\n', len);
	const char *end = newline ? newline : text + len;

	while (text < end && isspace((unsigned char)*text))
		text++;
	while (text < end && isspace((unsigned char)end[-1]))
		end--;
	if (text == end)
		return why_set(why, -EINVAL,
			"%s holds no key: its first line is to be the API key", place);
	if (end - text > KEY_MAX || (!newline && len > KEY_MAX))
		return why_set(why, -EINVAL,
			"the first line of %s is longer than %d bytes: no API key is",
			place, KEY_MAX);
	for (const char *c = text; c < end; c++)
		if (!isascii((unsigned char)*c) || !isgraph((unsigned char)*c))
			return why_set(why, -EINVAL,
				"the first line of %s holds spaces, control characters "
				"or other bytes than ASCII: it is to be the API key and "
				"nothing else",
				place);

	char *key = strndup(text, (size_t)(end - text));

	if (!key)
		return why_set(why, -ENOMEM, "out of memory");
	*ret_key = key;
	return 0;
}

/* As much as `text` takes: the first line, or more than a key. */
static int read_text(int fd, struct text *text)
{
	while (text->len < sizeof(text->bytes)) {
		ssize_t got = read(
			fd, text->bytes + text->len, sizeof(text->bytes) - text->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		text->len += (size_t)got;
	}
	return 0;
}

/* -ENOENT: there is no such file. A FIFO must not keep us waiting: O_NONBLOCK. */
static int read_file(const struct keyplace *place, char **ret_key, struct buf *why)
{
	const char *path = place->path;
	CLEANUP(text_wipe) struct text text = {0};
	CLEANUP_CLOSE int fd = openat(
		place->at, place->name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return why_set(why, -ENOENT,
			"there is no key file %s: write the API key to it, or leave out "
			"key_file=",
			path);
	if (fd < 0) {
		int err = -errno;

		return why_set(why, err, "the key file %s cannot be opened (%s)", path,
			strerror(-err));
	}

	int err = keyplace_check(place, fd, why);

	if (err)
		return err;
	err = read_text(fd, &text);
	if (err)
		return why_set(why, err, "the key file %s cannot be read (%s)", path,
			strerror(-err));
	return take_line(text.bytes, text.len, path, ret_key, why);
}

/* Notes the file in `source` if the key is in it. */
static int from_file(const char *path, bool credential, char **ret_key,
	struct key_source *source, struct buf *why)
{
	CLEANUP_FREE char *copy = strdup(path);
	const struct keyplace place = {
		.path = path,
		.at = AT_FDCWD,
		.name = path,
		.credential = credential,
	};
	int err = copy ? read_file(&place, ret_key, why)
		       : why_set(why, -ENOMEM, "out of memory");

	if (err)
		return err;
	source->path = cleanup_take(&copy);
	source->credential = credential;
	return 0;
}

/*
 * Takes the key out of the environment, also out of what /proc/PID/environ shows. An
 * empty variable is none.
 */
static int take_variable(char **ret_value, struct buf *why)
{
	static const char name[] = "GLADIA_API_KEY";
	char *found = getenv(name);
	char *value = NULL;

	if (found && *found) {
		value = strdup(found);
		if (!value)
			return why_set(why, -ENOMEM, "out of memory");
		explicit_bzero(found, strlen(found));
	}
	unsetenv(name);
	*ret_value = value;
	return 0;
}

/* The file `name` in `directory`, which may be NULL: then it does not exist. */
static int from_directory(const char *directory, const char *name, bool credential,
	char **ret_key, struct key_source *source, struct buf *why)
{
	CLEANUP_FREE char *path = NULL;

	if (!directory)
		return -ENOENT;
	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return why_set(why, -ENOMEM, "out of memory");
	}
	return from_file(path, credential, ret_key, source, why);
}

/* The places after the environment. */
static int from_usual_files(char **ret_key, struct key_source *source, struct buf *why)
{
	const char *config = home_xdg("XDG_CONFIG_HOME");
	const char *home = home_directory();
	const struct place {
		const char *directory;
		const char *name;
	} places[] = {
		{config ? config : home,
			config ? "gladiafs/key" : ".config/gladiafs/key"},
		{home, ".gladia"},
		{"/etc/gladiafs", "key"},
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int err = from_directory(
			places[i].directory, places[i].name, false, ret_key, source, why);

		if (err != -ENOENT)
			return err;
	}
	return why_set(why, -ENOKEY,
		"no API key was found: write it to %s/.gladia (chmod 600), set "
		"GLADIA_API_KEY, or use -o key_file=PATH; looked for in "
		"$CREDENTIALS_DIRECTORY/gladia-key, $GLADIA_API_KEY, "
		"%s/gladiafs/key, ~/.gladia and /etc/gladiafs/key",
		home ? home : "~", config ? config : "~/.config");
}

static int look_for_key(
	const char *variable, char **ret_key, struct key_source *source, struct buf *why)
{
	int err = from_directory(home_variable("CREDENTIALS_DIRECTORY"), "gladia-key",
		true, ret_key, source, why);

	if (err == -ENOENT && variable)
		err = take_line(variable, strlen(variable), "the variable GLADIA_API_KEY",
			ret_key, why);
	else if (err == -ENOENT)
		err = from_usual_files(ret_key, source, why);
	/* What was said of places before that one. */
	if (!err)
		buf_reset(why);
	return err;
}

int key_find(const char *key_file, char **ret_key, struct key_source *ret_source,
	struct buf *why)
{
	CLEANUP(key_cleanup) char *variable = NULL;
	struct key_source source = {.dir = -1};
	int err = take_variable(&variable, why);

	if (!err && key_file)
		err = from_file(key_file, false, ret_key, &source, why);
	else if (!err)
		err = look_for_key(variable, ret_key, &source, why);
	if (!err)
		*ret_source = source;
	return err;
}

/* The last directory of the path before a symbolic link, and the path from there. */
static int open_before_links(const char *path, const char **ret_rest)
{
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	const char *rest = path + strspn(path, "/");
	int dir = open(rest > path ? "/" : ".", flags);
	const char *slash;

	while (dir >= 0 && (slash = strchr(rest, '/'))) {
		CLEANUP_FREE char *name = strndup(rest, (size_t)(slash - rest));
		int next = name ? openat(dir, name, flags) : -1;

		if (next < 0)
			break;
		close(dir);
		dir = next;
		rest = slash + strspn(slash, "/");
	}
	*ret_rest = rest;
	return dir < 0 ? -errno : dir;
}

int key_source_keep(struct key_source *source)
{
	int dir;

	if (!source->path)
		return 0;
	dir = open_before_links(source->path, &source->name);
	if (dir < 0)
		return dir;
	source->dir = dir;
	return 0;
}

int key_read_again(const struct key_source *source, char **ret_key, struct buf *why)
{
	const struct keyplace place = {
		.path = source->path,
		.at = source->dir,
		.name = source->name,
		.credential = source->credential,
	};

	return read_file(&place, ret_key, why);
}

void key_source_done(struct key_source *source)
{
	/* A directory of "/" at least is open if there is a name. */
	if (source->name)
		close(source->dir);
	free(source->path);
	*source = (struct key_source){.dir = -1};
}
