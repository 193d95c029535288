/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Parsers for the values of -o options. They change their output only on success, and
 * write no error message.
 */

/*
 * Parses decimal digits. Returns false if there is anything else, or if the number is not
 * between `min` and `max`.
 */
bool option_value_number(
	const char *text, uint64_t min, uint64_t max, uint64_t *ret_number);

/*
 * Parses a size in bytes: decimal digits, then optionally K, M, G or T (powers of 1024)
 * in either case. Returns false if it has another form or is not between `min` and `max`.
 */
bool option_value_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret_bytes);

/*
 * Parses octal digits. Returns false if there is anything else, or if the number is not
 * between `min` and `max`.
 */
bool option_value_octal(
	const char *text, uint64_t min, uint64_t max, uint64_t *ret_number);

/*
 * Parses a user's number, or the name of a user in the user database. Returns false if
 * there is no such user, or if a number is not between `min` and `max`. Can block on the
 * user database.
 */
bool option_value_user(const char *text, uint64_t min, uint64_t max, uint64_t *ret_uid);

/*
 * Parses a group's number, or the name of a group in the group database. Returns false if
 * there is no such group, or if a number is not between `min` and `max`. Can block on the
 * group database.
 */
bool option_value_group(const char *text, uint64_t min, uint64_t max, uint64_t *ret_gid);

/*
 * Makes a path absolute, because a daemon leaves the current directory. The caller frees
 * `ret_path`. Returns 0, -ENOMEM, or the negative errno of getcwd(3).
 */
int option_value_path(const char *text, char **ret_path);
