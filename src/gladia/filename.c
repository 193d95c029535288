/* SPDX-License-Identifier: MIT */
#include "gladia/filename.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistr.h>

#include "base/percent.h"

/* A character of a text, or a byte that does not belong to one. */
struct piece {
	size_t len;
	bool plain; /* a name has it as it is */
};

/*
 * True for C1 controls, and for characters that change the direction of the text after
 * them: they could make a name look like another one.
 */
static bool filename_is_invisible(ucs4_t code)
{
	return (code >= 0x80 && code <= 0x9f) || code == 0x61c || code == 0x200e ||
	       code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

/* Returns the piece at the beginning of a text that is not empty. */
static struct piece filename_piece(const char *text, bool first, const char *also)
{
	unsigned char byte = (unsigned char)*text;
	ucs4_t code;
	int len;

	if (byte < 0x80)
		return (struct piece){1, byte >= ' ' && byte != 0x7f && byte != '/' &&
						 byte != '%' && !(first && byte == '.') &&
						 !strchr(also, byte)};
	len = u8_strmbtouc(&code, (const uint8_t *)text);
	return len > 0 ? (struct piece){(size_t)len, !filename_is_invisible(code)}
		       : (struct piece){1, false};
}

size_t filename_escape_part(const char *text, const char *also, size_t max, char *name)
{
	const char *at = text;
	char *out = name;

	while (*at) {
		struct piece piece = filename_piece(at, at == text, also);
		size_t len = piece.plain ? piece.len : 3 * piece.len;

		if (len > max - (size_t)(out - name))
			break;
		for (size_t i = 0; i < piece.len; i++, at++) {
			if (piece.plain) {
				*out++ = *at;
				continue;
			}
			out = percent_encode(*at, out);
		}
	}
	*out = '\0';
	return (size_t)(at - text);
}

int filename_escape(const char *text, const char *also, const char *suffix,
	char name[static FILENAME_BYTES_MAX + 1])
{
	const size_t suffix_len = strlen(suffix);
	char made[FILENAME_BYTES_MAX + 1];

	if (!*text)
		return -EINVAL;
	if (suffix_len > FILENAME_BYTES_MAX)
		return -ENAMETOOLONG;
	if (text[filename_escape_part(text, also, FILENAME_BYTES_MAX - suffix_len, made)])
		return -ENAMETOOLONG;
	strcpy(name, made);
	strcat(name, suffix);
	return 0;
}

int filename_unescape(const char *name, size_t len, const char *also,
	char text[static FILENAME_BYTES_MAX + 1])
{
	char made[FILENAME_BYTES_MAX + 1];
	char again[FILENAME_BYTES_MAX + 1];
	size_t made_len;

	if (len > FILENAME_BYTES_MAX ||
		percent_decode_text(name, len, made, FILENAME_BYTES_MAX, &made_len))
		return -EINVAL;
	/* Each string has one spelling: this rejects "%41", a slash, a NUL, ".git". */
	if (filename_escape(made, also, "", again) || strlen(again) != len ||
		memcmp(again, name, len) != 0)
		return -EINVAL;
	memcpy(text, made, made_len + 1);
	return 0;
}

bool filename_next_word(const char **words, char word[static FILENAME_BYTES_MAX + 1])
{
	if (!*words)
		return false;

	size_t len = strcspn(*words, ",");
	size_t word_len = len <= FILENAME_BYTES_MAX ? len : 0;

	memcpy(word, *words, word_len);
	word[word_len] = '\0';
	*words = (*words)[len] ? *words + len + 1 : NULL;
	return true;
}

bool filename_is_uuid(const char *text)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i]; i++) {
		bool hex = (text[i] >= '0' && text[i] <= '9') ||
			   (text[i] >= 'a' && text[i] <= 'f');

		if (shape[i] == 'x' ? !hex : text[i] != '-')
			return false;
	}
	return true;
}
