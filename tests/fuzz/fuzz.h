/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * What all fuzz targets share. A target is given bytes that nobody has looked at, by
 * libFuzzer or by replay.c. It must return 0, come to an end, and leave nothing behind,
 * so that each input alone shows what it shows.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program where something that was promised does not hold. */
#define HOLDS(condition) \
	((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/* A copy with a NUL at its end, and nothing behind: reading on is seen. For free(). */
char *fuzz_text(const uint8_t *data, size_t size);

/* What the input begins with up to a line feed, cut off; false where nothing is left. */
struct fuzz_rest {
	const uint8_t *data;
	size_t size;
};
bool fuzz_line(struct fuzz_rest *rest, struct fuzz_rest *ret_line);

/* A number that stands for some bytes, to choose by or to compare. */
uint64_t fuzz_number(const void *data, size_t size);

/* Bytes an input should come to at most: what is larger takes time, and shows no more. */
enum { FUZZ_INPUT_MAX = 64 << 10 };

/* Is all of it UTF-8 (RFC 3629)? */
bool fuzz_is_utf8(const char *text, size_t len);
