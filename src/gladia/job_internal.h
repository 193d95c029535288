/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "gladia/job.h"

/*
 * A JSON string's text; `text` has room for `room` bytes with the NUL. 0; -EBADMSG where
 * it is no string; -EINVAL for a NUL or a lone surrogate in it; -ENAMETOOLONG.
 */
int job_string_decode(struct json_piece value, size_t room, char *text);
