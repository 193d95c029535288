/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * CLEANUP(fn) before a declaration calls fn(&variable) when the scope ends, on every
 * way out of it (GCC's and clang's cleanup attribute).
 */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_file(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

/* Gives the pointer away: the variable no longer owns it, so its cleanup frees nothing.
 */
static inline void *cleanup_take(void *pointer)
{
	void *value = *(void **)pointer;

	*(void **)pointer = NULL;
	return value;
}

#define CLEANUP_FREE  CLEANUP(cleanup_free)
#define CLEANUP_CLOSE CLEANUP(cleanup_close)
#define CLEANUP_FILE  CLEANUP(cleanup_file)
