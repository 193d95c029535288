/* SPDX-License-Identifier: MIT */
#include "recent_failures.h"

#include <string.h>

static struct recent_failure *recent_failures_find(
	struct recent_failures *failed, uint64_t ino, const char *name, pid_t tid)
{
	for (unsigned i = 0; i < RECENT_FAILURES_MAX; i++) {
		struct recent_failure *wait = &failed->waits[i];

		if (wait->error && wait->ino == ino && wait->tid == tid &&
			!strcmp(wait->name, name))
			return wait;
	}
	return NULL;
}

void recent_failures_remember(
	struct recent_failures *failed, const struct recent_failure *wait)
{
	struct recent_failure *failure = recent_failures_find(
		failed, wait->ino, wait->name, wait->tid);

	if (!failure)
		failure = &failed->waits[failed->next++ % RECENT_FAILURES_MAX];
	*failure = *wait;
}

bool recent_failures_take(struct recent_failures *failed, uint64_t ino, const char *name,
	pid_t tid, int64_t now_ms, struct recent_failure *ret_wait)
{
	struct recent_failure *wait = recent_failures_find(failed, ino, name, tid);

	if (!wait)
		return false;
	*ret_wait = *wait;
	wait->error = 0;
	return now_ms - ret_wait->failed_ms < RECENT_FAILURES_MS;
}
