/* SPDX-License-Identifier: MIT */
#include "base/malloc_tuning.h"

#include <malloc.h>

/*
 * By default glibc allocates blocks of 128 KiB and more with mmap(), but adapts: after
 * such a block was freed, blocks up to its size (at most 32 MiB) come from the heap, and
 * twice that size stays unused at the end of the heap. We allocate and free large texts
 * all the time, so resident memory grew and shrank in steps of their size. With fixed
 * thresholds each large block is returned to the system when it is freed, and little
 * stays unused at the end of the heap.
 *
 * The threshold is above 256 KiB, so that the buffers every request needs (libcurl's
 * receive buffer, those of SQLite) stay in the heap: mapping and clearing 256 KiB for
 * each request took 150 us instead of 5.
 *
 * One arena is enough, because only one thread does most of the work. By default every
 * thread, even that of the resolver, would have its own.
 */
enum { MAPPED_FROM = 512 << 10, KEPT = 1 << 20 };

void malloc_tuning_apply(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
	(void)mallopt(M_TRIM_THRESHOLD, KEPT);
	(void)mallopt(M_ARENA_MAX, 1);
}

uint64_t malloc_in_use(void)
{
	struct mallinfo2 heap = mallinfo2();

	return heap.uordblks + heap.hblkhd;
}
