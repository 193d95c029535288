/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Everything that the fuzz targets share. libFuzzer or replay.c calls a target with
 * arbitrary bytes. The target must return 0 in finite time and must not keep any state,
 * so that the result of an input depends on that input alone.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts the program if a condition that we promise does not hold. */
#define HOLDS(condition) \
	((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/*
 * Returns a copy that ends with a NUL, allocated with malloc(); the caller frees it. A
 * sanitizer notices a read beyond the NUL.
 */
char *fuzz_text(const uint8_t *data, size_t size);

/*
 * Cuts the first line, up to a line feed, off `rest`. Returns false if `rest` is empty.
 */
struct fuzz_rest {
	const uint8_t *data;
	size_t size;
};
bool fuzz_line(struct fuzz_rest *rest, struct fuzz_rest *ret_line);

/* Returns a hash of some bytes, for choosing between cases and for comparing. */
uint64_t fuzz_number(const void *data, size_t size);

/* The largest input worth reading: a larger one takes longer and shows no more. */
enum { FUZZ_INPUT_MAX = 64 << 10 };

/* True if the whole text is valid UTF-8 (RFC 3629). */
bool fuzz_is_utf8(const char *text, size_t len);
