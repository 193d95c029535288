/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "config/options.h"
#include "suggestion.h"

/*
 * Stores the defaults of the table in `options`. Returns 0, or -ENOMEM and an error
 * message.
 */
int option_table_set_defaults(struct options *options, struct buf *errmsg);

/*
 * Stores the value of one of our own options. `value` is NULL if the option was given
 * without "=". Can block on the databases of users and groups.
 *
 * Returns 0, -ENOENT if there is no such option, or -EINVAL or -ENOMEM with an error
 * message.
 */
int option_table_apply(
	const char *name, const char *value, struct options *options, struct buf *errmsg);

/* Prints the part of -h that describes -o to stdout. */
void option_table_print_help(void);

/* Tries the names of all our own options as a suggestion. */
void option_table_suggest(struct suggestion *suggestion);

/* True if `name` is one of our own options, and its value is a path. */
bool option_table_takes_path(const char *name);

/* True if the first `len` bytes of `name` are the name of one of our own options. */
bool option_table_has(const char *name, size_t len);

/* Returns how many bytes at the start of `text` could be an option's name. */
size_t option_word_len(const char *text);
