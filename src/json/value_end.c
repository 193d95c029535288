/* SPDX-License-Identifier: MIT */
#include "json/value_end.h"

#include "json/scan.h"

/*
 * Returns a mask of the bytes that are escaped by a backslash. The block has `len` bytes;
 * if its last byte is a backslash that is not escaped itself, the first byte of the next
 * block is escaped.
 */
static uint64_t value_end_find_escaped(
	struct json_value_end *extent, uint64_t backslashes, size_t len)
{
	uint64_t escaped = extent->escaped;

	extent->escaped = false;
	backslashes &= ~escaped;
	while (backslashes) {
		unsigned at = (unsigned)__builtin_ctzll(backslashes);

		if (at + 1 == len) {
			extent->escaped = true;
			break;
		}
		escaped |= 2ULL << at;
		backslashes &= ~(3ULL << at);
	}
	return escaped;
}

/*
 * Replaces each bit by the exclusive or of itself and all lower bits, so that the bits
 * from an opening quote up to its closing quote are set.
 */
static uint64_t value_end_fill_between(uint64_t quotes)
{
	for (unsigned shift = 1; shift < SCAN_WIDE; shift *= 2)
		quotes ^= quotes << shift;
	return quotes;
}

/*
 * Reads a block of `len` bytes, padded to SCAN_WIDE. Returns the number of bytes that
 * belong to the value if it ends in this block, else 0.
 */
static inline size_t value_end_find_in_block(
	struct json_value_end *extent, const char *block, size_t len)
{
	struct scan_marks marks = scan_find_marks(block);

	if (marks.backslashes || extent->escaped)
		marks.quotes &= ~value_end_find_escaped(extent, marks.backslashes, len);

	uint64_t strings = value_end_fill_between(marks.quotes) ^ extent->in_string;
	uint64_t closes = marks.closes & ~strings;
	uint64_t brackets = (marks.opens & ~strings) | closes;

	extent->in_string = 0 - (strings >> (SCAN_WIDE - 1));
	for (; brackets; brackets &= brackets - 1) {
		uint64_t bracket = brackets & (0 - brackets);

		if (!(closes & bracket))
			extent->depth++;
		else if (!--extent->depth)
			return (size_t)__builtin_ctzll(bracket) + 1;
	}
	return 0;
}

static const char *value_end_find_bracket(
	struct json_value_end *extent, const char *in, const char *end)
{
	for (; end - in >= SCAN_WIDE; in += SCAN_WIDE) {
		size_t len = value_end_find_in_block(extent, in, SCAN_WIDE);

		if (len)
			return in + len;
	}
	if (in == end)
		return NULL;

	char block[SCAN_WIDE] = {0};
	size_t left = (size_t)(end - in);

	memcpy(block, in, left);

	size_t len = value_end_find_in_block(extent, block, left);

	return len ? in + len : NULL;
}

static const char *value_end_find_quote(
	struct json_value_end *extent, const char *in, const char *end)
{
	for (; in < end; in++) {
		if (extent->escaped)
			extent->escaped = false;
		else if (*in == '\\')
			extent->escaped = true;
		else if (*in == '"' && extent->in_string)
			return in + 1;
		else if (*in == '"')
			extent->in_string = UINT64_MAX;
	}
	return NULL;
}

/*
 * True for the bytes of numbers and literals. All letters count, so that an error message
 * can quote a misspelled literal completely.
 */
static bool value_end_is_plain_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '-' || c == '+' || c == '.';
}

static const char *value_end_find_word_end(
	struct json_value_end *extent, const char *in, const char *end)
{
	(void)extent;
	while (in < end && value_end_is_plain_word(*in))
		in++;
	return in < end ? in : NULL;
}

bool json_value_end_begins(char first)
{
	return first == '{' || first == '[' || first == '"' || first == '-' ||
	       (first >= '0' && first <= '9') || first == 't' || first == 'f' ||
	       first == 'n';
}

void json_value_end_begin(struct json_value_end *extent, char first)
{
	*extent = (struct json_value_end){.find = value_end_find_word_end};
	if (first == '{' || first == '[')
		extent->find = value_end_find_bracket;
	else if (first == '"')
		extent->find = value_end_find_quote;
}
