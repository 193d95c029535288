/* SPDX-License-Identifier: MIT */
#include "prefetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum {
	/* Larger files are not pushed: a READ costs little compared to reading them. */
	TEXT_MAX = 1 << 20,
	/*
	 * After this many texts whose node the kernel did not know, stop: it has
	 * forgotten the nodes and will look the names up again.
	 */
	UNKNOWN_MAX = 16,
};

static void prefetch_move_to_front(struct prefetch *ahead, size_t at)
{
	struct prefetch_order walk = ahead->orders[at];

	memmove(&ahead->orders[1], &ahead->orders[0], at * sizeof(walk));
	ahead->orders[0] = walk;
}

/*
 * Pushes a job's text into the page cache. Returns 0 and its length, -ENODATA or -ESTALE
 * if this job has no text to push, or another negative errno if no more can be pushed
 * now.
 */
static int prefetch_give(struct fs *fs, int64_t row, size_t *ret_len)
{
	struct catalog_job job;
	int err = jobs_by_row(fs->catalog, row, &job);

	if (err || job.deleted || !job.has_text || job.size <= 0 || job.size > TEXT_MAX)
		return -ENODATA;

	size_t len = (size_t)job.size;
	char *text = malloc(len);

	err = text ? texts_read(fs->catalog, &job, 0, text, len, &len) : -ENOMEM;
	if (err) {
		free(text);
		return err;
	}
	*ret_len = len;
	return notifier_store(fs->notifier, job.node, text, len);
}

static void prefetch_give_next(struct fs *fs, struct prefetch_order *walk)
{
	size_t end = walk->rank + PREFETCH_FILES;
	size_t bytes = 0;
	int64_t row;

	if (walk->given <= walk->rank)
		walk->given = walk->rank + 1;
	while (walk->given < end && bytes < PREFETCH_BYTES &&
		(row = prefetch_order_row(walk, walk->given))) {
		size_t len = 0;
		int err = walk->given % PREFETCH_MARK ? prefetch_give(fs, row, &len)
						      : -ENODATA;

		if (err && err != -ENODATA && err != -ESTALE)
			return;
		bytes += len;
		walk->given++;
	}
}

static void prefetch_go_on_sorting(void *ctx)
{
	struct fs *fs = ctx;
	bool more = false;

	for (int i = 0; i < PREFETCH_READERS; i++) {
		struct prefetch_order *walk = &fs->prefetch.orders[i];

		if (walk->state == ORDER_SORTING &&
			!prefetch_order_sort(walk, fs->catalog))
			more = true;
	}
	if (more)
		loop_timer_set(fs->loop, &fs->prefetch.sorting, loop_now_ms(fs->loop));
}

void prefetch_init(struct fs *fs)
{
	loop_timer_init(&fs->prefetch.sorting, prefetch_go_on_sorting, fs);
}

void prefetch_done(struct fs *fs)
{
	loop_timer_cancel(&fs->prefetch.sorting);
	for (int i = 0; i < PREFETCH_READERS; i++)
		prefetch_order_end(&fs->prefetch.orders[i]);
}

void prefetch_opened(struct fs *fs, uint64_t dir, struct listing *listing)
{
	struct prefetch *ahead = &fs->prefetch;
	size_t at = 0;

	while (at < PREFETCH_READERS - 1 && ahead->orders[at].dir != dir)
		at++;
	prefetch_move_to_front(ahead, at);
	if (ahead->orders[0].listing != listing)
		prefetch_order_begin(&ahead->orders[0], dir, listing);
	ahead->orders[0].blind = false;
}

void prefetch_read(struct fs *fs, const struct catalog_job *job)
{
	struct prefetch *ahead = &fs->prefetch;
	size_t at = 0;

	while (at < PREFETCH_READERS && !prefetch_order_read(&ahead->orders[at], job))
		at++;
	if (at == PREFETCH_READERS)
		return;
	prefetch_move_to_front(ahead, at);

	struct prefetch_order *walk = &ahead->orders[0];

	if (walk->state == ORDER_SORTING)
		loop_timer_set(fs->loop, &ahead->sorting, loop_now_ms(fs->loop));
	if (notifier_unknown(fs->notifier) >= UNKNOWN_MAX)
		walk->blind = true;
	if (walk->state == ORDER_KNOWN && !walk->blind) {
		catalog_read_begin(fs->catalog);
		prefetch_give_next(fs, walk);
		catalog_read_end(fs->catalog);
	}
}
