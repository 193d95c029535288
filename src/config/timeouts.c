/* SPDX-License-Identifier: MIT */
#include "config/timeouts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/errmsg.h"

enum {
	MARGIN_MS = 1000,    /* distance from the kernel's limit */
	CALL_MARGIN_MS = 250 /* time between a call's time-out and that of its request */
};

/*
 * Reads a number of seconds from a file. Returns 0 if it cannot be read or is not valid.
 */
static int64_t timeouts_read_seconds(const char *directory, const char *name)
{
	CLEANUP_FREE char *path = NULL;
	CLEANUP_FILE FILE *file = NULL;
	char text[32];

	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return 0;
	}
	file = fopen(path, "re");
	if (!file || !fgets(text, sizeof(text), file))
		return 0;

	long long seconds = strtoll(text, NULL, 10);

	return seconds > 0 && seconds <= INT32_MAX ? seconds : 0;
}

int64_t timeout_of_requests(int64_t timeout_ms, const char *directory, struct buf *errmsg)
{
	/* Both apply, because we do not set a limit of our own for the mount. */
	static const char *const names[] = {
		"default_request_timeout", "max_request_timeout"};
	int64_t lowest_ms = timeout_ms;

	buf_reset(errmsg);
	for (int i = 0; i < 2; i++) {
		int64_t limit_ms = timeouts_read_seconds(directory, names[i]) * 1000;
		int64_t below_ms = limit_ms / 2 > MARGIN_MS ? limit_ms - MARGIN_MS
							    : limit_ms / 2;

		if (!limit_ms || below_ms >= lowest_ms)
			continue;
		lowest_ms = below_ms;
		errmsg_set(errmsg, 0,
			"system calls wait %" PRId64 " ms at most, not %" PRId64
			" (timeout=): this system aborts mounts that take longer than "
			"%" PRId64 " s (%s/%s)",
			below_ms, timeout_ms, limit_ms / 1000, directory, names[i]);
	}
	return lowest_ms;
}

int64_t timeout_of_calls(int64_t timeout_ms)
{
	int64_t margin_ms = timeout_ms / 10;

	return timeout_ms - (margin_ms < CALL_MARGIN_MS ? margin_ms : CALL_MARGIN_MS);
}
