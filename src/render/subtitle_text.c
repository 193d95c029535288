/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/array.h"
#include "internal.h"

/* A character or a tag of a text, and what is written for it. */
struct replacement {
	const char *text;
	const char *with;
};

/* Characters that WebVTT does not allow in a text. */
static const struct replacement escapes[] = {
	{"&", "&amp;"},
	{"<", "&lt;"},
	{">", "&gt;"},
};

/* WebVTT's character references. */
static const struct replacement references[] = {
	{"&amp;", "&"},
	{"&lt;", "<"},
	{"&gt;", ">"},
	{"&nbsp;", "\u00a0"},
	{"&lrm;", "\u200e"},
	{"&rlm;", "\u200f"},
};

/* Bytes of a tag; what is longer is text. */
enum { TAG_MAX = 1024 };

/* Tags that both formats have. */
static const char *const tags[] = {"<i>", "</i>", "<b>", "</b>", "<u>", "</u>"};

static const char arrow[] = "-->";

/* True if text[0..len) begins with `prefix`. */
static bool subtitle_text_begins(const char *text, size_t len, const char *prefix)
{
	size_t prefix_len = strlen(prefix);

	return prefix_len <= len && memcmp(text, prefix, prefix_len) == 0;
}

/* Returns the replacement of what the text begins with, or NULL. */
static const struct replacement *subtitle_text_find(
	const char *text, size_t len, const struct replacement *list, size_t list_len)
{
	for (size_t i = 0; i < list_len; i++)
		if (subtitle_text_begins(text, len, list[i].text))
			return &list[i];
	return NULL;
}

/* Returns the tag with which the text begins, if both formats have it, or NULL. */
static const char *subtitle_text_find_tag(const char *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (subtitle_text_begins(text, len, tags[i]))
			return tags[i];
	return NULL;
}

int subtitle_text_add(
	const char *text, size_t len, const struct subtitles *to, struct buf *out)
{
	size_t begin = 0;
	int err = 0;

	for (size_t at = 0; !err && to->markup && at < len; at++) {
		const struct replacement *escape = subtitle_text_find(
			text + at, 1, escapes, ARRAY_SIZE(escapes));

		if (!escape)
			continue;
		err = buf_append(out, text + begin, at - begin);
		if (!err)
			err = buf_append_str(out, escape->with);
		begin = at + 1;
	}
	return err ? err : buf_append(out, text + begin, len - begin);
}

/* Appends SubRip's text as WebVTT: it has no escapes, but a few tags. */
static int subtitle_text_escape(const char *text, size_t len, const struct subtitles *to,
	struct buf *out, size_t *ret_used)
{
	const char *tag = subtitle_text_find_tag(text, len);

	*ret_used = tag ? strlen(tag) : 1;
	return tag ? buf_append_str(out, tag) : subtitle_text_add(text, 1, to, out);
}

/* Appends WebVTT's text as SubRip: without its references, and with few of its tags. */
static int subtitle_text_unescape(
	const char *text, size_t len, struct buf *out, size_t *ret_used)
{
	const struct replacement *reference = subtitle_text_find(
		text, len, references, ARRAY_SIZE(references));
	const char *tag = subtitle_text_find_tag(text, len);
	const char *end = *text == '<' ? memchr(text, '>', len < TAG_MAX ? len : TAG_MAX)
				       : NULL;

	*ret_used = 1;
	if (reference) {
		*ret_used = strlen(reference->text);
		return buf_append_str(out, reference->with);
	}
	if (end) {
		*ret_used = (size_t)(end + 1 - text);
		return tag ? buf_append_str(out, tag) : 0;
	}
	return buf_append(out, text, 1);
}

/* Writes one character or tag of a text. */
static int subtitle_text_step(const char *text, size_t len, const struct subtitles *from,
	const struct subtitles *to, struct buf *out, size_t *ret_used)
{
	/* A text cannot contain the arrow that is between the times of a cue. */
	if (subtitle_text_begins(text, len, arrow)) {
		*ret_used = strlen(arrow);
		return buf_append_str(out, to->markup ? "--&gt;" : "-- >");
	}
	if (*text != '\n' && from != to)
		return to->markup ? subtitle_text_escape(text, len, to, out, ret_used)
				  : subtitle_text_unescape(text, len, out, ret_used);
	*ret_used = 1;
	return buf_append(out, text, 1);
}

int subtitle_text_convert(const char *text, size_t len, const struct subtitles *from,
	const struct subtitles *to, struct buf *out)
{
	size_t used = 0;
	int err = 0;

	while (!err && len) {
		err = subtitle_text_step(text, len, from, to, out, &used);
		text += used;
		len -= used;
	}
	return err ? err : buf_append_str(out, "\n");
}
