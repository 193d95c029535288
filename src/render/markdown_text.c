/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "markdown.h"
#include "render/render.h"

/* True if the byte is a letter or a digit, or part of a character that is not ASCII. */
static bool markdown_text_is_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* True if text[at] would be markup within a line. */
static bool markdown_text_is_markup(const char *text, size_t len, size_t at)
{
	char before = ' ';
	char after = ' ';

	if (at)
		before = text[at - 1];
	if (at + 1 < len)
		after = text[at + 1];

	switch (text[at]) {
	case '\\':
		return ispunct((unsigned char)after) || at + 1 == len;
	case '*':
	case '`':
	case '[':
	case ']':
	case '<':
	case '~':
		return true;
	case '_': /* between letters it is no markup */
		return !markdown_text_is_word(before) || !markdown_text_is_word(after);
	case '&':
		return after == '#' || isalpha((unsigned char)after);
	default:
		return false;
	}
}

int markdown_text_add(const char *text, size_t len, struct buf *out)
{
	size_t begin = 0;
	int err = 0;

	for (size_t at = 0; !err && at < len; at++) {
		if (!markdown_text_is_markup(text, len, at))
			continue;
		err = buf_append(out, text + begin, at - begin);
		if (!err)
			err = buf_append_str(out, "\\");
		begin = at;
	}
	return err ? err : buf_append(out, text + begin, len - begin);
}

/* Returns the length of what makes a line a list item, or 0. */
static size_t markdown_text_bullet(const char *line, size_t len)
{
	static const char *const bullets[] = {"- ", "* ", "• "};

	for (size_t i = 0; i < ARRAY_SIZE(bullets); i++)
		if (strlen(bullets[i]) <= len &&
			memcmp(line, bullets[i], strlen(bullets[i])) == 0)
			return strlen(bullets[i]);
	return 0;
}

/* Returns the position of what makes the beginning of a line markup, or `len`. */
static size_t markdown_text_mark(const char *line, size_t len)
{
	size_t digits = 0;

	if (len && strchr("#>+-=|", line[0]))
		return 0;
	while (digits < len && isdigit((unsigned char)line[digits]))
		digits++;
	return digits && digits < len && strchr(".)", line[digits]) ? digits : len;
}

int markdown_text_add_line(const char *line, size_t len, struct buf *out)
{
	int err = 0;

	while (len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}

	size_t bullet = markdown_text_bullet(line, len);
	size_t mark = bullet ? len : markdown_text_mark(line, len);

	if (bullet)
		err = buf_append_str(out, "- ");
	if (!err && mark < len) {
		err = buf_append(out, line, mark);
		if (!err)
			err = buf_append_str(out, "\\");
		if (!err)
			err = buf_append(out, line + mark, 1);
		bullet = mark + 1;
	}
	if (!err)
		err = markdown_text_add(line + bullet, len - bullet, out);
	return err ? err : buf_append_str(out, "\n");
}

int markdown_text_add_string(struct json_slice string, struct buf *out)
{
	CLEANUP(buf_done) struct buf line;

	buf_init(&line, FORMAT_TEXT_MAX);

	int err = plain_text_add(&line, string, PLAIN_TEXT_LINE);

	if (!err && line.len)
		err = markdown_text_add(line.data, line.len, out);
	return err;
}
