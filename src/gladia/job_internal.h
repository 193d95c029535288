/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "gladia/job.h"

/*
 * Decodes a JSON string into the NUL-terminated `text`, which has room for `room` bytes.
 *
 * Returns 0, -EBADMSG if it is not a string, -EINVAL if it has a NUL or a lone surrogate,
 * or -ENAMETOOLONG if it does not fit.
 */
int job_string_decode(struct json_slice value, size_t room, char *text);
