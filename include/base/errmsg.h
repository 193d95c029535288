/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

/*
 * For functions that fail with a sentence for the user: makes `why` hold that sentence
 * alone, in one line (control characters become '?') and cut to the buffer's maximum,
 * and returns `error`, so that a failure is one statement.
 */
int why_set(struct buf *why, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
