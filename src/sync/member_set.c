/* SPDX-License-Identifier: MIT */
#include "sync/member_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum { FIRST_SLOTS = 256 };

void member_set_init(struct member_set *snapshot)
{
	*snapshot = (struct member_set){0};
}

void member_set_done(struct member_set *snapshot)
{
	free(snapshot->members);
	free(snapshot->seen);
	free(snapshot->parts);
	member_set_init(snapshot);
}

/* Returns the slot of `number`, or the empty slot for it. The table is never full. */
static size_t member_set_find_slot(const int64_t *seen, size_t cap, int64_t number)
{
	/*
	 * Fibonacci hashing (Knuth, TAOCP 3, 6.4) spreads consecutive rows. Only the
	 * highest bits of the product depend on all bits of the number.
	 */
	int shift = __builtin_clzll((unsigned long long)cap) + 1;
	size_t slot = (size_t)((uint64_t)number * 0x9e3779b97f4a7c15u >> shift);

	while (seen[slot] && seen[slot] != number)
		slot = (slot + 1) & (cap - 1);
	return slot;
}

static int member_set_grow_seen(struct member_set *snapshot)
{
	size_t cap = snapshot->seen_cap ? snapshot->seen_cap * 2 : FIRST_SLOTS;
	int64_t *seen = calloc(cap, sizeof(*seen));
	uint8_t *parts = calloc(cap, sizeof(*parts));

	if (!seen || !parts) {
		free(seen);
		free(parts);
		return -ENOMEM;
	}
	for (size_t i = 0; i < snapshot->seen_cap; i++) {
		if (!snapshot->seen[i])
			continue;

		size_t slot = member_set_find_slot(seen, cap, snapshot->seen[i]);

		seen[slot] = snapshot->seen[i];
		parts[slot] = snapshot->parts[i];
	}
	free(snapshot->seen);
	free(snapshot->parts);
	snapshot->seen = seen;
	snapshot->parts = parts;
	snapshot->seen_cap = cap;
	return 0;
}

static int member_set_add_member(struct member_set *snapshot, int64_t number)
{
	int err = ARRAY_RESERVE(snapshot->members, snapshot->cap, snapshot->len + 1);

	if (!err)
		snapshot->members[snapshot->len++] = number;
	return err;
}

int member_set_add(struct member_set *snapshot, int64_t number, uint8_t part, bool tell)
{
	if (snapshot->seen_len >= MEMBER_SET_MAX)
		return -EFBIG;
	if (snapshot->seen_len * 4 >= snapshot->seen_cap * 3) {
		int err = member_set_grow_seen(snapshot);

		if (err)
			return err;
	}

	size_t slot = member_set_find_slot(snapshot->seen, snapshot->seen_cap, number);

	if (!snapshot->seen[slot]) {
		int err = tell ? member_set_add_member(snapshot, number) : 0;

		if (err)
			return err;
		snapshot->seen[slot] = number;
		snapshot->seen_len++;
	}
	snapshot->parts[slot] = part;
	return 0;
}

bool member_set_has(const struct member_set *snapshot, int64_t number)
{
	return snapshot->seen_cap && snapshot->seen[member_set_find_slot(snapshot->seen,
					     snapshot->seen_cap, number)] == number;
}

bool member_set_has_in(const struct member_set *snapshot, int64_t number, uint8_t part)
{
	if (!snapshot->seen_cap)
		return false;

	size_t slot = member_set_find_slot(snapshot->seen, snapshot->seen_cap, number);

	return snapshot->seen[slot] == number && snapshot->parts[slot] == part;
}

void member_set_seal(struct member_set *snapshot)
{
	int64_t *members = realloc(
		snapshot->members, (snapshot->len + !snapshot->len) * sizeof(*members));

	if (members) {
		snapshot->members = members;
		snapshot->cap = snapshot->len + !snapshot->len;
	}
	free(snapshot->seen);
	free(snapshot->parts);
	snapshot->seen = NULL;
	snapshot->parts = NULL;
	snapshot->seen_len = 0;
	snapshot->seen_cap = 0;
}
