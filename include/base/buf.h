/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/*
 * A growing byte buffer with a maximum size. If `data` is not NULL, data[len] is a NUL
 * byte that is not counted in `len`.
 */
struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
};

/* Initializes an empty buffer for at most `max` bytes. Allocates nothing. */
void buf_init(struct buf *buf, size_t max);

/* Frees the memory and leaves an empty buffer with the same maximum. */
void buf_done(struct buf *buf);

/* Empties the buffer but keeps its memory for later use. */
void buf_reset(struct buf *buf);

/*
 * Makes room for `extra` more bytes after `len`. Returns 0, -EMSGSIZE if that would
 * exceed the maximum, or -ENOMEM. On failure the buffer is unchanged.
 */
int buf_reserve(struct buf *buf, size_t extra);

/*
 * Each of these appends to the buffer. Returns 0, -EMSGSIZE if the maximum would be
 * exceeded, or -ENOMEM; on failure nothing is appended. buf_printf() also returns -EINVAL
 * if the format cannot be printed.
 */
int buf_append(struct buf *buf, const void *data, size_t len);
int buf_append_str(struct buf *buf, const char *string);
int buf_printf(struct buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
