/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

struct fs;

/*
 * Prints .gladiafs/stats as JSON; docs/CONTROL.md describes its fields. Returns 0,
 * -ENOMEM or -EIO.
 */
int stats_print(struct fs *fs, struct buf *out);
