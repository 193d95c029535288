/* SPDX-License-Identifier: MIT */
#include "recording_name.h"

#include <string.h>

#include "base/cleanup.h"
#include "plain_text.h"
#include "render/render.h"
#include "json/string.h"

/* Returns the value of a hexadecimal digit, or -1. */
static int recording_name_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes "%20" in place. */
static void recording_name_decode(struct buf *name)
{
	size_t len = 0;

	for (size_t at = 0; at < name->len; at++) {
		int high = -1;
		int low = -1;

		if (name->data[at] == '%' && at + 2 < name->len) {
			high = recording_name_digit(name->data[at + 1]);
			low = recording_name_digit(name->data[at + 2]);
		}
		if (high < 0 || low < 0) {
			name->data[len++] = name->data[at];
			continue;
		}
		name->data[len++] = (char)(high * 16 + low);
		at += 2;
	}
	name->len = len;
	name->data[len] = '\0';
}

/* Appends bytes as a single line of UTF-8. */
static int recording_name_add_bytes(const char *at, const char *end, struct buf *out)
{
	CLEANUP(buf_done) struct buf text;
	uint32_t code;
	int err = 0;

	buf_init(&text, FORMAT_TEXT_MAX);
	/* Escapes of JSON were decoded before; a backslash here is one of the name. */
	while (!err && at < end) {
		if (*at == '\\')
			err = buf_append(&text, at, 1);
		if (*at == '\\' && !err)
			err = buf_append(&text, at++, 1);
		else if (!err) {
			char bytes[JSON_TEXT_MAX];

			at = json_decode_char(at, end, &code);
			err = buf_append(&text, bytes,
				(size_t)(json_encode_char(bytes, code) - bytes));
		}
	}
	if (err || !text.len)
		return err;
	return plain_text_add(out, (struct json_slice){text.data, text.data + text.len},
		PLAIN_TEXT_LINE);
}

/* Appends the last segment of a URL, without what follows "?" or "#". */
static int recording_name_add_url(struct json_slice url, struct buf *out)
{
	CLEANUP(buf_done) struct buf text;

	buf_init(&text, FORMAT_TEXT_MAX);

	int err = plain_text_add(&text, url, PLAIN_TEXT_LINE);

	if (err || !text.len)
		return err;
	text.len = strcspn(text.data, "?#");
	text.data[text.len] = '\0';

	char *scheme = strstr(text.data, "://");
	char *path = scheme ? strchr(scheme + strlen("://"), '/') : text.data;
	char *last = path ? strrchr(path, '/') : NULL;

	if (scheme && !last)
		return 0;
	if (last) {
		text.len -= (size_t)(last + 1 - text.data);
		memmove(text.data, last + 1, text.len + 1);
	}
	recording_name_decode(&text);
	return recording_name_add_bytes(text.data, text.data + text.len, out);
}

int recording_name_add(struct json_slice job, struct buf *out)
{
	static const char *const names[] = {"filename", "source"};
	struct json_slice values[2];
	size_t begin = out->len;

	json_members(json_member(job, "file"), names, 2, values);

	int err = plain_text_add(out, json_string_body(values[0]), PLAIN_TEXT_LINE);

	if (!err && out->len == begin)
		err = recording_name_add_url(json_string_body(values[1]), out);
	if (!err && out->len == begin)
		err = plain_text_add(
			out, json_string_body(json_member(job, "id")), PLAIN_TEXT_LINE);
	if (!err && out->len == begin)
		err = buf_append_str(out, "Recording");
	return err;
}
