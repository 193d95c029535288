/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * Has malloc() give memory back to the system. Before there are threads. What the system
 * refuses of it is done without.
 */
void heap_prepare(void);

/*
 * Bytes that malloc() has handed out and that were not freed. Unlike what the process has
 * in memory it does not depend on gaps between them. 0 where malloc() is not the
 * system's.
 */
uint64_t heap_in_use(void);
