/* SPDX-License-Identifier: MIT */
#include "row_order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void row_order_init(
	struct row_order *expected, struct catalog *catalog, int64_t *rows, size_t len)
{
	*expected = (struct row_order){
		.catalog = catalog, .rows = rows, .len = len, .cap = len};
}

void row_order_done(struct row_order *expected)
{
	free(expected->rows);
	*expected = (struct row_order){0};
}

static int row_order_created_at(
	const struct row_order *expected, size_t at, int64_t *ret_ms)
{
	struct catalog_job job;

	if (jobs_by_row(expected->catalog, expected->rows[at], &job))
		return -EIO;
	*ret_ms = job.job.created_ms;
	return 0;
}

/* Finds the first position whose job was created at `ms` or earlier. */
static int row_order_first_not_after(
	const struct row_order *expected, int64_t ms, size_t *ret_at)
{
	size_t low = 0;
	size_t high = expected->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int64_t created;
		int err = row_order_created_at(expected, middle, &created);

		if (err)
			return err;
		if (created > ms)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_at = low;
	return 0;
}

int row_order_find(const struct row_order *expected, const struct catalog_job *job,
	size_t hint, size_t *ret_at)
{
	size_t at = 0;

	if (hint < expected->len && expected->rows[hint] == job->row) {
		*ret_at = hint;
		return 0;
	}

	int err = row_order_first_not_after(expected, job->job.created_ms, &at);

	*ret_at = at;
	for (; !err && at < expected->len; at++) {
		int64_t created = 0;

		if (expected->rows[at] == job->row) {
			*ret_at = at;
			return 0;
		}
		err = row_order_created_at(expected, at, &created);
		if (!err && created != job->job.created_ms)
			break;
	}
	return err ? err : -ENOENT;
}

int row_order_splice(struct row_order *expected, size_t from, size_t to,
	const int64_t *rows, size_t len)
{
	size_t new_len = expected->len - (to - from) + len;

	int err = ARRAY_RESERVE(expected->rows, expected->cap, new_len);

	if (err)
		return err;
	memmove(expected->rows + from + len, expected->rows + to,
		(expected->len - to) * sizeof(*rows));
	if (len)
		memcpy(expected->rows + from, rows, len * sizeof(*rows));
	expected->len = new_len;
	return 0;
}
