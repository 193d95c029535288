/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

enum { KEY_MAX = 4096, KEY_PLACE_MAX = 32 << 10 };

/* Where a key was found. */
struct key_source {
	char *path;      /* of the file; NULL: the variable GLADIA_API_KEY */
	bool credential; /* systemd put the file there */
	int dir; /* descriptor of a directory above the file; -1: key_source_keep() was
		    not called */
	const char *name; /* of the file below `dir`: the end of `path` */
	char *hidden; /* names of later places that exist, too, which this one hides, as
		       * "A and B"; NULL: none, or not known */
};

/*
 * Finds the API key (SPEC 2.1): `key_file` if not NULL;
 * $CREDENTIALS_DIRECTORY/gladia-key; $GLADIA_API_KEY; $XDG_CONFIG_HOME/gladiafs/key;
 * ~/.gladia; /etc/gladiafs/key. home.h says whose HOME counts; XDG_CONFIG_HOME defaults
 * to
 * ~/.config. The first place that exists decides: a file there that is refused is an
 * error, not a reason to look on.
 *
 * The key is the file's first line without white space around it: printable ASCII. It is
 * owned by the caller, who gives it to key_free(). GLADIA_API_KEY is removed from the
 * environment once read, so that no child inherits it.
 *
 * `ret_source` is to be given to key_source_done(); it is set on success only.
 *
 * 0; -ENOKEY none found; -EACCES a file others can read or change (keyplace.h);
 * -EINVAL no key in it;
 * or the errno of reading. `why` gets one sentence (no newline) with the remedy, which
 * never holds the key, and names the places that the refused one hides.
 */
int key_find(const char *key_file, char **ret_key, struct key_source *ret_source,
	struct buf *why);

/*
 * Opens a directory above the key's file, for key_read_again(): the last one before a
 * symbolic link in the path, so that a link that is changed later is followed. To be
 * called before anything is mounted. Does nothing if there is no file. Returns 0 or
 * -errno.
 */
int key_source_keep(struct key_source *source);

/*
 * Reads the key again from the same file, which is looked up from the kept directory: a
 * mount that covers a part of its path meanwhile does not matter. The file is checked as
 * by key_find(). Returns what key_find() returns for a key file.
 */
int key_read_again(const struct key_source *source, char **ret_key, struct buf *why);

/* Returns the file's path or the variable's name. It is valid as long as `source`. */
const char *key_source_name(const struct key_source *source);

/*
 * Appends "from PLACE", or "from PLACE, which comes before OTHERS". Returns 0, -ENOMEM or
 * -EMSGSIZE (never, if `out` has room for KEY_PLACE_MAX bytes more).
 */
int key_source_print(const struct key_source *source, struct buf *out);

/* Frees the members and closes the directory. All zeros are fine, too. */
void key_source_done(struct key_source *source);

/* Wipes and frees. NULL is fine. */
void key_free(char *key);
