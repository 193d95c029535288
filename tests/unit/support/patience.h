/* SPDX-License-Identifier: MIT */
#pragma once

#include <time.h>

#include "loop/loop.h"

/*
 * How long a test waits for what has to come: much longer than the slowest machine needs,
 * as it is waited for in vain only where something is wrong. Where memory was refused
 * (tests/memory) that is usual, and PATIENCE_S in the environment says how long then.
 */
struct patience {
	struct timespec end; /* CLOCK_MONOTONIC, whatever the test's clock says */
};

struct patience patience_begin(void);

/* One turn, waiting for a moment at most. Fails the test where patience is at its end. */
void patience_turn(const struct patience *patience, struct loop *loop);
