/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * CLEANUP(fn) in front of a declaration calls fn(&variable) whenever control leaves the
 * variable's scope (the cleanup attribute of GCC and clang).
 */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/*
 * Defines `name`, a function for CLEANUP(): frees the object that a variable of the
 * pointer type `type` points to by calling fn(pointer), unless the variable is NULL.
 */
#define DEFINE_CLEANUP(name, type, fn)          \
	static inline void name(type *variable) \
	{                                       \
		if (*variable)                  \
			fn(*variable);          \
	}

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

/*
 * Returns the pointer stored in the variable at `pointer` and sets that variable to NULL,
 * so that its cleanup frees nothing: the caller now owns the pointer.
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
