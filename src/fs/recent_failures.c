/* SPDX-License-Identifier: MIT */
#include "recent_failures.h"

#include <string.h>

static struct failed_wait *find(
	struct failed *failed, uint64_t ino, const char *name, pid_t tid)
{
	for (unsigned i = 0; i < FAILED_MAX; i++) {
		struct failed_wait *wait = &failed->waits[i];

		if (wait->error && wait->ino == ino && wait->tid == tid &&
			!strcmp(wait->name, name))
			return wait;
	}
	return NULL;
}

void failed_remember(struct failed *failed, const struct failed_wait *wait)
{
	struct failed_wait *kept = find(failed, wait->ino, wait->name, wait->tid);

	if (!kept)
		kept = &failed->waits[failed->next++ % FAILED_MAX];
	*kept = *wait;
}

bool failed_take(struct failed *failed, uint64_t ino, const char *name, pid_t tid,
	int64_t now_ms, struct failed_wait *ret_wait)
{
	struct failed_wait *wait = find(failed, ino, name, tid);

	if (!wait)
		return false;
	*ret_wait = *wait;
	wait->error = 0;
	return now_ms - ret_wait->told_ms < FAILED_MS;
}
