/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/histogram.h"

struct fs;

/* The opcodes of FUSE messages are less than this. */
enum { STATS_OPCODES = 64 };

/* Counts of the kernel's messages and requests. */
struct counts {
	uint64_t messages[STATS_OPCODES];
	uint64_t hits;   /* requests answered at once */
	uint64_t waits;  /* requests answered after they were parked */
	uint64_t failed; /* requests of both kinds that failed, except with ENOENT */
	struct histogram wait;
};

/* Counts one message with this opcode. */
void stats_count(struct counts *counts, uint32_t opcode);

/* Returns the name of the messages with this opcode, or NULL if it is not known. */
const char *stats_message_name(uint32_t opcode);

/*
 * Prints .gladiafs/stats as JSON; docs/CONTROL.md describes its fields. Returns 0,
 * -ENOMEM or -EIO.
 */
int stats_print(struct fs *fs, struct buf *out);
