/* SPDX-License-Identifier: MIT */
#include "patience.h"

#include <stdlib.h>

#include "cmocka.h"

enum {
	/* Must be shorter than the tests' watchdogs. */
	USUAL_S = 280,
	/* The raw server's counters do not wake the loop, so turns must be short. */
	GLANCE_MS = 2,
};

struct patience patience_begin(void)
{
	const char *given = getenv("PATIENCE_S");
	struct patience patience;

	clock_gettime(CLOCK_MONOTONIC, &patience.end);
	patience.end.tv_sec += given ? atoi(given) : USUAL_S;
	return patience;
}

bool patience_is_over(const struct patience *patience)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > patience->end.tv_sec;
}

void patience_turn(const struct patience *patience, struct loop *loop)
{
	if (patience_is_over(patience))
		fail_msg("waited in vain");
	assert_int_equal(loop_turn(loop, GLANCE_MS), 0);
}
