/* SPDX-License-Identifier: MIT */
#include "caller_signals.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static uint64_t caller_bit(int signal)
{
	return 1ull << (signal - 1);
}

/*
 * Parses the hexadecimal mask of a line such as "SigPnd:\t0000000000004000". Returns
 * false if the line has another name.
 */
static bool caller_read_mask(const char *line, const char *name, uint64_t *ret_mask)
{
	size_t len = strlen(name);
	char *end;

	if (strncmp(line, name, len) != 0)
		return false;

	uint64_t mask = strtoull(line + len, &end, 16);

	if (end == line + len)
		return false;
	*ret_mask = mask;
	return true;
}

bool caller_status_has_fatal_signal(FILE *status)
{
	const uint64_t ending = caller_bit(SIGHUP) | caller_bit(SIGINT) |
				caller_bit(SIGQUIT) | caller_bit(SIGKILL) |
				caller_bit(SIGTERM);
	uint64_t pending = 0;
	uint64_t blocked = 0;
	uint64_t mask;
	char line[256];

	while (fgets(line, sizeof(line), status)) {
		if (caller_read_mask(line, "SigPnd:", &mask) ||
			caller_read_mask(line, "ShdPnd:", &mask))
			pending |= mask;
		else if (caller_read_mask(line, "SigBlk:", &mask))
			blocked = mask;
	}
	return pending & ~blocked & ending;
}

bool caller_has_fatal_signal(pid_t tid)
{
	CLEANUP_FILE FILE *status = NULL;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	status = fopen(path, "re");
	if (!status)
		return errno != ENOMEM && errno != EMFILE && errno != ENFILE;
	return caller_status_has_fatal_signal(status);
}
