/* SPDX-License-Identifier: MIT */
#include "key_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/errmsg.h"
#include "config/api_key.h"

/* A part of the text, not terminated by a NUL byte. */
struct part {
	const char *start;
	const char *end;
};

static void key_text_trim(struct part *part)
{
	while (part->start < part->end && isspace((unsigned char)*part->start))
		part->start++;
	while (part->start < part->end && isspace((unsigned char)part->end[-1]))
		part->end--;
}

static size_t key_text_len(const struct part *part)
{
	return (size_t)(part->end - part->start);
}

/* True if the name of a variable contains "KEY", "TOKEN" or "GLADIA". */
static bool key_text_names_key(const char *name, size_t len)
{
	static const char *const words[] = {"key", "token", "gladia"};

	for (size_t i = 0; i < len; i++)
		for (size_t j = 0; j < ARRAY_SIZE(words); j++)
			if (i + strlen(words[j]) <= len &&
				strncasecmp(name + i, words[j], strlen(words[j])) == 0)
				return true;
	return false;
}

/* Removes "export NAME=" from the line, if NAME is the name of a key. */
static void key_text_skip_name(struct part *line)
{
	static const char export[] = "export ";
	struct part name = *line;
	size_t len = 0;

	if (key_text_len(line) > strlen(export) &&
		strncmp(line->start, export, strlen(export)) == 0)
		name.start += strlen(export);
	key_text_trim(&name);
	while (name.start + len < name.end &&
		(isalnum((unsigned char)name.start[len]) || name.start[len] == '_'))
		len++;
	if (!key_text_names_key(name.start, len))
		return;
	name.start += len;
	key_text_trim(&name);
	if (name.start == name.end || *name.start != '=')
		return;
	line->start = name.start + 1;
	key_text_trim(line);
}

/* Removes quotes. Returns false if only one of them is there. */
static bool key_text_skip_quotes(struct part *line)
{
	char quote = '\0';

	if (line->start < line->end)
		quote = *line->start;
	if (quote != '"' && quote != '\'')
		return true;
	if (key_text_len(line) < 2 || line->end[-1] != quote)
		return false;
	line->start++;
	line->end--;
	key_text_trim(line);
	return true;
}

/*
 * Finds the first line that is neither empty nor a comment. Returns its number, from 1
 * on, or 0 if there is none.
 */
static int key_text_find_line(const char *text, size_t len, struct part *ret_line)
{
	const char *end = text + len;
	int number = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		struct part line = {text, newline ? newline : end};

		number++;
		text = newline ? newline + 1 : end;
		key_text_trim(&line);
		if (line.start == line.end || *line.start == '#')
			continue;
		*ret_line = line;
		return number;
	}
	return 0;
}

int key_text_parse(const char *text, size_t len, const char *place, char **ret_key,
	struct buf *errmsg)
{
	struct part line;
	int number = key_text_find_line(text, len, &line);

	if (!number)
		return errmsg_set(errmsg, -EINVAL,
			"%s contains no key: a line must be the API key%s", place,
			len > KEY_MAX ? ", and it must come first" : "");
	if (key_text_len(&line) > KEY_MAX || (len > KEY_MAX && line.end == text + len))
		return errmsg_set(errmsg, -EINVAL,
			"line %d of %s is longer than %d bytes: no API key is that long",
			number, place, KEY_MAX);
	key_text_skip_name(&line);
	if (!key_text_skip_quotes(&line))
		return errmsg_set(errmsg, -EINVAL,
			"line %d of %s begins with a quote that does not end: it must be "
			"the API key",
			number, place);
	if (line.start == line.end)
		return errmsg_set(errmsg, -EINVAL,
			"%s contains no key: line %d has a name or quotes, but no value",
			place, number);
	for (const char *c = line.start; c < line.end; c++)
		if (!isascii((unsigned char)*c) || !isgraph((unsigned char)*c))
			return errmsg_set(errmsg, -EINVAL,
				"line %d of %s contains spaces, control characters or "
				"non-ASCII bytes: it must be the API key and nothing "
				"else",
				number, place);
	*ret_key = strndup(line.start, key_text_len(&line));
	return *ret_key ? 0 : errmsg_set(errmsg, -ENOMEM, "out of memory");
}
