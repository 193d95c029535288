/* SPDX-License-Identifier: MIT */
#include "sync/member_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum { FIRST_SLOTS = 256 };

void member_set_init(struct member_set *set)
{
	*set = (struct member_set){0};
}

void member_set_done(struct member_set *set)
{
	free(set->members);
	free(set->seen);
	free(set->parts);
	member_set_init(set);
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

static int member_set_grow_seen(struct member_set *set)
{
	size_t cap = set->seen_cap ? set->seen_cap * 2 : FIRST_SLOTS;
	int64_t *seen = calloc(cap, sizeof(*seen));
	uint8_t *parts = calloc(cap, sizeof(*parts));

	if (!seen || !parts) {
		free(seen);
		free(parts);
		return -ENOMEM;
	}
	for (size_t i = 0; i < set->seen_cap; i++) {
		if (!set->seen[i])
			continue;

		size_t slot = member_set_find_slot(seen, cap, set->seen[i]);

		seen[slot] = set->seen[i];
		parts[slot] = set->parts[i];
	}
	free(set->seen);
	free(set->parts);
	set->seen = seen;
	set->parts = parts;
	set->seen_cap = cap;
	return 0;
}

static int member_set_add_member(struct member_set *set, int64_t number)
{
	int err = ARRAY_RESERVE(set->members, set->cap, set->len + 1);

	if (!err)
		set->members[set->len++] = number;
	return err;
}

int member_set_add(struct member_set *set, int64_t number, uint8_t part, bool emit)
{
	if (set->seen_len >= MEMBER_SET_MAX)
		return -EFBIG;
	if (set->seen_len * 4 >= set->seen_cap * 3) {
		int err = member_set_grow_seen(set);

		if (err)
			return err;
	}

	size_t slot = member_set_find_slot(set->seen, set->seen_cap, number);

	if (!set->seen[slot]) {
		int err = emit ? member_set_add_member(set, number) : 0;

		if (err)
			return err;
		set->seen[slot] = number;
		set->seen_len++;
	}
	set->parts[slot] = part;
	return 0;
}

bool member_set_has(const struct member_set *set, int64_t number)
{
	return set->seen_cap &&
	       set->seen[member_set_find_slot(set->seen, set->seen_cap, number)] ==
		       number;
}

bool member_set_has_in(const struct member_set *set, int64_t number, uint8_t part)
{
	if (!set->seen_cap)
		return false;

	size_t slot = member_set_find_slot(set->seen, set->seen_cap, number);

	return set->seen[slot] == number && set->parts[slot] == part;
}

void member_set_seal(struct member_set *set)
{
	int64_t *members = realloc(
		set->members, (set->len + !set->len) * sizeof(*members));

	if (members) {
		set->members = members;
		set->cap = set->len + !set->len;
	}
	free(set->seen);
	free(set->parts);
	set->seen = NULL;
	set->parts = NULL;
	set->seen_len = 0;
	set->seen_cap = 0;
}
