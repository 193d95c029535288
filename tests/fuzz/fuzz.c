/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_fail(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	HOLDS(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

bool fuzz_line(struct fuzz_rest *rest, struct fuzz_rest *ret_line)
{
	const uint8_t *end;

	if (!rest->size)
		return false;
	end = memchr(rest->data, '\n', rest->size);
	ret_line->data = rest->data;
	ret_line->size = end ? (size_t)(end - rest->data) : rest->size;
	rest->data += ret_line->size + (end != NULL);
	rest->size -= ret_line->size + (end != NULL);
	return true;
}

/* FNV-1a: any hash will do, because no input is made to collide. */
uint64_t fuzz_number(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint64_t number = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < size; i++)
		number = (number ^ bytes[i]) * UINT64_C(0x100000001b3);
	return number;
}

bool fuzz_is_utf8(const char *text, size_t len)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	const uint8_t *at = (const uint8_t *)text;
	const uint8_t *end = at + len;

	while (at < end) {
		uint8_t first = *at++;
		unsigned more = first < 0x80             ? 0
				: (first & 0xe0) == 0xc0 ? 1
				: (first & 0xf0) == 0xe0 ? 2
				: (first & 0xf8) == 0xf0 ? 3
							 : 4;
		uint32_t code = more ? first & (0x3fu >> more) : first;

		if (more == 4 || (size_t)(end - at) < more)
			return false;
		for (unsigned i = 0; i < more; i++, at++) {
			if ((*at & 0xc0) != 0x80)
				return false;
			code = code << 6 | (*at & 0x3fu);
		}
		if (code < least[more] || code > 0x10ffff ||
			(code >= 0xd800 && code < 0xe000))
			return false;
	}
	return true;
}
