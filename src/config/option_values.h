/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The values of -o options: what is accepted, without a sentence. Those that return bool
 * return false for a text that is none; all touch their output on success alone.
 */

/* Decimal digits and nothing else, within the limits. */
bool value_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number);

/* The same with K, M, G or T behind (powers of 1024, either case): bytes. */
bool value_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret_bytes);

/* Octal digits. */
bool value_octal(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number);

/* A number, or a name of the user or group database. `min` and `max` are for the number.
 */
bool value_user(const char *text, uint64_t min, uint64_t max, uint64_t *ret_uid);
bool value_group(const char *text, uint64_t min, uint64_t max, uint64_t *ret_gid);

/*
 * A path, made absolute against the current directory, for a daemon leaves that. `path`
 * is owned by the caller. 0 or the negative errno of getcwd(3) or of memory.
 */
int value_path(const char *text, char **ret_path);
