/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/jobs.h"

/*
 * What a listing is expected to be by now: rows of jobs in falling order of created_at.
 * Where a row stands is found by its time, with some twenty look-ups in the catalog.
 */
struct expected {
	struct catalog *catalog;
	int64_t *rows; /* of malloc(), owned */
	size_t len;
	size_t cap;
};

/* Takes `rows`, of malloc(). */
void expected_init(
	struct expected *expected, struct catalog *catalog, int64_t *rows, size_t len);
void expected_done(struct expected *expected);

/*
 * Where the job stands; `hint` is looked at first. 0; -ENOENT, with in `ret_at` where it
 * would stand; -EIO, also where a row among them is not known any more.
 */
int expected_find(const struct expected *expected, const struct catalog_job *job,
	size_t hint, size_t *ret_at);

/* Replaces rows [from, to) by others. 0 or -ENOMEM. */
int expected_splice(struct expected *expected, size_t from, size_t to,
	const int64_t *rows, size_t len);
