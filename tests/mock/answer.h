/* SPDX-License-Identifier: MIT */
#pragma once

#include <microhttpd.h>
#include <stdint.h>

#include "json.h"
#include "text.h"

/*
 * An answer before it is sent: status, headers, a body in parts, and how it goes over the
 * wire. Parts are not copied: they point into the account, into constants, or into
 * memory the answer was given.
 */

/* Action of the server after `limit` bytes of the body have been sent. */
enum wire_end { WIRE_CLOSE, WIRE_RESET, WIRE_STALL };

#define WIRE_ALL     UINT64_MAX
#define WIRE_EXACT   (-1) /* Content-Length is the length */
#define WIRE_CHUNKED (-2)

struct wire {
	uint64_t limit; /* bytes, WIRE_ALL: no limit */
	enum wire_end end;
	uint64_t rate;    /* bytes a second, 0: as fast as they go */
	int64_t declared; /* Content-Length, or one of the two above */
	uint64_t spill;   /* bytes sent behind the declared end */
};

struct answer {
	unsigned status;
	struct text headers; /* name NUL value NUL … */
	struct MHD_IoVec *parts;
	size_t count, cap;
	uint64_t total; /* bytes in all parts */
	void **owned;
	size_t owned_count, owned_cap;
	struct wire wire;
};

void answer_init(struct answer *a, unsigned status);
void answer_done(struct answer *a);

void answer_header(struct answer *a, const char *name, const char *value);

/* Adds bytes that outlive the answer. */
void answer_part(struct answer *a, const void *p, size_t n);
void answer_literal(struct answer *a, const char *s);

/* Adds a text and takes its memory. */
void answer_take(struct answer *a, struct text *t);

/* Moves the body of `from` to the end of this one. */
void answer_append(struct answer *a, struct answer *from);

/* Lets the body go and begins a new one. */
void answer_clear(struct answer *a);

/* The body in one piece; the caller's. */
struct text answer_flat(const struct answer *a);

/* Cuts the body down to n bytes. */
void answer_cut(struct answer *a, uint64_t n);

/* Copies up to `max` bytes from `at` on; *hint remembers where reading went on. */
struct answer_hint {
	size_t part;
	uint64_t before; /* bytes in the parts before it */
};
size_t answer_read(const struct answer *a, struct answer_hint *hint, uint64_t at,
	char *out, size_t max);

/* Replaces the body by its gzip form (RFC 1952) and says so in a header. */
void answer_gzip(struct answer *a);
