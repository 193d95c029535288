/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The disk space that is left for the database file. */
struct room {
	int64_t left;    /* number of bytes by which the file can grow */
	int64_t reserve; /* number of bytes that we keep free by evicting texts */
	bool closed;     /* nothing can be written, for example to a read-only disk */
};

/*
 * Returns the space that is left for a file of `file_size` bytes in the directory with
 * the descriptor `dir`. A limit on the size of files (RLIMIT_FSIZE) counts like the end
 * of the disk. Blocks if a network or FUSE filesystem does not answer.
 */
struct room room_measure(int dir, int64_t file_size);

/* Returns a space for which room_is_unsure() is true, but room_is_low() is not. */
struct room room_unsure(void);

/* True if the disk takes a small unnamed file in the directory, or cannot make one. */
bool room_takes_writes(int dir);

/* True if less than the reserve is left, and evicting texts can help. */
bool room_is_low(const struct room *room);

/* True if there may be no journal on disk for a transaction that begins now. */
bool room_is_unsure(const struct room *room);
