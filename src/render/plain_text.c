/* SPDX-License-Identifier: MIT */
#include "plain_text.h"

#include <stdint.h>
#include <string.h>

#include "json/string.h"

enum { REPLACEMENT = 0xfffd };

bool plain_text_is_blank_char(uint32_t code)
{
	return code <= ' ' || (code >= 0x7f && code < 0xa0) || code == 0x2028 ||
	       code == 0x2029;
}

bool plain_text_is_blank(struct json_slice string)
{
	uint32_t code = ' ';

	while (string.at < string.end && plain_text_is_blank_char(code))
		string.at = json_decode_char(string.at, string.end, &code);
	return plain_text_is_blank_char(code);
}

size_t plain_text_count(struct json_slice string)
{
	size_t count = 0;
	uint32_t code;

	while (string.at < string.end) {
		string.at = json_decode_char(string.at, string.end, &code);
		count += !plain_text_is_blank_char(code);
	}
	return count;
}

/* True if every form copies the character unchanged, and it is not part of "-->". */
static bool plain_text_is_plain(char c)
{
	return c > ' ' && c < 0x7f && c != '\\' && c != '&' && c != '<' && c != '>' &&
	       c != '-';
}

static const char *plain_text_plain_run(const char *in, const char *end)
{
	while (in < end && plain_text_is_plain(*in))
		in++;
	return in;
}

static int plain_text_add_code(struct buf *out, uint32_t code)
{
	char bytes[JSON_TEXT_MAX];

	return buf_append(out, bytes, (size_t)(json_encode_char(bytes, code) - bytes));
}

static int plain_text_add_lines(struct buf *out, struct json_slice string)
{
	uint32_t before = 0;
	int err = 0;

	while (!err && string.at < string.end) {
		const char *plain = plain_text_plain_run(string.at, string.end);
		uint32_t code;

		err = buf_append(out, string.at, (size_t)(plain - string.at));
		if (plain > string.at)
			before = 0;
		string.at = plain;
		if (err || plain == string.end)
			continue;
		string.at = json_decode_char(plain, string.end, &code);

		/* "\r\n" is one line break; "\r" alone is one, too. */
		bool ended = code == '\n' && before == '\r';

		before = code;
		if (code == '\r')
			code = '\n';
		else if ((code < ' ' && code != '\n' && code != '\t') || code == 0x7f)
			code = REPLACEMENT;
		if (!ended)
			err = plain_text_add_code(out, code);
	}
	return err;
}

/* Appends a visible character. `dashes` is the number of "-" directly before it. */
static int plain_text_add_visible(
	struct buf *out, uint32_t code, unsigned dashes, enum plain_text_form form)
{
	if (form == PLAIN_TEXT_VTT && code == '&')
		return buf_append_str(out, "&amp;");
	if (form == PLAIN_TEXT_VTT && code == '<')
		return buf_append_str(out, "&lt;");
	if (form == PLAIN_TEXT_VTT && code == '>')
		return buf_append_str(out, "&gt;");
	/* SubRip has no escapes, so "-->" becomes "-- >". */
	if (form == PLAIN_TEXT_CUE && code == '>' && dashes >= 2)
		return buf_append_str(out, " >");
	return plain_text_add_code(out, code);
}

static int plain_text_add_line(
	struct buf *out, struct json_slice string, enum plain_text_form form)
{
	bool begun = false;
	bool blank = false;
	unsigned dashes = 0;
	int err = 0;

	while (!err && string.at < string.end) {
		const char *plain = plain_text_plain_run(string.at, string.end);
		uint32_t code = 0;

		if (plain == string.at) {
			string.at = json_decode_char(plain, string.end, &code);
			if (plain_text_is_blank_char(code)) {
				blank = true;
				dashes = 0;
				continue;
			}
		}
		if (blank && begun)
			err = buf_append(out, " ", 1);
		begun = true;
		blank = false;
		if (!err && code) {
			err = plain_text_add_visible(out, code, dashes, form);
			dashes = code == '-' ? dashes + 1 : 0;
		} else if (!err) {
			err = buf_append(out, string.at, (size_t)(plain - string.at));
			string.at = plain;
			dashes = 0;
		}
	}
	return err;
}

int plain_text_add(struct buf *out, struct json_slice string, enum plain_text_form form)
{
	return form == PLAIN_TEXT_LINES ? plain_text_add_lines(out, string)
					: plain_text_add_line(out, string, form);
}
