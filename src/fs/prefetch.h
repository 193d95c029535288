/* SPDX-License-Identifier: MIT */
#pragma once

#include "loop/loop.h"
#include "prefetch_order.h"

struct fs;

/*
 * Prefetches texts into the kernel's page cache (notifier_store()) for a reader that
 * reads one file of a directory after the other, because a READ message costs several
 * times as much as the reading itself. Only texts that are in the catalog now are pushed,
 * only for such a reader, and at most PREFETCH_FILES files and PREFETCH_BYTES bytes at a
 * time.
 *
 * The kernel sends no READ for a file that was pushed, so we leave out one file in
 * PREFETCH_MARK: its READ shows how far the reader has come.
 */
enum {
	PREFETCH_READERS = 4,
	PREFETCH_FILES = 128,
	PREFETCH_MARK = 32,
	PREFETCH_BYTES = 4 << 20
};

struct prefetch {
	struct prefetch_order orders[PREFETCH_READERS]; /* most recently used first */
	struct loop_timer sorting; /* sorts the next batch of a directory */
};

void prefetch_init(struct fs *fs);

/* Stops sorting and releases all listings. */
void prefetch_done(struct fs *fs);

/* Notes that a directory of jobs was opened. Takes a reference to `listing`. */
void prefetch_opened(struct fs *fs, uint64_t dir, struct listing *listing);

/*
 * Notes that a job's file was read from its start and that the READ was answered. Pushes
 * the next files if a reader goes through the directory.
 */
void prefetch_read(struct fs *fs, const struct catalog_job *job);
