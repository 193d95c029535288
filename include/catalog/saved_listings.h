/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/catalog.h"

/*
 * The last complete listing of each query. It is stored so that the next refresh, even
 * after an unmount, can revalidate the listing instead of reading all of it again
 * (SEMANTICS 7.2). Its members are row numbers of the catalog; when the listing is loaded
 * some of those jobs may be deleted and their rows dropped.
 */
struct catalog_listing {
	int64_t completed_ms; /* wall time at which the listing was complete */
	bool ordered;         /* its jobs were sorted by created_at, newest first */
};

enum {
	SAVED_LISTINGS_MAX = 64,       /* maximum number of stored listings */
	LISTING_BYTES_MAX = 128 << 20, /* maximum size of one listing */
	LISTING_ROW_BYTES = 8,         /* size of one row number */
};

/*
 * Stores `len` rows (each > 0) as the listing of `key` as part of the transaction, and
 * replaces the previous one. If there are more than SAVED_LISTINGS_MAX listings, the one
 * that was completed first is deleted. A listing larger than LISTING_BYTES_MAX is not
 * stored. Returns 0 (in these cases, too) or -EIO.
 */
int saved_listings_save(struct catalog *catalog, const char *key,
	const struct catalog_listing *listing, const int64_t *rows, size_t len);

/*
 * Loads the listing of `key`. The array of rows is allocated with malloc(); the caller
 * frees it. Returns 0, -ENOENT if there is none, or if it is malformed and was therefore
 * deleted, -ENOMEM or -EIO.
 */
int saved_listings_load(struct catalog *catalog, const char *key,
	struct catalog_listing *ret_listing, int64_t **ret_rows, size_t *ret_len);

/* Deletes the listing of `key`. Returns 0, also if there is none, or -EIO. */
int saved_listings_forget(struct catalog *catalog, const char *key);

/* Deletes all stored listings. Returns 0 or -EIO. */
int saved_listings_forget_all(struct catalog *catalog);

/* Maximum number of queries for which the newest change is stored. */
enum { NEWEST_MAX = 4096 };

/*
 * Stores the time of the newest change that the listings of a query have shown, as part
 * of the transaction. `listing` is a number that the caller derives from the query. The
 * value survives saved_listings_forget_all(). If there are more than NEWEST_MAX, the
 * oldest changes are deleted. Returns 0 or -EIO.
 */
int newest_save(struct catalog *catalog, uint64_t listing, int64_t changed_ms);

/*
 * Loads the time that newest_save() stored under the number `listing`. Returns 0, -ENOENT
 * if there is none, or -EIO.
 */
int newest_load(struct catalog *catalog, uint64_t listing, int64_t *ret_changed_ms);
