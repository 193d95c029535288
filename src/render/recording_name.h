/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "json/cursor.h"

/*
 * Appends the name of a job's recording as a single line: its file name, or the last
 * segment of its URL, or the job's id. Returns 0, -EMSGSIZE if `out` would become too
 * large, or -ENOMEM.
 */
int recording_name_add(struct json_slice job, struct buf *out);
