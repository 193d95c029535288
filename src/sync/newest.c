/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "base/sha256.h"
#include "catalog/saved_listings.h"
#include "gladia/timestamp.h"
#include "internal.h"

/*
 * Stores the newest change that the listings of each query have shown: the mtime of its
 * directories (SEMANTICS 5.1). It never decreases, because a revalidated listing has not
 * looked at all of its jobs again (revalidate.h).
 */

/* Returns the catalog key: a digest, as the query may hold metadata of deleted jobs. */
static uint64_t newest_number(enum listing_kind kind, const char *key)
{
	char text[QUERY_KEY_MAX + 16];

	(void)snprintf(text, sizeof(text), "%d %s", (int)kind, key);
	return sha256_u63("newest", text);
}

void newest_note(struct listing *listing, int64_t changed_ms)
{
	if (changed_ms > listing->newest_ms)
		listing->newest_ms = changed_ms;
}

static void newest_note_days(struct listing *listing)
{
	const struct member_set *days = &listing->members;

	for (size_t i = 0; i < days->len; i++)
		newest_note(listing, (days->members[i] - LISTING_DAY_BASE) * DAY_MS);
}

void newest_publish(struct listing *listing)
{
	struct sync *sync = listing->sync;
	uint64_t number = newest_number(listing->kind, listing->key);
	int64_t before_ms = JOB_NO_TIME;

	if (listing->kind == LISTING_DAYS)
		newest_note_days(listing);

	int err = newest_load(sync->catalog, number, &before_ms);

	/* If the catalog cannot store it, it has logged the reason. */
	if ((!err || err == -ENOENT) && listing->newest_ms > before_ms)
		newest_save(sync->catalog, number, listing->newest_ms);
	if (sync->handlers.on_listed)
		sync->handlers.on_listed(sync->handlers_ctx, &listing->query);
}

int64_t listing_newest_ms(
	const struct sync *sync, enum listing_kind kind, const struct query *query)
{
	char key[QUERY_KEY_MAX];
	int64_t newest_ms;

	query_key(query, key);
	if (newest_load(sync->catalog, newest_number(kind, key), &newest_ms))
		return JOB_NO_TIME;
	return newest_ms;
}
