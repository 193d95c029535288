/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/*
 * Bytes that grow, up to a maximum that whoever makes the buffer must name. Where
 * `data` is not NULL, data[len] is a NUL byte that `len` does not count.
 */
struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
};

/* An empty buffer that will never hold more than `max` bytes. Allocates nothing. */
void buf_init(struct buf *buf, size_t max);

/* Frees the bytes and leaves an empty buffer with the same maximum. */
void buf_done(struct buf *buf);

/* Forgets the bytes, keeps the memory. */
void buf_reset(struct buf *buf);

/*
 * Makes room for `extra` more bytes after `len`. 0, -EMSGSIZE where that would pass the
 * maximum, -ENOMEM. On failure the buffer is as it was.
 */
int buf_reserve(struct buf *buf, size_t extra);

/* Appends; fails as buf_reserve() does, and then appends nothing. */
int buf_append(struct buf *buf, const void *data, size_t len);
int buf_append_str(struct buf *buf, const char *string);
int buf_printf(struct buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
