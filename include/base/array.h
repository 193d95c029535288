/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

/* The number of elements of an array. */
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Makes room for `len` elements in `array`, a pointer that is NULL or allocated with
 * malloc(), whose capacity is `cap` (a size_t). Whenever it grows, its capacity at least
 * doubles. Evaluates its arguments several times. Returns 0, or -ENOMEM; then the array
 * is unchanged.
 */
#define ARRAY_RESERVE(array, cap, len)                             \
	({                                                         \
		void *array_grown = array_grow(                    \
			(array), &(cap), (len), sizeof(*(array))); \
		if (array_grown)                                   \
			(array) = array_grown;                     \
		array_grown ? 0 : -ENOMEM;                         \
	})

/* Implements ARRAY_RESERVE(). Returns the array, which may have moved, or NULL. */
void *array_grow(void *array, size_t *cap, size_t len, size_t element_size);

/* A growing array of row numbers, or of other numbers. Initialise it with {0}. */
struct rows {
	int64_t *rows; /* allocated with malloc() */
	size_t len;
	size_t cap;
};

/* Appends copies of `len` rows. Returns 0 or -ENOMEM. */
int rows_append(struct rows *rows, const int64_t *more, size_t len);

/* Frees the rows and makes the array empty. */
void rows_done(struct rows *rows);
