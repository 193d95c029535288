/* SPDX-License-Identifier: MIT */
#include "render/recording_name.h"

#include <stdint.h>
#include <string.h>

#include "base/percent.h"
#include "json/string.h"

/*
 * Decodes a string to valid UTF-8 without NULs, cut at a character if it is longer than
 * RECORDING_NAME_MAX bytes. Returns the number of bytes, 0 if the value is not a string.
 */
static size_t recording_name_decode(
	struct json_slice value, char text[static RECORDING_NAME_MAX])
{
	static const uint32_t replacement = 0xfffd;
	struct json_slice body = json_string_body(value);
	size_t len = 0;

	for (const char *in = body.at; in && in < body.end;) {
		char part[JSON_TEXT_MAX];
		uint32_t code;

		in = json_decode_char(in, body.end, &code);

		size_t more = (size_t)(json_encode_char(part, code ? code : replacement) -
				       part);

		if (len + more > RECORDING_NAME_MAX)
			break;
		memcpy(text + len, part, more);
		len += more;
	}
	return len;
}

/* Decodes the percent-encoding of a URL in place, except that of a NUL. */
static size_t recording_name_decode_percent(char *text, size_t len)
{
	size_t out = 0;

	for (size_t in = 0; in < len; in++) {
		int byte = percent_decode(text + in, len - in);

		if (byte > 0) {
			text[out++] = (char)byte;
			in += PERCENT_LEN - 1;
		} else {
			text[out++] = text[in];
		}
	}
	return out;
}

/* Finds the last segment of a URL's path, which may be empty. Returns its length. */
static size_t recording_name_find_segment(char *url, size_t len, char **ret_segment)
{
	char *end = url + len;

	for (char *at = url; at < end; at++)
		if (*at == '?' || *at == '#')
			end = at;

	char *path = memmem(url, (size_t)(end - url), "://", 3);

	/* Without a slash behind the host there is no path. */
	path = path ? memchr(path + 3, '/', (size_t)(end - path - 3)) : url;
	if (!path)
		path = end;
	while (end > path && end[-1] == '/')
		end--;

	char *segment = end;

	while (segment > path && segment[-1] != '/')
		segment--;
	*ret_segment = segment;
	return (size_t)(end - segment);
}

size_t recording_name_find(struct json_slice filename, struct json_slice source,
	char text[static RECORDING_NAME_MAX], const char **ret_name)
{
	size_t len = recording_name_decode(filename, text);
	char *segment = text;

	if (!len) {
		len = recording_name_decode(source, text);
		len = recording_name_find_segment(text, len, &segment);
		len = recording_name_decode_percent(segment, len);
	}
	*ret_name = segment;
	return len;
}
