/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/jobs.h"
#include "sync/listing.h"

/*
 * Sees whether somebody reads one file of a directory after the other, and which come
 * next. There are three orders in which that is done: the directory's own (grep -r, tar),
 * that of the names (a shell's *.json, rsync), and that of the inode numbers (fts(3) of
 * gnulib in directories of more than 10,000 entries).
 *
 *   LOOKING    files are read, and the order they are read in is watched
 *   SORTING    they were read by name or inode number for long enough: the directory is
 *              being sorted, some of it a turn (walk_sort())
 *   WALKING    the order is known; some files in a row that are none of the next end it:
 *              LOOKING
 */
enum walk_order { WALK_LISTED, WALK_BY_INODE, WALK_BY_NAME, WALK_ORDERS };
enum walk_state { WALK_LOOKING, WALK_SORTING, WALK_WALKING };

/* A job by what it is sorted by. */
struct walk_key {
	uint64_t key;
	int64_t row;
};

struct walk {
	struct listing *listing; /* held; NULL: of no directory */
	uint64_t dir;            /* whose listing it is */
	enum walk_state state;
	enum walk_order order;
	/* The file read last: its row, its place in each order, and how many before it
	 * were read in this order. */
	int64_t row;
	uint64_t keys[WALK_ORDERS];
	unsigned runs[WALK_ORDERS];
	/* SORTING and WALKING, but in the directory's own order: */
	struct walk_key *sorted;
	size_t sorted_len;
	size_t sorted_cap;
	/* WALKING: */
	size_t rank;     /* of the file read last, in `order` */
	size_t given;    /* up to this rank somebody has seen to the files */
	unsigned misses; /* files read since that are none of the next */
	bool blind;      /* the kernel does not know what comes next */
};

enum {
	/* How far beyond the last one a file may stand to be one of the next. */
	WALK_REACH = 512,
	/* A directory with more jobs is not sorted: it takes 16 bytes for each. */
	WALK_SORT_MAX = 64 << 10,
};

/* Takes the listing's place for a directory's listing; holds it by itself. */
void walk_begin(struct walk *walk, uint64_t dir, struct listing *listing);
void walk_end(struct walk *walk);

/*
 * A job's file is read from its start. Returns whether that is one of this directory's,
 * read by somebody who walks or may be about to; look at the state then.
 */
bool walk_read(struct walk *walk, const struct catalog_job *job);

/* SORTING: does a part of it. False: there is more to do. */
bool walk_sort(struct walk *walk, struct catalog *catalog);

/* WALKING: the row at a rank; 0 past the end. */
int64_t walk_row(const struct walk *walk, size_t rank);
