/* SPDX-License-Identifier: MIT */
#include "tombstones.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Removes the expired entries. All are kept equally long, so the oldest are first. */
static void tombstones_drop_old(struct tombstones *removed, int64_t now_ms)
{
	size_t old = 0;

	while (old < removed->len && removed->entries[old].until_ms <= now_ms)
		old++;
	if (!old)
		return;
	removed->len -= old;
	memmove(removed->entries, removed->entries + old,
		removed->len * sizeof(removed->entries[0]));
}

void tombstones_add(struct sync *sync, int64_t row)
{
	struct tombstones *removed = &sync->tombstones;
	int64_t now_ms = loop_now_ms(sync->loop);
	int64_t last_ms = sync->config.timeout_ms > TOMBSTONE_MS ? sync->config.timeout_ms
								 : TOMBSTONE_MS;

	tombstones_drop_old(removed, now_ms);

	int err = ARRAY_RESERVE(removed->entries, removed->cap, removed->len + 1);

	if (err)
		return;
	removed->entries[removed->len++] = (struct tombstone){
		.row = row, .until_ms = now_ms + last_ms};
}

bool tombstones_has(struct sync *sync, int64_t row)
{
	struct tombstones *removed = &sync->tombstones;

	tombstones_drop_old(removed, loop_now_ms(sync->loop));
	for (size_t i = removed->len; i--;)
		if (removed->entries[i].row == row)
			return true;
	return false;
}

void tombstones_done(struct sync *sync)
{
	free(sync->tombstones.entries);
	sync->tombstones = (struct tombstones){0};
}
