/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/list.h"

struct fs;
struct fuse_file_info;
struct request;

/*
 * The files in .gladiafs/ (SPEC 9.1). As OPEN never comes, what one holds is fixed when
 * its name is looked up: each look-up makes a *snapshot*, with a node of its own, so that
 * its size is exact and a reader never sees two states mixed. The kernel keeps no name of
 * it, so the next look at the name sees the present. A snapshot ends when the kernel
 * forgets it, or, past CONTROL_SNAPSHOTS_MAX, as the oldest: reading it is then ESTALE.
 */
enum { CONTROL_SNAPSHOTS_MAX = 64, CONTROL_TEXT_MAX = 256 << 10 };

struct control {
	struct list snapshots; /* the oldest first */
	unsigned len;
	uint64_t last;
};

/* What the kernel asked, for stats. FUSE's numbers of messages are below CONTROL_KINDS.
 */
enum { CONTROL_KINDS = 64 };

struct counts {
	uint64_t messages[CONTROL_KINDS];
	uint64_t hits;   /* answered at once */
	uint64_t waits;  /* after they were parked, */
	uint64_t failed; /* and of both, those with an errno other than ENOENT */
	struct histogram wait;
};

void control_init(struct control *control);
void control_done(struct control *control);

/* A message of this kind came. */
void control_count(struct counts *counts, uint32_t kind);

/* LOOKUP in .gladiafs; replies and frees. */
void control_lookup(struct request *request);

/* Of snapshots' nodes; no other node is of their kind. */
bool control_is_node(uint64_t node);
void control_getattr(struct request *request);
void control_read(struct request *request);
void control_forget(struct control *control, uint64_t node, uint64_t count);
