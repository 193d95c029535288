/* SPDX-License-Identifier: MIT */
#pragma once

#include "transcript.h"

/* Consecutive utterances of the same voice. */
struct turn {
	const struct utterance *first;
	size_t next;     /* position of the utterance after it */
	struct buf text; /* what is said, as one line; isolated if it follows a label */
};

/* Prepares for the first turn. turn_done() frees the memory. */
void turn_init(struct turn *turn);
void turn_done(struct turn *turn);

/*
 * Reads the next turn of a transcript. Text that is written from right to left is
 * isolated (direction.h) if the turn has a voice, because its name is a label before it.
 *
 * Returns 0, -ENODATA after the last turn, -EMSGSIZE if the text would become too large,
 * or -ENOMEM.
 */
int turn_read(struct turn *turn, const struct transcript *transcript);
