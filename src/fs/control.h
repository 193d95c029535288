/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct fs;
struct request;

/*
 * The files in .gladiafs/ (SEMANTICS 9.1). The kernel sends no OPEN for them, so the
 * contents are fixed when the name is looked up: each lookup makes a snapshot with a node
 * of its own. Its size is therefore exact, and a reader never sees parts of two states.
 * The kernel does not cache the name, so the next lookup shows the current state.
 *
 * A snapshot is freed when the kernel forgets its node. If there are more than
 * CONTROL_SNAPSHOTS_MAX, the oldest is freed; reading it then fails with ESTALE.
 */
enum { CONTROL_SNAPSHOTS_MAX = 64, CONTROL_TEXT_MAX = 256 << 10 };

struct control {
	struct list snapshots; /* oldest first */
	unsigned len;
	uint64_t last; /* number of the newest snapshot */
};

/* Returns the name of the file number `index`, or NULL past the last one. */
const char *control_file_name(size_t index);

void control_init(struct control *control);
void control_done(struct control *control);

/* Handler of LOOKUP in .gladiafs/ (request.h). */
int control_lookup(struct request *request);

/* True if `node` is a snapshot's. No other nodes have such numbers. */
bool control_is_node(uint64_t node);

/* Handlers of GETATTR and READ for a snapshot's node (request.h). */
int control_getattr(struct request *request);
int control_read(struct request *request);

/*
 * Drops `count` of the kernel's references to a snapshot, and frees it with the last one.
 */
void control_forget(struct control *control, uint64_t node, uint64_t count);
