/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "mount/run_mount.h"

/*
 * Appends the configuration in effect, as .gladiafs/config shows it (SEMANTICS 9.1), one
 * line "name=value" per setting. Returns 0, -ENOMEM or -EMSGSIZE.
 */
int config_text_print(const struct mount_plan *plan, struct buf *out);
