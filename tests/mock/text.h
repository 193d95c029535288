/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A growing buffer, and memory for objects that live as long as the mock server. If there
 * is no memory, or a maximum is exceeded, the program aborts, because a test with half an
 * account would be useless.
 */

/* Maximum size of a text: a page of a few thousand one-hour jobs. */
#define TEXT_MAX ((size_t)4 << 30)

struct text {
	char *p; /* n bytes, followed by a NUL unless nothing was added yet */
	size_t n;
	size_t cap;
};

void text_done(struct text *t);

/* Returns the end of the text, with room for `more` bytes. The caller increases t->n. */
char *text_room(struct text *t, size_t more);

void text_add(struct text *t, const void *bytes, size_t n);
void text_str(struct text *t, const char *s);
void text_printf(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds a JSON string with its quotes (RFC 8259); `s` is UTF-8. */
void text_quote(struct text *t, const char *s, size_t n);

/* Adds milliseconds as seconds, without trailing zeros: 1500 is 1.5. */
void text_seconds(struct text *t, uint64_t ms);

/*
 * Decodes %XX, and "+" as a space if `plus` is set. Returns a new string that ends with a
 * NUL.
 */
char *text_unescape(const char *s, size_t n, bool plus);

/* Memory that is freed all at once. */
struct arena {
	struct arena_chunk *chunks;
};

void arena_done(struct arena *a);
void *arena_alloc(struct arena *a, size_t n); /* aligned for any type; not cleared */
char *arena_copy(struct arena *a, const void *bytes, size_t n); /* followed by a NUL */

/* Like malloc() and realloc(), but abort if there is no memory. */
void *must_alloc(size_t n); /* cleared */
void *must_grow(void *p, size_t count, size_t size);

/* Mixes 64 bits (splitmix64). All random numbers are made with it. */
uint64_t stir(uint64_t x);

/* Returns the next random number, which is less than `below`. */
uint32_t draw(uint64_t *state, uint32_t below);
