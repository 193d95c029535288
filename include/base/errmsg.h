/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

/* Maximum size of an error message, including the NUL byte. */
enum { ERRMSG_MAX = 2048 };

/*
 * Replaces the contents of the buffer by an error message for the user and returns
 * `error`, so that a function can fail in one statement. The message becomes one line
 * (control characters become '?') and is truncated to the buffer's maximum. If memory
 * runs out, the buffer is left empty. If buf_reserve() has reserved the buffer's maximum,
 * no memory is needed.
 */
int errmsg_set(struct buf *errmsg, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
