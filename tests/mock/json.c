/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum { INDENT_MAX = 32 };

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && is_space(*p))
		p++;
	return p;
}

/* Returns the position after the string that begins at p. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : end;
}

static const char *skip_nested(const char *p, const char *end)
{
	size_t depth = 0;

	while (p < end) {
		char c = *p;

		p = c == '"' ? skip_string(p, end) : p + 1;
		if (c == '{' || c == '[')
			depth++;
		if ((c == '}' || c == ']') && --depth == 0)
			return p;
	}
	return end;
}

static const char *skip_value(const char *p, const char *end)
{
	if (p < end && *p == '"')
		return skip_string(p, end);
	if (p < end && (*p == '{' || *p == '['))
		return skip_nested(p, end);
	while (p < end && !strchr(",}] \t\r\n", *p))
		p++;
	return p;
}

bool json_member(struct span object, const char *key, struct span *ret_value)
{
	const char *p = object.p, *end = object.p + object.n;
	size_t wanted = strlen(key);

	p = skip_space(p, end);
	if (p >= end || *p != '{')
		return false;
	for (p = skip_space(p + 1, end); p < end && *p == '"';) {
		const char *name = p, *after = skip_string(p, end), *value;
		bool hit = (size_t)(after - name) == wanted + 2 &&
			   memcmp(name + 1, key, wanted) == 0;

		p = skip_space(after, end);
		if (p >= end || *p != ':')
			return false;
		value = skip_space(p + 1, end);
		p = skip_value(value, end);
		if (hit) {
			*ret_value = (struct span){value, (size_t)(p - value)};
			return true;
		}
		p = skip_space(p, end);
		if (p < end && *p == ',')
			p = skip_space(p + 1, end);
	}
	return false;
}

char *json_member_string(struct span object, const char *key)
{
	struct span value;
	cJSON *tree;
	char *out = NULL;

	if (!json_member(object, key, &value))
		return NULL;
	if (value.n == 0 || *value.p != '"')
		return text_unescape(value.p, value.n, false);
	tree = cJSON_ParseWithLength(value.p, value.n);
	if (cJSON_IsString(tree))
		out = strdup(tree->valuestring);
	cJSON_Delete(tree);
	return out;
}

/* Limits the indentation: otherwise the fault `deep` would take gigabytes. */
static void new_line(struct text *out, size_t depth)
{
	size_t indent = 2 * depth < INDENT_MAX ? 2 * depth : INDENT_MAX;
	char *p = text_room(out, 1 + indent);

	*p = '\n';
	memset(p + 1, ' ', indent);
	out->n += 1 + indent;
}

void json_pretty(struct text *out, struct span in)
{
	const char *p = in.p, *end = in.p + in.n;
	size_t depth = 0;

	while ((p = skip_space(p, end)) < end) {
		const char *from = p;

		if (*p == '"') {
			p = skip_string(p, end);
			text_add(out, from, (size_t)(p - from));
			continue;
		}
		p++;
		if (*from == '}' || *from == ']') {
			depth -= depth > 0;
			new_line(out, depth);
		}
		text_add(out, from, 1);
		if (*from == '{' || *from == '[') {
			const char *next = skip_space(p, end);

			if (next < end && (*next == '}' || *next == ']')) {
				text_add(out, next, 1);
				p = next + 1;
			} else {
				new_line(out, ++depth);
			}
		} else if (*from == ',') {
			new_line(out, depth);
		} else if (*from == ':') {
			text_str(out, " ");
		}
	}
	text_str(out, "\n");
}
