/* SPDX-License-Identifier: MIT */
#include "option_values.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/*
 * Reads digits of `base` at the start of `text` and advances it. Returns false if there
 * are none or if the number is too large.
 */
static bool option_value_read_digits(
	const char **text, unsigned base, uint64_t *ret_number)
{
	const char *c = *text;
	uint64_t number = 0;

	for (; *c >= '0' && *c < (char)('0' + base); c++)
		if (__builtin_mul_overflow(number, base, &number) ||
			__builtin_add_overflow(number, (uint64_t)(*c - '0'), &number))
			return false;
	if (c == *text)
		return false;
	*text = c;
	*ret_number = number;
	return true;
}

static bool option_value_in_base(
	const char *text, unsigned base, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	uint64_t number;

	if (!option_value_read_digits(&text, base, &number) || *text || number < min ||
		number > max)
		return false;
	*ret_number = number;
	return true;
}

bool option_value_number(
	const char *text, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	return option_value_in_base(text, 10, min, max, ret_number);
}

bool option_value_octal(
	const char *text, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	return option_value_in_base(text, 8, min, max, ret_number);
}

bool option_value_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret_bytes)
{
	static const char suffixes[] = "KkMmGgTt";
	uint64_t bytes;

	if (!option_value_read_digits(&text, 10, &bytes))
		return false;
	if (*text) {
		const char *suffix = strchr(suffixes, *text);
		uint64_t unit;

		if (!suffix || text[1])
			return false;
		unit = UINT64_C(1) << 10 * ((suffix - suffixes) / 2 + 1);
		if (__builtin_mul_overflow(bytes, unit, &bytes))
			return false;
	}
	if (bytes < min || bytes > max)
		return false;
	*ret_bytes = bytes;
	return true;
}

bool option_value_user(const char *text, uint64_t min, uint64_t max, uint64_t *ret_uid)
{
	if (option_value_number(text, min, max, ret_uid))
		return true;

	const struct passwd *user = getpwnam(text);

	if (user)
		*ret_uid = user->pw_uid;
	return user != NULL;
}

bool option_value_group(const char *text, uint64_t min, uint64_t max, uint64_t *ret_gid)
{
	if (option_value_number(text, min, max, ret_gid))
		return true;

	const struct group *group = getgrnam(text);

	if (group)
		*ret_gid = group->gr_gid;
	return group != NULL;
}

int option_value_path(const char *text, char **ret_path)
{
	CLEANUP_FREE char *directory = NULL;
	char *path;

	if (*text != '/') {
		directory = getcwd(NULL, 0);
		if (!directory)
			return -errno;
	}
	if (asprintf(&path, "%s%s%s", directory ? directory : "", directory ? "/" : "",
		    text) < 0)
		return -ENOMEM;
	*ret_path = path;
	return 0;
}
