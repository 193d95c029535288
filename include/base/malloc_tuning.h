/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * Configures malloc() to return freed memory to the system. Call it before starting
 * threads. Settings that the C library rejects are ignored.
 */
void malloc_tuning_apply(void);

/*
 * Returns the number of bytes allocated with malloc() and not yet freed. Unlike the
 * resident set size it does not depend on fragmentation. Returns 0 if malloc() was
 * replaced, as in a build with sanitizers.
 */
uint64_t malloc_in_use(void);
