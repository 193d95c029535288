/* SPDX-License-Identifier: MIT */
#include "row_order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void row_order_init(
	struct row_order *order, struct catalog *catalog, int64_t *rows, size_t len)
{
	*order = (struct row_order){
		.catalog = catalog, .rows = rows, .len = len, .cap = len};
}

void row_order_done(struct row_order *order)
{
	free(order->rows);
	*order = (struct row_order){0};
}

static int row_order_created_at(const struct row_order *order, size_t at, int64_t *ret_ms)
{
	struct catalog_job job;

	if (jobs_by_row(order->catalog, order->rows[at], &job))
		return -EIO;
	*ret_ms = job.job.created_ms;
	return 0;
}

/* Finds the first position whose job was created at `ms` or earlier. */
static int row_order_first_not_after(
	const struct row_order *order, int64_t ms, size_t *ret_at)
{
	size_t low = 0;
	size_t high = order->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int64_t created;
		int err = row_order_created_at(order, middle, &created);

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

int row_order_find(const struct row_order *order, const struct catalog_job *job,
	size_t hint, size_t *ret_at)
{
	size_t at = 0;

	if (hint < order->len && order->rows[hint] == job->row) {
		*ret_at = hint;
		return 0;
	}

	int err = row_order_first_not_after(order, job->job.created_ms, &at);

	*ret_at = at;
	for (; !err && at < order->len; at++) {
		int64_t created = 0;

		if (order->rows[at] == job->row) {
			*ret_at = at;
			return 0;
		}
		err = row_order_created_at(order, at, &created);
		if (!err && created != job->job.created_ms)
			break;
	}
	return err ? err : -ENOENT;
}

int row_order_splice(
	struct row_order *order, size_t from, size_t to, const int64_t *rows, size_t len)
{
	size_t new_len = order->len - (to - from) + len;

	int err = ARRAY_RESERVE(order->rows, order->cap, new_len);

	if (err)
		return err;
	memmove(order->rows + from + len, order->rows + to,
		(order->len - to) * sizeof(*rows));
	if (len)
		memcpy(order->rows + from, rows, len * sizeof(*rows));
	order->len = new_len;
	return 0;
}
