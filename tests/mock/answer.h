/* SPDX-License-Identifier: MIT */
#pragma once

#include <microhttpd.h>
#include <stdint.h>

#include "json.h"
#include "text.h"

/*
 * An answer before it is sent: status, headers, a body in parts, and the way in which it
 * is sent. Parts are not copied: they point into the account, to constants, or to memory
 * that the answer owns.
 */

/* Action of the server after `limit` bytes of the body have been sent. */
enum wire_end { WIRE_CLOSE, WIRE_RESET, WIRE_STALL };

#define WIRE_ALL     UINT64_MAX
#define WIRE_EXACT   (-1) /* Content-Length is the length of the body */
#define WIRE_CHUNKED (-2) /* chunked encoding */

struct wire {
	uint64_t limit; /* number of bytes to send; WIRE_ALL: no limit */
	enum wire_end end;
	uint64_t rate;    /* bytes per second; 0: no limit */
	int64_t declared; /* Content-Length, WIRE_EXACT or WIRE_CHUNKED */
	uint64_t spill;   /* number of bytes sent beyond the declared length */
};

struct answer {
	unsigned status;
	struct text headers; /* name NUL value NUL … */
	struct MHD_IoVec *parts;
	size_t count, cap;
	uint64_t total; /* number of bytes in all parts */
	void **owned;
	size_t owned_count, owned_cap;
	struct wire wire;
};

void answer_init(struct answer *a, unsigned status);
void answer_done(struct answer *a);

void answer_header(struct answer *a, const char *name, const char *value);

/* Append bytes that outlive the answer. */
void answer_part(struct answer *a, const void *p, size_t n);
void answer_literal(struct answer *a, const char *s);

/* Appends a text, and takes ownership of its memory. */
void answer_take(struct answer *a, struct text *t);

/* Moves the body of `from` to the end of this one. */
void answer_append(struct answer *a, struct answer *from);

/* Removes the body. */
void answer_clear(struct answer *a);

/* Returns a copy of the body, which the caller frees. */
struct text answer_flat(const struct answer *a);

/* Truncates the body to n bytes. */
void answer_cut(struct answer *a, uint64_t n);

/*
 * Copies up to `max` bytes from offset `at`, and returns their number. *hint stores the
 * position for the next call.
 */
struct answer_hint {
	size_t part;
	uint64_t before; /* number of bytes in the parts before it */
};
size_t answer_read(const struct answer *a, struct answer_hint *hint, uint64_t at,
	char *out, size_t max);

/* Compresses the body with gzip (RFC 1952), and adds the header for it. */
void answer_gzip(struct answer *a);
