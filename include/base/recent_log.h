/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/clock.h"

/*
 * The last sentences of the log, for whoever asks later (SPEC 9.1). May be used from any
 * thread; waits for nothing but a short copy.
 */
struct sentences;

enum { SENTENCES_MAX = 64, SENTENCES_TEXT_MAX = 1200 };

/* `clock` by reference. 0, -ENOMEM. */
int sentences_new(const struct clock *clock, struct sentences **ret_sentences);

/* NULL is fine. */
void sentences_free(struct sentences *sentences);

/*
 * Keeps a copy with the present time, the oldest goes. A longer text is cut; its control
 * characters become '?', so that a sentence is a line.
 */
void sentences_add(struct sentences *sentences, const char *text);

/* Calls fn with each, the oldest first; fn must not log. */
void sentences_each(struct sentences *sentences,
	void (*fn)(void *ctx, int64_t wall_ms, const char *text), void *ctx);
