/* SPDX-License-Identifier: MIT */
#include "caller.h"

#include <inttypes.h>
#include <signal.h>
#include <stdint.h>

#include "base/cleanup.h"

static uint64_t bit(int signal)
{
	return 1ull << (signal - 1);
}

bool caller_status_is_ending(FILE *status)
{
	const uint64_t ending = bit(SIGHUP) | bit(SIGINT) | bit(SIGQUIT) | bit(SIGKILL) |
				bit(SIGTERM);
	uint64_t pending = 0;
	uint64_t blocked = 0;
	uint64_t mask;
	char line[256];

	while (fgets(line, sizeof(line), status)) {
		if (sscanf(line, "SigPnd: %" SCNx64, &mask) == 1 ||
			sscanf(line, "ShdPnd: %" SCNx64, &mask) == 1)
			pending |= mask;
		else if (sscanf(line, "SigBlk: %" SCNx64, &mask) == 1)
			blocked = mask;
	}
	return pending & ~blocked & ending;
}

bool caller_is_ending(pid_t tid)
{
	CLEANUP_FILE FILE *status = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	status = fopen(path, "re");
	return !status || caller_status_is_ending(status);
}
