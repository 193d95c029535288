/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The members of a listing: positive numbers (rows of the catalog, days, or numbers of
 * names), each of them once, that are only ever added at the end. A position refers to
 * the same member for as long as the set exists, so a readdir() cookie can be a position.
 *
 * While the set grows it also records every number that was seen without becoming a
 * member (the job does not match the filter), and in which part of the listing each
 * number was seen last. It takes 8 bytes per member, and 16 to 32 more while it grows.
 */
struct member_set {
	int64_t *members;
	size_t len;
	size_t cap;
	int64_t *seen; /* hash table of the numbers seen (open addressing); 0: empty */
	uint8_t *parts;
	size_t seen_len;
	size_t seen_cap;
};

enum { MEMBER_SET_MAX = 16 << 20 }; /* members */

/* Makes an empty set. */
void member_set_init(struct member_set *set);

/* Frees the memory of the set and makes it empty. */
void member_set_done(struct member_set *set);

/*
 * Records that `number` (> 0) was seen in `part`. If `emit` is true and the number was
 * never seen before, adds it at the end as a member. Returns 0, -ENOMEM, or -EFBIG beyond
 * MEMBER_SET_MAX numbers.
 */
int member_set_add(struct member_set *set, int64_t number, uint8_t part, bool emit);

/* True if `number` was ever seen. Do not call after member_set_seal(). */
bool member_set_has(const struct member_set *set, int64_t number);

/* True if `part` is the part in which `number` was seen last. */
bool member_set_has_in(const struct member_set *set, int64_t number, uint8_t part);

/*
 * Ends the growth of the set and frees the memory that only growing needs. The members
 * stay.
 */
void member_set_seal(struct member_set *set);
