/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/catalog.h"

/*
 * The last complete listing of each query, kept so that the next look, even after an
 * unmount, can check it instead of reading it all again (SPEC 7.2). Its rows are numbers
 * of the catalog: a row may be gone or dropped by the time the listing is loaded.
 */
struct catalog_listing {
	int64_t completed_ms; /* wall time at which it was complete */
	bool ordered;         /* its jobs stood in falling order of created_at */
};

enum {
	LISTINGS_MAX = 64,
	LISTING_BYTES_MAX = 128 << 20,
	LISTING_ROW_BYTES = 8,
};

/*
 * Keeps `len` rows (each > 0) as the listing of `key`, in place of what was kept under
 * it, as part of the transaction. Beyond LISTINGS_MAX the one completed longest ago goes;
 * one of more than LISTING_BYTES_MAX is not kept. 0 in these cases too, or -EIO.
 */
int listings_save(struct catalog *catalog, const char *key,
	const struct catalog_listing *listing, const int64_t *rows, size_t len);

/*
 * 0, with the rows in memory of malloc() that is the caller's to free; -ENOENT where none
 * is kept, or what is kept cannot be right: that is then forgotten; -ENOMEM, -EIO.
 */
int listings_load(struct catalog *catalog, const char *key,
	struct catalog_listing *ret_listing, int64_t **ret_rows, size_t *ret_len);

/* 0, also where there is none, or -EIO. */
int listings_forget(struct catalog *catalog, const char *key);
int listings_forget_all(struct catalog *catalog);

/*
 * The newest change that the listings of a query have shown, by a number that the caller
 * derives from the query. It survives listings_forget_all(). Beyond NEWEST_MAX the oldest
 * changes are deleted.
 */
enum { NEWEST_MAX = 4096 };

/* Stores `changed_ms` as part of the transaction. Returns 0 or -EIO. */
int newest_save(struct catalog *catalog, uint64_t listing, int64_t changed_ms);

/* Returns 0, -ENOENT if none is stored, or -EIO. */
int newest_load(struct catalog *catalog, uint64_t listing, int64_t *ret_changed_ms);
