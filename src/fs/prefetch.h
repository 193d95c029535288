/* SPDX-License-Identifier: MIT */
#pragma once

#include "loop/loop.h"
#include "prefetch_order.h"

struct fs;

/*
 * Gives the kernel the texts of the files that somebody who reads one file of a directory
 * after the other will read next, before it asks (notifier_store()): a READ message costs
 * several times what the reading does. Nothing is given of what the catalog does not
 * have at this moment, to a reader of single files, or further ahead than AHEAD_FILES and
 * AHEAD_BYTES at a time.
 *
 * As a file that was given is not asked for, one in AHEAD_MARK is left out: its READ
 * tells how far the reader has come.
 */
enum { AHEAD_WALKS = 4, AHEAD_FILES = 128, AHEAD_MARK = 32, AHEAD_BYTES = 4 << 20 };

struct ahead {
	struct walk walks[AHEAD_WALKS]; /* the one used last comes first */
	struct loop_timer sorting;
};

void ahead_init(struct fs *fs);

/* Lets go of all listings. */
void ahead_done(struct fs *fs);

/* A directory of jobs was opened. */
void ahead_opened(struct fs *fs, uint64_t dir, struct listing *listing);

/* A job's file was read from its start; that is answered by now. */
void ahead_read(struct fs *fs, const struct catalog_job *job);
