/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "config/options.h"

/*
 * Checks the mount on options->mountpoint: whether it is a gladiafs mount, answers, and
 * can be read. Then replaces the options for the API, the key and the cache with those of
 * the mount, so that the other checks are about it. Can block for three seconds.
 *
 * Returns true if the mount is in order. `text` is the result in one sentence, which says
 * what to do if it is not.
 */
bool check_mount(struct options *options, struct buf *text);
