/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

struct fs;

/* .gladiafs/stats, field by field in docs/CONTROL.md. 0, -ENOMEM, -EIO. */
int control_print_stats(struct fs *fs, struct buf *out);
