/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "loop/loop.h"

/*
 * A deadline for events that a test waits for. It is much longer than the slowest machine
 * needs, because it expires only if something is wrong. Tests that refuse memory
 * (tests/memory) often reach it: they set PATIENCE_S in the environment to a shorter
 * number of seconds.
 */
struct patience {
	struct timespec end; /* on CLOCK_MONOTONIC, whatever the test's clock says */
};

struct patience patience_begin(void);

/* True after the deadline. */
bool patience_is_over(const struct patience *patience);

/*
 * Runs one turn of the loop that waits for a moment at most. Fails the test after the
 * deadline.
 */
void patience_turn(const struct patience *patience, struct loop *loop);
