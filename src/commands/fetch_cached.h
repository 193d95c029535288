/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/buf.h"

/*
 * Checks in .gladiafs/stats of the mount on `mount` whether what was fetched since a wall
 * time is still in its cache. Returns EXIT_CODE_OK, or EXIT_CODE_SYSTEM and an error
 * message.
 */
int fetch_check_cached(const char *mount, int64_t since_wall_ms, struct buf *errmsg);
