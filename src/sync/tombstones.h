/* SPDX-License-Identifier: MIT */
#pragma once

#include "internal.h"

/*
 * Jobs that were deleted here a moment ago. Pages asked for before that may still bring
 * them, and the API, which says "accepted" rather than "done", may still list them: for
 * REMOVED_MS, and as long as any call can last, that does not bring them back.
 */
enum { REMOVED_MS = 60 * 1000 };

/* Without memory it is not remembered. */
void removed_add(struct sync *sync, int64_t row);
bool removed_has(struct sync *sync, int64_t row);
void removed_done(struct sync *sync);
