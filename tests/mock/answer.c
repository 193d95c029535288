/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void answer_init(struct answer *a, unsigned status)
{
	*a = (struct answer){
		.status = status,
		.wire = {.limit = WIRE_ALL, .declared = WIRE_EXACT},
	};
}

void answer_clear(struct answer *a)
{
	for (size_t i = 0; i < a->owned_count; i++)
		free(a->owned[i]);
	a->owned_count = 0;
	a->count = 0;
	a->total = 0;
}

void answer_done(struct answer *a)
{
	answer_clear(a);
	free(a->owned);
	free(a->parts);
	text_done(&a->headers);
	answer_init(a, 0);
}

void answer_header(struct answer *a, const char *name, const char *value)
{
	text_add(&a->headers, name, strlen(name) + 1);
	text_add(&a->headers, value, strlen(value) + 1);
}

void answer_part(struct answer *a, const void *p, size_t n)
{
	if (n == 0)
		return;
	if (a->count == a->cap) {
		a->cap = a->cap ? 2 * a->cap : 64;
		a->parts = must_grow(a->parts, a->cap, sizeof(*a->parts));
	}
	a->parts[a->count++] = (struct MHD_IoVec){p, n};
	a->total += n;
}

void answer_literal(struct answer *a, const char *s)
{
	answer_part(a, s, strlen(s));
}

static void own(struct answer *a, void *memory)
{
	if (a->owned_count == a->owned_cap) {
		a->owned_cap = a->owned_cap ? 2 * a->owned_cap : 8;
		a->owned = must_grow(a->owned, a->owned_cap, sizeof(*a->owned));
	}
	a->owned[a->owned_count++] = memory;
}

void answer_append(struct answer *a, struct answer *from)
{
	for (size_t i = 0; i < from->count; i++)
		answer_part(a, from->parts[i].iov_base, from->parts[i].iov_len);
	for (size_t i = 0; i < from->owned_count; i++)
		own(a, from->owned[i]);
	from->owned_count = 0;
	answer_clear(from);
}

void answer_take(struct answer *a, struct text *t)
{
	own(a, t->p);
	answer_part(a, t->p, t->n);
	*t = (struct text){0};
}

struct text answer_flat(const struct answer *a)
{
	struct text flat = {0};

	text_room(&flat, a->total);
	for (size_t i = 0; i < a->count; i++)
		text_add(&flat, a->parts[i].iov_base, a->parts[i].iov_len);
	return flat;
}

void answer_cut(struct answer *a, uint64_t n)
{
	uint64_t before = 0;

	if (n >= a->total)
		return;
	for (size_t i = 0; i < a->count; i++) {
		if (before + a->parts[i].iov_len >= n) {
			a->parts[i].iov_len = n - before;
			a->count = i + (a->parts[i].iov_len > 0);
			break;
		}
		before += a->parts[i].iov_len;
	}
	a->total = n;
}

size_t answer_read(const struct answer *a, struct answer_hint *hint, uint64_t at,
	char *out, size_t max)
{
	size_t done = 0;

	while (done < max && hint->part < a->count) {
		const struct MHD_IoVec *part = &a->parts[hint->part];
		size_t skip = at + done - hint->before;
		size_t n = part->iov_len - skip;

		if (n == 0) {
			hint->before += part->iov_len;
			hint->part++;
			continue;
		}
		if (n > max - done)
			n = max - done;
		memcpy(out + done, (const char *)part->iov_base + skip, n);
		done += n;
	}
	return done;
}

void answer_gzip(struct answer *a)
{
	struct text plain = answer_flat(a), packed = {0};
	z_stream z = {0};

	/* 16 added to the window bits selects the gzip format. */
	if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	text_room(&packed, deflateBound(&z, plain.n));
	z.next_in = (Bytef *)plain.p;
	z.avail_in = (uInt)plain.n;
	z.next_out = (Bytef *)packed.p;
	z.avail_out = (uInt)(packed.cap - 1);
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	packed.n = z.total_out;
	deflateEnd(&z);
	text_done(&plain);
	answer_clear(a);
	answer_take(a, &packed);
	answer_header(a, "Content-Encoding", "gzip");
}
