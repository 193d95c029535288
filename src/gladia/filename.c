/* SPDX-License-Identifier: MIT */
#include "gladia/filename.h"

#include <errno.h>
#include <string.h>

static const char hex_digits[] = "0123456789ABCDEF";

static bool filename_is_plain(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

int filename_escape(
	const char *text, const char *suffix, char name[static FILENAME_BYTES_MAX + 1])
{
	const size_t suffix_len = strlen(suffix);
	char made[FILENAME_BYTES_MAX + 1];
	size_t len = 0;

	if (!*text)
		return -EINVAL;
	if (suffix_len > FILENAME_BYTES_MAX)
		return -ENAMETOOLONG;
	for (const char *c = text; *c; c++) {
		bool plain = filename_is_plain(*c) && !(c == text && *c == '.');

		if (len + (plain ? 1 : 3) + suffix_len > FILENAME_BYTES_MAX)
			return -ENAMETOOLONG;
		if (plain) {
			made[len++] = *c;
			continue;
		}
		made[len++] = '%';
		made[len++] = hex_digits[(unsigned char)*c >> 4];
		made[len++] = hex_digits[(unsigned char)*c & 15];
	}
	memcpy(made + len, suffix, suffix_len + 1);
	memcpy(name, made, len + suffix_len + 1);
	return 0;
}

/* Returns the value of an upper-case hex digit, or -1. */
static int filename_hex_value(char digit)
{
	const char *found = digit ? strchr(hex_digits, digit) : NULL;

	return found ? (int)(found - hex_digits) : -1;
}

int filename_unescape(
	const char *name, size_t len, char text[static FILENAME_BYTES_MAX + 1])
{
	char made[FILENAME_BYTES_MAX + 1];
	char again[FILENAME_BYTES_MAX + 1];
	size_t made_len = 0;

	if (len > FILENAME_BYTES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (name[i] != '%') {
			made[made_len++] = name[i];
			continue;
		}
		if (len - i < 3)
			return -EINVAL;

		int high = filename_hex_value(name[i + 1]);
		int low = filename_hex_value(name[i + 2]);

		if (high < 0 || low < 0)
			return -EINVAL;
		made[made_len++] = (char)(high << 4 | low);
		i += 2;
	}
	made[made_len] = '\0';

	/* Each string has one spelling: this rejects "%41", a slash, a NUL, ".git". */
	if (filename_escape(made, "", again) || strlen(again) != len ||
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
