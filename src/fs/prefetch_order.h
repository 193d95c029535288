/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/jobs.h"
#include "sync/listing.h"

/*
 * Detects whether a reader reads one file of a directory after the other, and predicts
 * the next ones. Readers use one of three orders: the directory's own (grep -r, tar), by
 * name (a shell's *.json, rsync), or by inode number (fts(3) of gnulib in directories of
 * more than 10,000 entries).
 *
 *   LOOKING    the order in which files are read is being observed
 *   SORTING    enough files were read by name or by inode number: the directory is
 *              being sorted, one batch per turn of the event loop (prefetch_order_sort())
 *   WALKING    the order is known. Goes back to LOOKING after some files in a row
 *              that are not among the next ones.
 */
enum walk_order { ORDER_LISTED, ORDER_BY_INODE, ORDER_BY_NAME, ORDERS };
enum walk_state { ORDER_UNKNOWN, ORDER_SORTING, ORDER_KNOWN };

/* A job and the key by which it is sorted. */
struct prefetch_key {
	uint64_t key;
	int64_t row;
};

struct prefetch_order {
	struct listing *listing; /* we hold a reference; NULL if unused */
	uint64_t dir;            /* inode number of the directory */
	enum walk_state state;
	enum walk_order order;
	int64_t row;           /* row of the file read last */
	uint64_t keys[ORDERS]; /* position or sort key of that file in each order */
	unsigned runs[ORDERS]; /* number of reads in a row that followed the order */
	/* Used in SORTING and WALKING, unless the order is the directory's own: */
	struct prefetch_key *sorted;
	size_t sorted_len;
	size_t sorted_cap;
	/* Used in WALKING: */
	size_t rank;     /* rank of the file read last, in `order` */
	size_t given;    /* files before this rank were pushed or left out on purpose */
	unsigned misses; /* files in a row that were not among the next ones */
	bool blind;      /* the kernel does not know the next files: push nothing */
};

enum {
	/* A file counts as one of the next up to this many ranks after the last one. */
	ORDER_REACH = 512,
	/* Larger directories are not sorted, because sorting takes 16 bytes per job. */
	ORDER_SORT_MAX = 64 << 10,
};

/*
 * Begins to observe a directory, and ends what `walk` observed before. Takes a reference
 * to `listing`.
 */
void prefetch_order_begin(
	struct prefetch_order *walk, uint64_t dir, struct listing *listing);

/* Releases the listing and frees the sorted rows; `walk` is unused then. */
void prefetch_order_end(struct prefetch_order *walk);

/*
 * Notes that a job's file is read from its start. Returns true if the file was found in
 * this directory; its state may have changed then.
 */
bool prefetch_order_read(struct prefetch_order *walk, const struct catalog_job *job);

/* In SORTING: sorts another batch. Returns false if there is more to do. */
bool prefetch_order_sort(struct prefetch_order *walk, struct catalog *catalog);

/* In WALKING: returns the row at `rank`, or 0 past the end. */
int64_t prefetch_order_row(const struct prefetch_order *walk, size_t rank);
