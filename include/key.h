/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

enum { KEY_MAX = 4096 };

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
 * 0; -ENOKEY none found; -EACCES a file others can read or change (keyplace.h);
 * -EINVAL no key in it;
 * or the errno of reading. `why` gets one sentence (no newline) with the remedy, which
 * never holds the key.
 */
int key_find(const char *key_file, char **ret_key, struct buf *why);

/* Wipes and frees. NULL is fine. */
void key_free(char *key);
