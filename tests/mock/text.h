/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A growing buffer, and memory for objects that live as long as the mock server.
 * Nothing here waits. Running out of memory, or of a maximum named here, aborts: this is
 * a tool for tests, and half an account would prove nothing.
 */

/* The most bytes one text may hold: a page of a few thousand one-hour jobs. */
#define TEXT_MAX ((size_t)4 << 30)

struct text {
	char *p; /* n bytes, and a NUL behind them once anything was added */
	size_t n;
	size_t cap;
};

void text_done(struct text *t);

/* Makes room for `more` bytes and returns their place; the caller increases t->n. */
char *text_room(struct text *t, size_t more);

void text_add(struct text *t, const void *bytes, size_t n);
void text_str(struct text *t, const char *s);
void text_printf(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds a JSON string with its quotes (RFC 8259); `s` is UTF-8. */
void text_quote(struct text *t, const char *s, size_t n);

/* Adds a count of milliseconds as seconds without needless zeros: 1500 is 1.5. */
void text_seconds(struct text *t, uint64_t ms);

/* Decodes %XX and, with `plus`, "+" as a space; gives back a new NUL-ended string. */
char *text_unescape(const char *s, size_t n, bool plus);

/* Memory that is given back all at once. */
struct arena {
	struct arena_chunk *chunks;
};

void arena_done(struct arena *a);
void *arena_alloc(struct arena *a, size_t n); /* aligned for anything; not cleared */
char *arena_copy(struct arena *a, const void *bytes, size_t n); /* with a NUL behind */

/* malloc and realloc that abort instead of failing. */
void *must_alloc(size_t n); /* cleared */
void *must_grow(void *p, size_t count, size_t size);

/* A stirring of 64 bits (splitmix64): the source of everything that looks random here. */
uint64_t stir(uint64_t x);

/* The next number of a sequence, 0 <= number < below. */
uint32_t draw(uint64_t *state, uint32_t below);
