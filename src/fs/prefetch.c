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

static void move_to_front(struct ahead *ahead, size_t at)
{
	struct walk walk = ahead->walks[at];

	memmove(&ahead->walks[1], &ahead->walks[0], at * sizeof(walk));
	ahead->walks[0] = walk;
}

/*
 * Pushes a job's text into the page cache. Returns 0 and its length, -ENODATA or -ESTALE
 * if this job has no text to push, or another negative errno if no more can be pushed
 * now.
 */
static int give(struct fs *fs, int64_t row, size_t *ret_len)
{
	struct catalog_job job;
	int err = jobs_by_row(fs->catalog, row, &job);

	if (err || job.gone || !job.kept || job.size <= 0 || job.size > TEXT_MAX)
		return -ENODATA;

	size_t len = (size_t)job.size;
	char *text = malloc(len);

	err = text ? bodies_read(fs->catalog, &job, 0, text, len, &len) : -ENOMEM;
	if (err) {
		free(text);
		return err;
	}
	*ret_len = len;
	return notifier_store(fs->notifier, job.node, text, len);
}

static void give_next(struct fs *fs, struct walk *walk)
{
	size_t end = walk->rank + AHEAD_FILES;
	size_t bytes = 0;
	int64_t row;

	if (walk->given <= walk->rank)
		walk->given = walk->rank + 1;
	while (walk->given < end && bytes < AHEAD_BYTES &&
		(row = walk_row(walk, walk->given))) {
		size_t len = 0;
		int err = walk->given % AHEAD_MARK ? give(fs, row, &len) : -ENODATA;

		if (err && err != -ENODATA && err != -ESTALE)
			return;
		bytes += len;
		walk->given++;
	}
}

static void go_on_sorting(void *ctx)
{
	struct fs *fs = ctx;
	bool more = false;

	for (int i = 0; i < AHEAD_WALKS; i++) {
		struct walk *walk = &fs->ahead.walks[i];

		if (walk->state == WALK_SORTING && !walk_sort(walk, fs->catalog))
			more = true;
	}
	if (more)
		loop_timer_set(fs->loop, &fs->ahead.sorting, loop_now_ms(fs->loop));
}

void ahead_init(struct fs *fs)
{
	loop_timer_init(&fs->ahead.sorting, go_on_sorting, fs);
}

void ahead_done(struct fs *fs)
{
	loop_timer_cancel(&fs->ahead.sorting);
	for (int i = 0; i < AHEAD_WALKS; i++)
		walk_end(&fs->ahead.walks[i]);
}

void ahead_opened(struct fs *fs, uint64_t dir, struct listing *listing)
{
	struct ahead *ahead = &fs->ahead;
	size_t at = 0;

	while (at < AHEAD_WALKS - 1 && ahead->walks[at].dir != dir)
		at++;
	move_to_front(ahead, at);
	if (ahead->walks[0].listing != listing)
		walk_begin(&ahead->walks[0], dir, listing);
	ahead->walks[0].blind = false;
}

void ahead_read(struct fs *fs, const struct catalog_job *job)
{
	struct ahead *ahead = &fs->ahead;
	size_t at = 0;

	while (at < AHEAD_WALKS && !walk_read(&ahead->walks[at], job))
		at++;
	if (at == AHEAD_WALKS)
		return;
	move_to_front(ahead, at);

	struct walk *walk = &ahead->walks[0];

	if (walk->state == WALK_SORTING)
		loop_timer_set(fs->loop, &ahead->sorting, loop_now_ms(fs->loop));
	if (notifier_unknown(fs->notifier) >= UNKNOWN_MAX)
		walk->blind = true;
	if (walk->state == WALK_WALKING && !walk->blind) {
		catalog_read_begin(fs->catalog);
		give_next(fs, walk);
		catalog_read_end(fs->catalog);
	}
}
