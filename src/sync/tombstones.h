/* SPDX-License-Identifier: MIT */
#pragma once

#include "internal.h"

/*
 * Jobs that were deleted through this mount a moment ago. Pages requested earlier can
 * still contain them, and so can new ones, as the API answers "accepted" rather than
 * "done". Such pages do not bring the jobs back for TOMBSTONE_MS, or the longest duration
 * of a call if that is longer.
 */
enum { TOMBSTONE_MS = 60 * 1000 };

/* Adds a job. If memory is short, it is not recorded. */
void tombstones_add(struct sync *sync, int64_t row);

/* True if the job was deleted a moment ago. */
bool tombstones_has(struct sync *sync, int64_t row);

/* Frees the memory. */
void tombstones_done(struct sync *sync);
