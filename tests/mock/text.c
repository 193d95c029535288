/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CHUNK ((size_t)4 << 20)

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, cap;
	_Alignas(16) char bytes[];
};

void *must_alloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (!p)
		abort();
	return p;
}

void *must_grow(void *p, size_t count, size_t size)
{
	p = reallocarray(p, count ? count : 1, size);
	if (!p)
		abort();
	return p;
}

void text_done(struct text *t)
{
	free(t->p);
	*t = (struct text){0};
}

char *text_room(struct text *t, size_t more)
{
	size_t need = t->n + more + 1;

	if (need > t->cap) {
		size_t cap = t->cap ? t->cap : 256;

		if (need > TEXT_MAX)
			abort();
		while (cap < need)
			cap *= 2;
		t->p = must_grow(t->p, cap, 1);
		t->cap = cap;
	}
	return t->p + t->n;
}

void text_add(struct text *t, const void *bytes, size_t n)
{
	char *to = text_room(t, n);

	if (n)
		memcpy(to, bytes, n);
	t->n += n;
	t->p[t->n] = 0;
}

void text_str(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void text_printf(struct text *t, const char *format, ...)
{
	char *made;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&made, format, args);
	va_end(args);
	if (n < 0)
		abort();
	text_add(t, made, (size_t)n);
	free(made);
}

void text_quote(struct text *t, const char *s, size_t n)
{
	text_str(t, "\"");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '\n')
			text_str(t, "\\n");
		else if (c < 0x20)
			text_printf(t, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			text_printf(t, "\\%c", c);
		else
			text_add(t, &s[i], 1);
	}
	text_str(t, "\"");
}

void text_seconds(struct text *t, uint64_t ms)
{
	char digits[32];
	char *end = digits + sizeof(digits), *p = end;
	uint64_t whole = ms / 1000, part = ms % 1000;

	if (part) {
		int places = 3;

		for (; part % 10 == 0; part /= 10)
			places--;
		for (; places > 0; places--, part /= 10)
			*--p = (char)('0' + part % 10);
		*--p = '.';
	}
	do
		*--p = (char)('0' + whole % 10);
	while (whole /= 10);
	text_add(t, p, (size_t)(end - p));
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

char *text_unescape(const char *s, size_t n, bool plus)
{
	char *out = must_alloc(n + 1);
	size_t o = 0;

	for (size_t i = 0; i < n; i++) {
		int high = -1, low = -1;

		if (s[i] == '%' && n - i > 2) {
			high = hex_digit(s[i + 1]);
			low = hex_digit(s[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			out[o++] = (char)(high * 16 + low);
			i += 2;
		} else {
			out[o++] = plus && s[i] == '+' ? ' ' : s[i];
		}
	}
	return out;
}

void arena_done(struct arena *a)
{
	while (a->chunks) {
		struct arena_chunk *c = a->chunks;

		a->chunks = c->next;
		free(c);
	}
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->chunks;
	size_t size = (n + 15) & ~(size_t)15;
	void *p;

	if (!c || c->cap - c->used < size) {
		size_t cap = size > ARENA_CHUNK ? size : ARENA_CHUNK;

		c = malloc(sizeof(*c) + cap);
		if (!c)
			abort();
		*c = (struct arena_chunk){.next = a->chunks, .cap = cap};
		a->chunks = c;
	}
	p = c->bytes + c->used;
	c->used += size;
	return p;
}

char *arena_copy(struct arena *a, const void *bytes, size_t n)
{
	char *p = arena_alloc(a, n + 1);

	if (n)
		memcpy(p, bytes, n);
	p[n] = 0;
	return p;
}

uint64_t stir(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

uint32_t draw(uint64_t *state, uint32_t below)
{
	*state += 0x9e3779b97f4a7c15u;
	return (uint32_t)(((stir(*state) >> 32) * below) >> 32);
}
