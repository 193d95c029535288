/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Compresses chunks of texts for the database, in a thread of its own, so that the event
 * loop can parse the next job meanwhile. The queue has few places. It belongs to the
 * caller, except that the thread owns the one chunk that it is compressing.
 *
 * The first byte of a stored chunk says how it is stored: 1 is a frame of zstd; any other
 * byte is the first one of a chunk that is stored as it is. Texts are JSON, which has no
 * byte 1.
 */
struct compressor;

enum { CHUNK_SIZE = 128 << 10 }; /* maximum size of a chunk, in bytes of its text */

/* Starts the thread. Returns 0, -ENOMEM or -EAGAIN. */
int compressor_new(struct compressor **ret_compressor);

/* Ends the thread and frees its queue. Does nothing if `compressor` is NULL. */
void compressor_free(struct compressor *compressor);

/*
 * Copies a chunk of up to CHUNK_SIZE bytes to the queue. `number` is the caller's name
 * for it. Returns false if the queue is full: call compressor_take() first.
 */
bool compressor_put(
	struct compressor *compressor, int64_t number, const char *chunk, size_t len);

/*
 * Takes the oldest chunk from the queue as it is to be stored, which is valid until the
 * next call. If the thread has not begun with it, compresses it here instead of waiting:
 * on a busy machine the thread may not run for a while, and the caller holds the lock of
 * the database. Returns false if the queue is empty.
 */
bool compressor_take(struct compressor *compressor, int64_t *ret_number,
	const char **ret_stored, size_t *ret_len);

/*
 * Returns the chunk that was stored as `stored`, or NULL if it is damaged; a frame has a
 * checksum. The chunk is valid until the next call. If it was compressed, it has at most
 * CHUNK_SIZE bytes, whatever its data says.
 */
const char *compressor_unpack(
	struct compressor *compressor, const char *stored, size_t len, size_t *ret_len);
