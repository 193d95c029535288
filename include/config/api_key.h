/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/* Bytes of an API key, and of what key_source_print() appends. */
enum { KEY_MAX = 4096, KEY_PLACE_MAX = 32 << 10 };

/* Where the API key was found. Release it with key_source_done(). */
struct key_source {
	char *path;      /* path of the file; NULL for the variable GLADIA_API_KEY */
	bool credential; /* the file is a systemd credential */
	/*
	 * Descriptor of a directory above the file, or -1 if key_source_keep() was not
	 * called.
	 */
	int dir;
	const char *name; /* path of the file below `dir`: the end of `path` */
	/*
	 * Places that exist but are not used, because this one comes first, as "A and B";
	 * or NULL.
	 */
	char *hidden;
};

/*
 * Finds the API key (SEMANTICS 2.1). The places are, in this order: `key_file` if not
 * NULL; $CREDENTIALS_DIRECTORY/gladia-key; $GLADIA_API_KEY;
 * $XDG_CONFIG_HOME/gladiafs/key; ~/.gladia; /etc/gladiafs/key. XDG_CONFIG_HOME defaults
 * to ~/.config; home.h says whose HOME is used. The first place that exists is used: if
 * its file is rejected that is an error, and no other place is tried.
 *
 * The key is in the first line that is neither empty nor a comment (key_text.h), in
 * printable ASCII. The caller owns it and releases it with api_key_free(). GLADIA_API_KEY
 * is removed from the environment, so that no child process inherits it. `ret_source` is
 * set only on success.
 *
 * Returns 0, -ENOKEY if there is no key in any place, -EACCES if other users can read or
 * change the file (key_file_check.h), -EINVAL if it contains no valid key, -ENOMEM, or
 * the errno of opening or reading it. `errmsg` is then an error message that says what to
 * do. It never contains the key, but names the places that the rejected one hides.
 */
int api_key_find(const char *key_file, char **ret_key, struct key_source *ret_source,
	struct buf *errmsg);

/*
 * Opens a directory above the key's file, for key_read_again(). It is the last one before
 * a symbolic link in the path, so that a link that is changed later is followed. Must be
 * called before anything is mounted. Does nothing if there is no file.
 *
 * Returns 0 or a negative errno.
 */
int key_source_keep(struct key_source *source);

/*
 * Reads the key again from the same file. The path is resolved from the directory that
 * key_source_keep() opened, so a mount that meanwhile covers part of the path does not
 * matter. The file is checked as by api_key_find().
 *
 * Returns 0, -ENOENT if the file does not exist, or an error that api_key_find() returns
 * for `key_file`, with an error message in `errmsg`.
 */
int key_read_again(const struct key_source *source, char **ret_key, struct buf *errmsg);

/* Returns the file's path or the variable's name. It is valid as long as `source` is. */
const char *key_source_name(const struct key_source *source);

/*
 * Appends "from PLACE", or "from PLACE, which comes before OTHERS". Returns 0, -ENOMEM,
 * or -EMSGSIZE (never if `out` has room for KEY_PLACE_MAX more bytes).
 */
int key_source_print(const struct key_source *source, struct buf *out);

/* Frees the members and closes the directory. A zeroed source is allowed. */
void key_source_done(struct key_source *source);

/* Wipes and frees a key. NULL is allowed. */
void api_key_free(char *key);
