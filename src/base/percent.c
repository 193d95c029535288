/* SPDX-License-Identifier: MIT */
#include "base/percent.h"

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
