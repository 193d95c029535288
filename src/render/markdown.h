/* SPDX-License-Identifier: MIT */
#pragma once

#include "transcript.h"

/*
 * Appends a job as notes in Markdown: title, facts, summary and chapters if there are
 * any, and one paragraph a turn. `job` is its complete text and `transcript` was read
 * from it. Returns 0, -EMSGSIZE if `out` would become too large, or -ENOMEM.
 */
int markdown_render(
	struct json_slice job, const struct transcript *transcript, struct buf *out);

/*
 * Appends text, escaping what would be markup within a line. It must have no line feed.
 * Returns 0, -EMSGSIZE if `out` would become too large, or -ENOMEM.
 */
int markdown_text_add(const char *text, size_t len, struct buf *out);

/*
 * Appends a line of text and its line feed, escaping what would be markup. A list item
 * ("- ", "* " or a bullet) remains one. Returns 0, -EMSGSIZE if `out` would become too
 * large, or -ENOMEM.
 */
int markdown_text_add_line(const char *line, size_t len, struct buf *out);

/*
 * Appends a string of the API as a single line, escaped as by markdown_text_add().
 * Returns 0, -EMSGSIZE if `out` would become too large, or -ENOMEM.
 */
int markdown_text_add_string(struct json_slice string, struct buf *out);
