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
static int from_file(const char *path, bool credential, char **ret_key, struct buf *why)
{
	CLEANUP(text_wipe) struct text text = {0};
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

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

	int err = keyplace_check(path, fd, credential, why);

	if (err)
		return err;
	err = read_text(fd, &text);
	if (err)
		return why_set(why, err, "the key file %s cannot be read (%s)", path,
			strerror(-err));
	return take_line(text.bytes, text.len, path, ret_key, why);
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
	char **ret_key, struct buf *why)
{
	CLEANUP_FREE char *path = NULL;

	if (!directory)
		return -ENOENT;
	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return why_set(why, -ENOMEM, "out of memory");
	}
	return from_file(path, credential, ret_key, why);
}

/* The places after the environment. */
static int from_usual_files(char **ret_key, struct buf *why)
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
			places[i].directory, places[i].name, false, ret_key, why);

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

int key_find(const char *key_file, char **ret_key, struct buf *why)
{
	CLEANUP(key_cleanup) char *variable = NULL;
	int err = take_variable(&variable, why);

	if (err)
		return err;
	if (key_file)
		return from_file(key_file, false, ret_key, why);
	err = from_directory(
		home_variable("CREDENTIALS_DIRECTORY"), "gladia-key", true, ret_key, why);
	if (err == -ENOENT && variable)
		err = take_line(variable, strlen(variable), "the variable GLADIA_API_KEY",
			ret_key, why);
	else if (err == -ENOENT)
		err = from_usual_files(ret_key, why);
	if (!err)
		buf_reset(why);
	return err;
}
