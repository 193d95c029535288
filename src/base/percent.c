/* SPDX-License-Identifier: MIT */
#include "base/percent.h"

#include <errno.h>
#include <stdbool.h>

char *percent_encode(char byte, char out[static PERCENT_LEN])
{
	static const char digits[] = "0123456789ABCDEF";

	*out++ = '%';
	*out++ = digits[(unsigned char)byte >> 4];
	*out++ = digits[(unsigned char)byte & 15];
	return out;
}

static int percent_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

int percent_decode(const char *text, size_t len)
{
	if (len < PERCENT_LEN || *text != '%')
		return -1;

	int high = percent_digit(text[1]);
	int low = percent_digit(text[2]);

	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

int percent_decode_text(
	const char *text, size_t len, char *out, size_t max, size_t *ret_len)
{
	const char *end = text + len;
	size_t made = 0;

	while (text < end) {
		bool encoded = *text == '%';
		int byte = encoded ? percent_decode(text, (size_t)(end - text)) : *text;

		if (made == max || (encoded && byte < 0))
			return -EINVAL;
		out[made++] = (char)byte;
		text += encoded ? PERCENT_LEN : 1;
	}
	out[made] = '\0';
	*ret_len = made;
	return 0;
}
