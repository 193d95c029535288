/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The members of a listing, in order, each once: numbers (rows of the catalog, or days)
 * that are only ever added at the end. A position, once given out, keeps its meaning for
 * as long as the snapshot lives: that is what makes readdir's cookies honest.
 *
 * While a snapshot grows it also remembers, for numbers shown but not told (they did not
 * pass the filter), that they were seen, and in which part of the listing last.
 * 8 bytes a member, and some 16 to 32 more while it grows.
 */
struct snapshot {
	int64_t *members;
	size_t len;
	size_t cap;
	int64_t *seen; /* open-addressing hash set; 0 is an empty slot */
	uint8_t *parts;
	size_t seen_len;
	size_t seen_cap;
};

enum { SNAPSHOT_MAX = 16 << 20 }; /* members */

void snapshot_init(struct snapshot *snapshot);
void snapshot_done(struct snapshot *snapshot);

/*
 * Notes that `number` (> 0) was seen in `part`, and adds it at the end if `tell` is set
 * and it has never been seen before. 0, -ENOMEM, -EFBIG past SNAPSHOT_MAX.
 */
int snapshot_see(struct snapshot *snapshot, int64_t number, uint8_t part, bool tell);

/* Whether it was seen at all, or in that part last. Not after snapshot_seal(). */
bool snapshot_has(const struct snapshot *snapshot, int64_t number);
bool snapshot_has_in(const struct snapshot *snapshot, int64_t number, uint8_t part);

/* Nothing will be added any more: gives back what only growing needs. */
void snapshot_seal(struct snapshot *snapshot);
