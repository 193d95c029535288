/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The space that is left for a database's file. */
struct room {
	int64_t left;    /* bytes by which the file can grow */
	int64_t reserve; /* bytes that shall stay free, by evicting texts */
};

/*
 * Looks how much space there is on the disk of a directory's descriptor for a file of
 * `file_size` bytes. A limit on the size of files (RLIMIT_FSIZE) counts as a full disk.
 * Does not wait for the disk.
 */
struct room room_look(int dir, int64_t file_size);

/* True if less than the reserve is left. */
bool room_is_low(const struct room *room);

/* True if there may be no space for the journal of a transaction that begins now. */
bool room_is_unsure(const struct room *room);
