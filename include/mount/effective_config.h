/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "mount/run_mount.h"

enum { CONFIG_TEXT_MAX = 64 << 10 };

/*
 * Appends the configuration in effect to `out`, as .gladiafs/config shows it (SEMANTICS
 * 9.1): one line "name=value" per setting, options under the names that -o takes. The API
 * key is left out. Control characters and backslashes in a value are written as a
 * backslash and three octal digits, as in /proc/mounts.
 *
 * Returns 0, -ENOMEM, or -EMSGSIZE if the text is longer than `out` may grow.
 */
int effective_config_print(const struct mount_plan *config, struct buf *out);
