/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "internal.h"

/*
 * Normalises subtitles that the API made. Lines are copied unchanged, except that the
 * times get the separators of the format: the API has been seen to write SubRip times
 * with dots.
 */

static const char arrow[] = "-->";
static const char byte_order_mark[] = "\xef\xbb\xbf";

/* Reads at least one and at most `max` digits. Returns false if there are more. */
static bool api_subtitles_take_number(const char **at, unsigned max, unsigned *ret_number)
{
	unsigned number = 0;
	unsigned count = 0;

	for (; **at >= '0' && **at <= '9' && count <= max; (*at)++, count++)
		number = number * 10 + (unsigned)(**at - '0');
	*ret_number = number;
	return count && count <= max;
}

/* Reads the digits after the decimal point. Digits after the third are ignored. */
static bool api_subtitles_take_fraction(const char **at, unsigned *ret_ms)
{
	unsigned ms = 0;
	unsigned count = 0;

	for (; **at >= '0' && **at <= '9'; (*at)++, count++)
		if (count < 3)
			ms = ms * 10 + (unsigned)(**at - '0');
	for (unsigned i = count; i < 3; i++)
		ms *= 10;
	*ret_ms = ms;
	return count > 0;
}

/* Reads "[HH:]MM:SS.mmm"; any of ".,:;" is accepted before the milliseconds. */
static bool api_subtitles_take_time(const char **at, int64_t *ret_ms)
{
	unsigned parts[3] = {0};
	unsigned count = 0;
	unsigned ms = 0;

	do {
		if (count)
			(*at)++;
		if (!api_subtitles_take_number(at, 2, &parts[count]))
			return false;
		count++;
	} while (count < 3 && **at == ':');
	if (count < 2)
		return false;
	if (**at && strchr(".,:;", **at)) {
		(*at)++;
		if (!api_subtitles_take_fraction(at, &ms))
			return false;
	}

	unsigned hours = count == 3 ? parts[0] : 0;
	unsigned minutes = parts[count - 2];
	unsigned seconds = parts[count - 1];

	*ret_ms = ((int64_t)(hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
	return minutes < 60 && seconds < 60;
}

static void api_subtitles_skip_blanks(const char **at)
{
	*at += strspn(*at, " \t");
}

/*
 * Reads "TIME --> TIME[ settings]". Sets `ret_rest` to what follows the times. Returns
 * false if the line has another form, or if the end is not after the start.
 */
static bool api_subtitles_read_times(
	const char *line, int64_t *ret_from, int64_t *ret_to, const char **ret_rest)
{
	api_subtitles_skip_blanks(&line);
	if (!api_subtitles_take_time(&line, ret_from))
		return false;
	api_subtitles_skip_blanks(&line);
	if (strncmp(line, arrow, strlen(arrow)) != 0)
		return false;
	line += strlen(arrow);
	api_subtitles_skip_blanks(&line);
	*ret_rest = line;
	if (!api_subtitles_take_time(&line, ret_to) || *ret_to <= *ret_from)
		return false;
	*ret_rest = line;
	return (!*line || *line == ' ' || *line == '\t') && !strstr(line, arrow);
}

/*
 * Appends a line, which has no line feed, and counts it if it has the times of a cue.
 * Returns 0, -ENODATA if its times cannot be read, -EMSGSIZE or -ENOMEM.
 */
static int api_subtitles_add_line(const char *line, const struct subtitles *subtitles,
	struct buf *out, size_t *cues)
{
	int64_t from, to;
	int err = 0;

	if (strstr(line, arrow)) {
		if (!api_subtitles_read_times(line, &from, &to, &line))
			return -ENODATA;
		++*cues;
		err = subtitles_add_times(out, subtitles, from, to);
	}
	if (!err)
		err = buf_append_str(out, line);
	return err ? err : buf_append_str(out, "\n");
}

static bool api_subtitles_begins_with_header(
	const char *text, const struct subtitles *subtitles)
{
	size_t len = strcspn(subtitles->header, "\n");

	return !len ||
	       (strncmp(text, subtitles->header, len) == 0 && strchr(" \t\n", text[len]));
}

/*
 * Appends all lines, and the header if it is missing. Overwrites the line feeds of
 * `text`. Returns 0, -ENODATA if there is no cue or if times cannot be read, -EMSGSIZE or
 * -ENOMEM.
 */
static int api_subtitles_add_text(
	char *text, const struct subtitles *subtitles, struct buf *out)
{
	size_t cues = 0;
	int err = 0;

	if (!api_subtitles_begins_with_header(text, subtitles))
		err = buf_printf(out, "%s\n", subtitles->header);
	while (!err && *text) {
		char *end = text + strcspn(text, "\n");
		bool last = !*end;

		*end = '\0';
		err = api_subtitles_add_line(text, subtitles, out, &cues);
		text = end + !last;
	}
	return err || cues ? err : -ENODATA;
}

int api_subtitles_render(
	struct json_slice text, const struct subtitles *subtitles, struct buf *out)
{
	size_t len = out->len;
	CLEANUP(buf_done) struct buf lines;

	buf_init(&lines, FORMAT_TEXT_MAX);

	int err = plain_text_add(&lines, json_string_body(text), PLAIN_TEXT_LINES);

	if (err || !lines.len)
		return err ? err : -ENODATA;

	char *first = lines.data;

	if (strncmp(first, byte_order_mark, strlen(byte_order_mark)) == 0)
		first += strlen(byte_order_mark);
	err = api_subtitles_add_text(first, subtitles, out);
	if (err == -ENODATA && out->data) {
		out->len = len;
		out->data[len] = '\0';
	}
	return err;
}
