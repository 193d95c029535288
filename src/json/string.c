/* SPDX-License-Identifier: MIT */
#include "json/string.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	ESCAPE_LEN = 6, /* \uXXXX */
	UTF8_MAX = 4,
	REPLACEMENT = 0xfffd,
	CODE_MAX = 0x10ffff,
};

static bool string_is_surrogate(uint32_t code)
{
	return code >= 0xd800 && code <= 0xdfff;
}

char *json_encode_char(char *out, uint32_t code)
{
	if (code < 0x80) {
		*out++ = (char)code;
		return out;
	}
	if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
	} else {
		if (code < 0x10000) {
			*out++ = (char)(0xe0 | code >> 12);
		} else {
			*out++ = (char)(0xf0 | code >> 18);
			*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		}
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (code & 0x3f));
	return out;
}

static char *string_put_escape(char *out, uint32_t code)
{
	static const char hex[] = "0123456789abcdef";

	*out++ = '\\';
	*out++ = 'u';
	for (unsigned shift = 16; shift > 0; shift -= 4)
		*out++ = hex[code >> (shift - 4) & 0xf];
	return out;
}

/*
 * Writes one character of a string as jq 1.6 prints it, except that lone surrogates stay
 * escapes (SEMANTICS 4.1). Returns a pointer to the byte after the last one written.
 */
static char *string_put_code(char *out, uint32_t code)
{
	static const char shorts[] = {['"'] = '"',
		['\\'] = '\\',
		['\b'] = 'b',
		['\f'] = 'f',
		['\n'] = 'n',
		['\r'] = 'r',
		['\t'] = 't'};

	if (code < sizeof(shorts) && shorts[code]) {
		*out++ = '\\';
		*out++ = shorts[code];
		return out;
	}
	if (code < ' ' || code == 0x7f || string_is_surrogate(code))
		return string_put_escape(out, code);
	return json_encode_char(out, code);
}

/*
 * Decodes one character of UTF-8 (RFC 3629) and returns the byte after it. Invalid bytes
 * become U+FFFD as in jq 1.6: one for each byte that cannot begin a character, and one
 * for a byte that can together with the continuation bytes after it. (Near the end of a
 * string jq drops valid characters after an invalid one; we keep them.)
 */
static const char *string_take_utf8(const char *in, const char *end, uint32_t *ret_code)
{
	static const uint32_t least[UTF8_MAX + 1] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char lead = (unsigned char)*in++;
	unsigned len = lead < 0xc2   ? 1
		       : lead < 0xe0 ? 2
		       : lead < 0xf0 ? 3
		       : lead < 0xf5 ? 4
				     : 1;

	*ret_code = REPLACEMENT;
	if (len == 1)
		return in;

	uint32_t code = lead & (0x7fU >> len);

	for (unsigned i = 1; i < len; i++, in++) {
		if (in == end || ((unsigned char)*in & 0xc0) != 0x80)
			return in;
		code = code << 6 | ((unsigned char)*in & 0x3f);
	}
	if (code >= least[len] && code <= CODE_MAX && !string_is_surrogate(code))
		*ret_code = code;
	return in;
}

/*
 * Reads the four hexadecimal digits of a \u escape that begins at `in`. Returns the
 * number of valid digits.
 */
static unsigned string_take_hex(const char *in, const char *end, uint32_t *ret_code)
{
	uint32_t code = 0;
	unsigned count = 0;

	for (in += 2; count < 4 && in < end; count++, in++) {
		unsigned char c = (unsigned char)*in;
		unsigned char letter = c | 0x20;

		if (c >= '0' && c <= '9')
			code = code << 4 | (uint32_t)(c - '0');
		else if (letter >= 'a' && letter <= 'f')
			code = code << 4 | (uint32_t)(letter - 'a' + 10);
		else
			break;
	}
	*ret_code = code;
	return count;
}

/*
 * Decodes the escape at `in`; a surrogate pair is one character. Returns the byte after
 * it, or NULL if it is not a valid escape, with the wrong byte and the reason.
 */
static const char *string_take_escape(const char *in, const char *end, uint32_t *ret_code,
	const char **ret_bad, const char **ret_reason)
{
	static const char shorts[] = {['"'] = '"',
		['\\'] = '\\',
		['/'] = '/',
		['b'] = '\b',
		['f'] = '\f',
		['n'] = '\n',
		['r'] = '\r',
		['t'] = '\t'};
	unsigned char kind = end - in < 2 ? 0 : (unsigned char)in[1];

	if (kind < sizeof(shorts) && shorts[kind]) {
		*ret_code = (uint32_t)shorts[kind];
		return in + 2;
	}
	if (kind != 'u') {
		*ret_bad = in + 1;
		*ret_reason = "invalid escape sequence";
		return NULL;
	}

	unsigned digits = string_take_hex(in, end, ret_code);

	if (digits < 4) {
		*ret_bad = in + 2 + digits;
		*ret_reason = "expected four hexadecimal digits";
		return NULL;
	}
	in += ESCAPE_LEN;

	uint32_t low;

	if (*ret_code >= 0xd800 && *ret_code < 0xdc00 && end - in >= ESCAPE_LEN &&
		in[0] == '\\' && in[1] == 'u' && string_take_hex(in, end, &low) == 4 &&
		low >= 0xdc00 && low <= 0xdfff) {
		*ret_code = 0x10000 + ((*ret_code - 0xd800) << 10) + (low - 0xdc00);
		in += ESCAPE_LEN;
	}
	return in;
}

const char *json_special(const char *in, const char *end,
	char out[static JSON_SPECIAL_MAX], size_t *ret_len, const char **ret_bad,
	const char **ret_reason)
{
	char *start = out;
	uint32_t code;

	if (*in == '\\') {
		in = string_take_escape(in, end, &code, ret_bad, ret_reason);
		if (!in)
			return NULL;
		*ret_len = (size_t)(string_put_code(out, code) - start);
		return in;
	}
	if (*in == 0x7f) {
		*ret_len = (size_t)(string_put_code(out, 0x7f) - start);
		return in + 1;
	}
	if ((unsigned char)*in < ' ') {
		*ret_bad = in;
		*ret_reason = "a control character in a string";
		return NULL;
	}
	do {
		in = string_take_utf8(in, end, &code);
		out = json_encode_char(out, code);
	} while (in < end && (unsigned char)*in >= 0x80 &&
		 out - start <= JSON_SPECIAL_MAX - UTF8_MAX);
	*ret_len = (size_t)(out - start);
	return in;
}

const char *json_decode_char(const char *in, const char *end, uint32_t *ret_code)
{
	const char *bad;
	const char *reason;

	if ((unsigned char)*in >= 0x80)
		return string_take_utf8(in, end, ret_code);
	if (*in != '\\') {
		*ret_code = (uint32_t)*in;
		return in + 1;
	}

	const char *next = string_take_escape(in, end, ret_code, &bad, &reason);

	if (!next || string_is_surrogate(*ret_code))
		*ret_code = REPLACEMENT;
	return next ? next : in + 1;
}

const char *json_decode_text(
	const char *in, const char *end, char out[static JSON_TEXT_MAX], size_t *ret_len)
{
	uint32_t code;
	const char *bad;
	const char *reason;

	if (*in != '\\') {
		*out = *in;
		*ret_len = 1;
		return *in ? in + 1 : NULL;
	}
	in = string_take_escape(in, end, &code, &bad, &reason);
	if (!in || !code || string_is_surrogate(code))
		return NULL;
	*ret_len = (size_t)(json_encode_char(out, code) - out);
	return in;
}
