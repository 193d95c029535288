/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/buf.h"

/*
 * Finds the API key in the text of a key file, of which at most KEY_MAX + 1 bytes were
 * read. It is the first line that is neither empty nor begins with "#", without
 * surrounding white space and quotes. The line may also be NAME=KEY, with or without
 * "export", if NAME contains "KEY" in upper or lower case.
 *
 * Returns 0, and the caller releases `ret_key` with api_key_free(). Returns -EINVAL or
 * -ENOMEM, with an error message in `errmsg` that calls the file `place` and does not
 * quote it.
 */
int key_text_parse(const char *text, size_t len, const char *place, char **ret_key,
	struct buf *errmsg);
