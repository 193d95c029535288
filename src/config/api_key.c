/* SPDX-License-Identifier: MIT */
#include "config/api_key.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/errmsg.h"
#include "home.h"
#include "key_file_check.h"
#include "key_text.h"

enum { PLACES_MAX = 6, HIDDEN_MAX = 24 << 10 };

static const char variable_name[] = "GLADIA_API_KEY";

/*
 * Buffer for a key file's text: one byte more than the longest key. Wiped after
 * use.
 */
struct text {
	size_t len;
	char bytes[KEY_MAX + 1];
};

static void api_key_text_wipe(struct text *text)
{
	explicit_bzero(text, sizeof(*text));
}

void api_key_free(char *key)
{
	if (!key)
		return;
	explicit_bzero(key, strlen(key));
	free(key);
}

DEFINE_CLEANUP(api_key_cleanup, char *, api_key_free)

/*
 * Reads until the end of the file or until `text` is full: then the key is complete or
 * too long. Returns 0 or a negative errno.
 */
static int api_key_read_text(int fd, struct text *text)
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

/*
 * Reads the key from a file. Returns 0, -ENOENT if there is no such file, or another
 * negative errno. O_NONBLOCK keeps a FIFO from blocking us.
 */
static int api_key_read_file(
	const struct keyplace *place, char **ret_key, struct buf *errmsg)
{
	const char *path = place->path;
	CLEANUP(api_key_text_wipe) struct text text = {0};
	CLEANUP_CLOSE int fd = openat(
		place->at, place->name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return errmsg_set(errmsg, -ENOENT,
			"there is no key file %s: write the API key to it", path);
	if (fd < 0) {
		int err = -errno;

		return errmsg_set(errmsg, err, "cannot open the key file %s (%s)", path,
			strerror(-err));
	}

	int err = key_file_check(place, fd, errmsg);

	if (err)
		return err;
	err = api_key_read_text(fd, &text);
	if (err)
		return errmsg_set(errmsg, err, "cannot read the key file %s (%s)", path,
			strerror(-err));
	return key_text_parse(text.bytes, text.len, path, ret_key, errmsg);
}

/*
 * Removes the key from the environment, including what /proc/PID/environ shows. An empty
 * variable counts as not set. Returns 0 or -ENOMEM.
 */
static int api_key_take_variable(char **ret_value, struct buf *errmsg)
{
	char *found = getenv(variable_name);
	char *value = NULL;

	if (found && *found) {
		value = strdup(found);
		if (!value)
			return errmsg_set(errmsg, -ENOMEM, "out of memory");
		explicit_bzero(found, strlen(found));
	}
	unsetenv(variable_name);
	*ret_value = value;
	return 0;
}

/* The places where a key may be, in the order in which they are tried. */
struct places {
	struct key_source list[PLACES_MAX];
	size_t len;
};

static void api_key_places_done(struct places *places)
{
	for (size_t i = 0; i < places->len; i++)
		key_source_done(&places->list[i]);
}

/* Lists all places. `variable` is true if GLADIA_API_KEY was set. Returns 0 or -ENOMEM.
 */
static int api_key_places_list(const char *key_file, bool variable, struct places *places)
{
	const char *config = home_xdg("XDG_CONFIG_HOME");
	const char *home = home_directory();
	const struct {
		const char *directory; /* NULL if there is no such place */
		const char *name;      /* NULL for the variable */
		bool credential;
	} all[PLACES_MAX] = {
		{key_file, "", false},
		{home_variable("CREDENTIALS_DIRECTORY"), "/gladia-key", true},
		{variable ? variable_name : NULL, NULL, false},
		{config ? config : home,
			config ? "/gladiafs/key" : "/.config/gladiafs/key", false},
		{home, "/.gladia", false},
		{"/etc/gladiafs", "/key", false},
	};

	for (size_t i = 0; i < PLACES_MAX; i++) {
		char *path = NULL;

		if (!all[i].directory)
			continue;
		if (all[i].name &&
			asprintf(&path, "%s%s", all[i].directory, all[i].name) < 0)
			return -ENOMEM;
		places->list[places->len++] = (struct key_source){
			.path = path, .credential = all[i].credential, .dir = -1};
	}
	return 0;
}

/* True only if the place certainly exists. */
static bool api_key_source_exists(const struct key_source *source)
{
	return !source->path || faccessat(AT_FDCWD, source->path, F_OK, AT_EACCESS) == 0;
}

/*
 * Names the places from number `first` on that exist. They are needed only for messages,
 * so running out of memory is not an error.
 */
static void api_key_places_name_hidden(
	const struct places *places, size_t first, char **ret_hidden)
{
	CLEANUP(buf_done) struct buf names;

	buf_init(&names, HIDDEN_MAX);
	for (size_t i = first; i < places->len; i++)
		if (api_key_source_exists(&places->list[i]))
			(void)buf_printf(&names, "%s%s", names.len ? " and " : "",
				key_source_name(&places->list[i]));
	if (names.len)
		*ret_hidden = strdup(names.data);
}

static int api_key_no_key(struct buf *errmsg)
{
	const char *config = home_xdg("XDG_CONFIG_HOME");
	const char *home = home_directory();

	return errmsg_set(errmsg, -ENOKEY,
		"no API key was found: write it to %s/.gladia (chmod 600), set "
		"GLADIA_API_KEY, or use -o key_file=PATH; looked for in "
		"$CREDENTIALS_DIRECTORY/gladia-key, $GLADIA_API_KEY, %s/gladiafs/key, "
		"~/.gladia and /etc/gladiafs/key",
		home ? home : "~", config ? config : "~/.config");
}

/*
 * Reads the key from one place. `variable` is the value that GLADIA_API_KEY had. Returns
 * 0, -ENOENT if the file does not exist, or another negative errno.
 */
static int api_key_from_source(const struct key_source *source, const char *variable,
	char **ret_key, struct buf *errmsg)
{
	const struct keyplace place = {
		.path = source->path,
		.at = AT_FDCWD,
		.name = source->path,
		.credential = source->credential,
	};

	if (source->path)
		return api_key_read_file(&place, ret_key, errmsg);
	assert(variable);
	return key_text_parse(variable, strlen(variable), "the variable GLADIA_API_KEY",
		ret_key, errmsg);
}

int api_key_find(const char *key_file, char **ret_key, struct key_source *ret_source,
	struct buf *errmsg)
{
	CLEANUP(api_key_cleanup) char *variable = NULL;
	CLEANUP(api_key_places_done) struct places places = {0};
	struct key_source *found;
	size_t i = 0;
	int err = api_key_take_variable(&variable, errmsg);

	if (err)
		return err;
	if (api_key_places_list(key_file, variable != NULL, &places))
		return errmsg_set(errmsg, -ENOMEM, "out of memory");
	do {
		found = &places.list[i++];
		err = api_key_from_source(found, variable, ret_key, errmsg);
	} while (err == -ENOENT && !key_file && i < places.len);
	if (err == -ENOENT && !key_file)
		return api_key_no_key(errmsg);
	api_key_places_name_hidden(&places, i, &found->hidden);
	if (err) {
		if (found->hidden)
			(void)buf_printf(
				errmsg, " (this comes before %s)", found->hidden);
		return err;
	}
	buf_reset(errmsg);
	*ret_source = *found;
	*found = (struct key_source){.dir = -1};
	return 0;
}

/*
 * Opens the last directory of the path before a symbolic link, and sets `ret_rest` to the
 * path from there. Returns a descriptor or a negative errno.
 */
static int api_key_open_before_links(const char *path, const char **ret_rest)
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
	dir = api_key_open_before_links(source->path, &source->name);
	if (dir < 0)
		return dir;
	source->dir = dir;
	return 0;
}

int key_read_again(const struct key_source *source, char **ret_key, struct buf *errmsg)
{
	const struct keyplace place = {
		.path = source->path,
		.at = source->dir,
		.name = source->name,
		.credential = source->credential,
	};

	return api_key_read_file(&place, ret_key, errmsg);
}

const char *key_source_name(const struct key_source *source)
{
	return source->path ? source->path : variable_name;
}

int key_source_print(const struct key_source *source, struct buf *out)
{
	return buf_printf(out, "from %s%s%s", key_source_name(source),
		source->hidden ? ", which comes before " : "",
		source->hidden ? source->hidden : "");
}

void key_source_done(struct key_source *source)
{
	/* `name` is set only by key_source_keep(), which also opened `dir`. */
	if (source->name)
		close(source->dir);
	free(source->path);
	free(source->hidden);
	*source = (struct key_source){.dir = -1};
}
