/* SPDX-License-Identifier: MIT */
#pragma once

#include "internal.h"

struct request;

/*
 * Looks up a name that means a time relative to now, such as date/today or after/7d
 * (gladia/relative_time.h): a symbolic link to the directory of that time. The kernel may
 * cache it for a second.
 *
 * Returns 0 after replying, -ENOENT if the name is not one of these, or -ENOMEM.
 */
int alias_lookup(struct request *request, const struct dir *dir);
