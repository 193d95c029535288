/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/jobs.h"

/*
 * The jobs that a listing is predicted to have now, as rows in descending order of
 * created_at. A job's position is found by a binary search for its creation time, which
 * takes some twenty look-ups in the catalog.
 */
struct row_order {
	struct catalog *catalog;
	int64_t *rows; /* allocated with malloc(), owned */
	size_t len;
	size_t cap;
};

/* Takes ownership of `rows`, allocated with malloc(). */
void row_order_init(
	struct row_order *order, struct catalog *catalog, int64_t *rows, size_t len);

/* Frees the rows. */
void row_order_done(struct row_order *order);

/*
 * Finds the position of a job; `hint` is tried first. Returns 0. Returns -ENOENT if the
 * job is not in the list; `ret_at` is then the position at which it belongs. Returns -EIO
 * if the catalog fails or does not know one of the rows.
 */
int row_order_find(const struct row_order *order, const struct catalog_job *job,
	size_t hint, size_t *ret_at);

/* Replaces the rows at positions [from, to) by `rows`. Returns 0 or -ENOMEM. */
int row_order_splice(
	struct row_order *order, size_t from, size_t to, const int64_t *rows, size_t len);
