/* SPDX-License-Identifier: MIT */
#include "base/malloc_tuning.h"

#include <malloc.h>

/*
 * glibc begins by mapping blocks of 128 KiB and more, and once such a block is freed,
 * takes up to its size, at most 32 MiB, from the heap; of the heap's end it then keeps
 * twice that. Texts come and go all the time between what stays, so resident memory rose
 * and fell in steps of their size. Fixed, each large one is given back when it is freed,
 * and nothing is kept but some room to work in.
 *
 * What each request takes (256 KiB for libcurl to receive into, pieces of SQLite's) stays
 * in the heap: to have 256 KiB mapped and cleared anew took 150 us instead of 5.
 *
 * One arena: else each thread has its own, the resolver's, too, and there is one that
 * works.
 */
enum { MAPPED_FROM = 512 << 10, KEPT = 1 << 20 };

void heap_prepare(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
	(void)mallopt(M_TRIM_THRESHOLD, KEPT);
	(void)mallopt(M_ARENA_MAX, 1);
}

uint64_t heap_in_use(void)
{
	struct mallinfo2 heap = mallinfo2();

	return heap.uordblks + heap.hblkhd;
}
