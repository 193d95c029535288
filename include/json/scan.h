/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/*
 * Byte scanning loops shared by the pretty-printer and the item reader: an SSE2 version,
 * and a portable version for other machines.
 */

/* The number of bytes that scan_copy_plain() and scan_find_marks() read at a time. */
enum { SCAN_BLOCK = 16, SCAN_WIDE = 64 };

/* Bit masks over SCAN_WIDE bytes; bit 0 is the first byte. */
struct scan_marks {
	uint64_t quotes;
	uint64_t backslashes;
	uint64_t opens;  /* '{' '[' */
	uint64_t closes; /* '}' ']' */
};

/* True for the white space of RFC 8259, section 2. */
static inline bool scan_is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Returns the first byte of [in, end) that is not white space, or `end`. */
const char *scan_space_run(const char *in, const char *end);

/*
 * Returns the first byte of [in, end) that is not white space, or `end`. Optimized for
 * the usual case that there is no white space to skip.
 */
static inline const char *scan_space(const char *in, const char *end)
{
	if (in < end && (unsigned char)*in > ' ')
		return in;
	return scan_space_run(in, end);
}

/*
 * Returns the length of the number (RFC 8259, section 6) at the beginning of [in, end).
 * The bytes after it are not checked. If there is no number, returns 0 and sets `ret_bad`
 * to the byte that should have been a digit.
 */
size_t scan_number(const char *in, const char *end, const char **ret_bad);

#ifdef __SSE2__

/*
 * Copies SCAN_BLOCK bytes and returns the number of plain ones at the beginning, which
 * the pretty-printer does not escape: ASCII except control characters, DEL, '"' and '\'.
 */
static inline size_t scan_copy_plain(const char *in, char *out)
{
	const __m128i block = _mm_loadu_si128((const __m128i *)(const void *)in);
	/* The comparison is signed, so bytes from 0x80 on are less than ' ' too. */
	__m128i other = _mm_cmplt_epi8(block, _mm_set1_epi8(' '));

	_mm_storeu_si128((__m128i *)(void *)out, block);
	other = _mm_or_si128(other, _mm_cmpeq_epi8(block, _mm_set1_epi8('"')));
	other = _mm_or_si128(other, _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
	other = _mm_or_si128(other, _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f)));
	return (size_t)__builtin_ctz(
		(unsigned)_mm_movemask_epi8(other) | 1U << SCAN_BLOCK);
}

/* Returns the positions of quotes, backslashes and brackets in SCAN_WIDE bytes. */
static inline struct scan_marks scan_find_marks(const char *in)
{
	struct scan_marks marks = {0};

	for (unsigned at = 0; at < SCAN_WIDE; at += SCAN_BLOCK) {
		__m128i block = _mm_loadu_si128((const __m128i *)(const void *)(in + at));
		/* '[' and '{' differ in this bit only, and so do ']' and '}'. */
		__m128i folded = _mm_or_si128(block, _mm_set1_epi8(0x20));
		__m128i quotes = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
		__m128i slashes = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
		__m128i opens = _mm_cmpeq_epi8(folded, _mm_set1_epi8('{'));
		__m128i closes = _mm_cmpeq_epi8(folded, _mm_set1_epi8('}'));

		marks.quotes |= (uint64_t)(unsigned)_mm_movemask_epi8(quotes) << at;
		marks.backslashes |= (uint64_t)(unsigned)_mm_movemask_epi8(slashes) << at;
		marks.opens |= (uint64_t)(unsigned)_mm_movemask_epi8(opens) << at;
		marks.closes |= (uint64_t)(unsigned)_mm_movemask_epi8(closes) << at;
	}
	return marks;
}

#else

static inline size_t scan_copy_plain(const char *in, char *out)
{
	size_t plain = 0;

	memcpy(out, in, SCAN_BLOCK);
	while (plain < SCAN_BLOCK && in[plain] >= ' ' && in[plain] < 0x7f &&
		in[plain] != '"' && in[plain] != '\\')
		plain++;
	return plain;
}

static inline struct scan_marks scan_find_marks(const char *in)
{
	struct scan_marks marks = {0};

	for (unsigned at = 0; at < SCAN_WIDE; at++) {
		char c = in[at];

		marks.quotes |= (uint64_t)(c == '"') << at;
		marks.backslashes |= (uint64_t)(c == '\\') << at;
		marks.opens |= (uint64_t)(c == '{' || c == '[') << at;
		marks.closes |= (uint64_t)(c == '}' || c == ']') << at;
	}
	return marks;
}

#endif
