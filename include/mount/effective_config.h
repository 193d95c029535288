/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "mount/run_mount.h"

enum { CONFIG_TEXT_MAX = 64 << 10 };

/*
 * What is in force, for .gladiafs/config (SPEC 9.1): lines "name=value", options as -o
 * takes them, without the key. Control characters and backslashes of a value become a
 * backslash and three octal digits, as in /proc/mounts. 0, -ENOMEM, -EMSGSIZE.
 */
int config_text_print(const struct serve_config *config, struct buf *out);
