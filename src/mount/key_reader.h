/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/log.h"
#include "config/api_key.h"
#include "gladia/api.h"
#include "loop/loop.h"

/*
 * Reads the key file again while the filesystem is mounted (SEMANTICS 1.5). A child
 * process reads it, because the filesystem that it is on may never answer.
 */
struct key_reader;

/*
 * Creates a reader. Keeps all arguments by reference. `on_end(ctx)` is called from the
 * event loop whenever a read has ended, or takes too long. Returns 0 or -ENOMEM.
 */
int key_reader_new(struct loop *loop, const struct log *log,
	const struct key_source *source, struct api *api, void (*on_end)(void *ctx),
	void *ctx, struct key_reader **ret_reader);

/*
 * Starts reading the key file, and passes the key to api_set_key() when it has been read.
 * Never blocks. If there is no key file, only calls `on_end`. If the file cannot be read
 * or has no valid key, the current key remains in use, and a warning says why.
 *
 * If the file is not read within a few seconds, a warning says so and `on_end` is called;
 * the key is still used if it arrives later. If a read is in progress already, another
 * one follows it, so that there is never more than one child process.
 */
void key_reader_start(struct key_reader *reader);

/* Frees the reader without waiting for a child process. NULL is allowed. */
void key_reader_free(struct key_reader *reader);
