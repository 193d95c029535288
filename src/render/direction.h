/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Isolates a text from a label before it, which is written from left to right: the
 * characters FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE.
 */
extern const char direction_isolate[];
extern const char direction_isolate_end[];

/* True if text[0..len), which is UTF-8, has a character that is written right to left. */
bool direction_is_rtl(const char *text, size_t len);
