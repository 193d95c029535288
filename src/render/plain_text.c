/* SPDX-License-Identifier: MIT */
#include "plain_text.h"

#include <stdint.h>
#include <string.h>

#include "json/string.h"

enum { UTF8_MAX = 4, REPLACEMENT = 0xfffd };

/* True for spaces, control characters, and Unicode's line and paragraph separators. */
static bool is_blank(uint32_t code)
{
	return code <= ' ' || (code >= 0x7f && code < 0xa0) || code == 0x2028 ||
	       code == 0x2029;
}

bool words_are_blank(struct json_piece string)
{
	uint32_t code = ' ';

	while (string.at < string.end && is_blank(code))
		string.at = json_take_code(string.at, string.end, &code);
	return is_blank(code);
}

/* True if every form copies the character unchanged, and it is not part of "-->". */
static bool is_plain(char c)
{
	return c > ' ' && c < 0x7f && c != '\\' && c != '&' && c != '<' && c != '>' &&
	       c != '-';
}

static const char *plain_run(const char *in, const char *end)
{
	while (in < end && is_plain(*in))
		in++;
	return in;
}

static int add_code(struct buf *out, uint32_t code)
{
	char bytes[UTF8_MAX];

	return buf_append(out, bytes, (size_t)(json_put_code(bytes, code) - bytes));
}

static int add_lines(struct buf *out, struct json_piece string)
{
	uint32_t before = 0;
	int err = 0;

	while (!err && string.at < string.end) {
		const char *plain = plain_run(string.at, string.end);
		uint32_t code;

		err = buf_append(out, string.at, (size_t)(plain - string.at));
		if (plain > string.at)
			before = 0;
		string.at = plain;
		if (err || plain == string.end)
			continue;
		string.at = json_take_code(plain, string.end, &code);

		/* "\r\n" is one line break; "\r" alone is one, too. */
		bool ended = code == '\n' && before == '\r';

		before = code;
		if (code == '\r')
			code = '\n';
		else if ((code < ' ' && code != '\n' && code != '\t') || code == 0x7f)
			code = REPLACEMENT;
		if (!ended)
			err = add_code(out, code);
	}
	return err;
}

/*
 * Appends a character that is not blank. `dashes` is the number of "-" directly before
 * it.
 */
static int add_seen(struct buf *out, uint32_t code, unsigned dashes, enum words_form form)
{
	if (form == WORDS_VTT && code == '&')
		return buf_append_str(out, "&amp;");
	if (form == WORDS_VTT && code == '<')
		return buf_append_str(out, "&lt;");
	if (form == WORDS_VTT && code == '>')
		return buf_append_str(out, "&gt;");
	/* SubRip has no escapes, so "-->" becomes "-- >". */
	if (form == WORDS_SRT && code == '>' && dashes >= 2)
		return buf_append_str(out, " >");
	return add_code(out, code);
}

static int add_line(struct buf *out, struct json_piece string, enum words_form form)
{
	bool begun = false;
	bool blank = false;
	unsigned dashes = 0;
	int err = 0;

	while (!err && string.at < string.end) {
		const char *plain = plain_run(string.at, string.end);
		uint32_t code = 0;

		if (plain == string.at) {
			string.at = json_take_code(plain, string.end, &code);
			if (is_blank(code)) {
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
			err = add_seen(out, code, dashes, form);
			dashes = code == '-' ? dashes + 1 : 0;
		} else if (!err) {
			err = buf_append(out, string.at, (size_t)(plain - string.at));
			string.at = plain;
			dashes = 0;
		}
	}
	return err;
}

int words_add(struct buf *out, struct json_piece string, enum words_form form)
{
	return form == WORDS_LINES ? add_lines(out, string) : add_line(out, string, form);
}
