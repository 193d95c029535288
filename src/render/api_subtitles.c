/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "internal.h"
#include "word_times.h"

/*
 * Reads subtitles that the API made. Their times may have any separator: the API has been
 * seen to write SubRip times with dots.
 */

/* Duration of a cue whose end is not usable, if the next one does not begin earlier. */
enum { REPAIRED_MS = 1000 };

static const char arrow[] = "-->";

/* A cue as it was read. The text and the settings are in the text of the subtitles. */
struct made_cue {
	int64_t from;
	int64_t to;
	bool has_from;
	bool has_to;
	const char *settings; /* what follows the times, with its space; or "" */
	const char *text;     /* lines, with line feeds between them */
	size_t text_len;
	size_t number; /* position in the text */
};

/* Subtitles of one kind. */
struct made_subtitles {
	const struct subtitles *kind;
	struct buf text; /* a NUL ends the settings of each cue */
	struct made_cue *cues;
	size_t len;
	size_t cap;
	size_t repaired; /* number of times that were not usable */
	bool present;    /* there is more than a header */
};

static void api_subtitles_done(struct made_subtitles *made)
{
	buf_done(&made->text);
	free(made->cues);
}

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
	return minutes < 60 && seconds < 60 && (!**at || strchr(" \t-", **at));
}

static const char *api_subtitles_skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/*
 * Reads "TIME --> TIME[ settings]". Returns false if the line does not have at least one
 * time and the arrow.
 */
static bool api_subtitles_read_times(const char *line, struct made_cue *ret_cue)
{
	const char *at = api_subtitles_skip_blanks(line);
	const char *second = strstr(line, arrow);

	if (!second)
		return false;
	*ret_cue = (struct made_cue){.settings = ""};
	ret_cue->has_from = api_subtitles_take_time(&at, &ret_cue->from) &&
			    api_subtitles_skip_blanks(at) == second;
	at = api_subtitles_skip_blanks(second + strlen(arrow));
	ret_cue->has_to = api_subtitles_take_time(&at, &ret_cue->to);
	if (ret_cue->has_to && !strstr(at, arrow))
		ret_cue->settings = at;
	return ret_cue->has_from || ret_cue->has_to;
}

static bool api_subtitles_is_number(const char *line, size_t len)
{
	return len && strspn(line, "0123456789") >= len;
}

/* Removes a number that precedes the times of the next cue without an empty line. */
static void api_subtitles_remove_number(struct made_cue *cue)
{
	const char *last = cue->text_len ? memrchr(cue->text, '\n', cue->text_len) : NULL;
	size_t begin = last ? (size_t)(last - cue->text) : 0;
	const char *line = last ? last + 1 : cue->text;

	if (last &&
		api_subtitles_is_number(line, cue->text_len - (size_t)(line - cue->text)))
		cue->text_len = begin;
}

static int api_subtitles_add_cue(struct made_subtitles *made, const struct made_cue *cue)
{
	if (!cue->text_len)
		return 0;
	if (ARRAY_RESERVE(made->cues, made->cap, made->len + 1))
		return -ENOMEM;
	made->cues[made->len] = *cue;
	made->cues[made->len].number = made->len;
	made->len++;
	return 0;
}

/* Reads all cues that have text. A cue ends with an empty line or with the next times. */
static int api_subtitles_read_cues(struct made_subtitles *made, char *text)
{
	struct made_cue cue = {0};
	bool open = false;
	int err = 0;

	while (!err && *text) {
		char *end = text + strcspn(text, "\n");
		char *next = end + (*end != '\0');
		bool blank = strspn(text, " \t") >= (size_t)(end - text);
		struct made_cue begun;

		*end = '\0';
		if (!blank && api_subtitles_read_times(text, &begun)) {
			if (open) {
				api_subtitles_remove_number(&cue);
				err = api_subtitles_add_cue(made, &cue);
			}
			cue = begun;
			open = true;
		} else if (open && blank) {
			err = api_subtitles_add_cue(made, &cue);
			open = false;
		} else if (open) {
			if (next > end)
				*end = '\n';
			if (!cue.text)
				cue.text = text;
			cue.text_len = (size_t)(end - cue.text);
		}
		text = next;
	}
	return err || !open ? err : api_subtitles_add_cue(made, &cue);
}

/*
 * Gives a start to each cue without one: the end of the previous cue, or if its own end
 * is not later than that, a moment before its own end.
 */
static void api_subtitles_repair_starts(struct made_subtitles *made)
{
	int64_t before = 0;

	for (size_t i = 0; i < made->len; i++) {
		struct made_cue *cue = &made->cues[i];

		if (!cue->has_from) {
			made->repaired++;
			cue->from = before;
			if (cue->has_to && cue->to <= cue->from)
				cue->from = cue->to > REPAIRED_MS ? cue->to - REPAIRED_MS
								  : 0;
		}
		before = cue->has_to && cue->to > cue->from ? cue->to
							    : cue->from + REPAIRED_MS;
	}
}

static int api_subtitles_compare(const void *one, const void *other)
{
	const struct made_cue *a = one;
	const struct made_cue *b = other;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

/*
 * Makes the end of each cue be after its start, and not after the next one's start. The
 * cues must be sorted.
 */
static void api_subtitles_repair_ends(struct made_subtitles *made)
{
	int64_t next = TIME_MS_MAX;

	for (size_t i = made->len; i-- > 0;) {
		struct made_cue *cue = &made->cues[i];

		if (i + 1 < made->len && cue[1].from > cue->from)
			next = cue[1].from;
		if (!cue->has_to || cue->to <= cue->from) {
			made->repaired++;
			cue->to = cue->from + REPAIRED_MS;
		}
		if (cue->to > next)
			cue->to = next;
	}
	while (made->len && made->cues[made->len - 1].from >= TIME_MS_MAX)
		made->len--;
}

/*
 * Overwrites characters that some programs take for the end of a line with spaces: C1
 * controls, and the line and paragraph separators.
 */
static void api_subtitles_remove_line_ends(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at; at++) {
		bool control = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;
		bool separator = at[0] == 0xe2 && at[1] == 0x80 &&
				 (at[2] == 0xa8 || at[2] == 0xa9);

		if (control || separator)
			memset(at, ' ', control ? 2 : 3);
	}
}

/* Returns what follows the byte order mark and the first line of WebVTT, if any. */
static char *api_subtitles_skip_header(char *text)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";

	if (strncmp(text, byte_order_mark, strlen(byte_order_mark)) == 0)
		text += strlen(byte_order_mark);
	if (strncmp(text, "WEBVTT", strlen("WEBVTT")) == 0)
		text += strcspn(text, "\n");
	return text;
}

/* Reads the subtitles of one kind. Returns 0, -EMSGSIZE or -ENOMEM. */
static int api_subtitles_read(struct json_slice array, const struct subtitles *kind,
	struct made_subtitles *ret_made)
{
	static const char *const names[] = {"format", "subtitles"};
	struct json_slice values[2];
	struct json_cursor cursor;
	int err;

	*ret_made = (struct made_subtitles){.kind = kind};
	buf_init(&ret_made->text, FORMAT_TEXT_MAX);
	if (json_cursor_enter(array, '[', &cursor))
		return 0;
	do {
		if (json_cursor_next_members(&cursor, names, 2, values))
			return 0;
	} while (!json_is(json_string_body(values[0]), kind->name));

	err = plain_text_add(
		&ret_made->text, json_string_body(values[1]), PLAIN_TEXT_LINES);
	if (err || !ret_made->text.len)
		return err;

	char *text = api_subtitles_skip_header(ret_made->text.data);

	ret_made->present = text[strspn(text, " \t\n")];
	api_subtitles_remove_line_ends(text);
	err = api_subtitles_read_cues(ret_made, text);
	if (err || !ret_made->len)
		return err;
	api_subtitles_repair_starts(ret_made);
	qsort(ret_made->cues, ret_made->len, sizeof(*ret_made->cues),
		api_subtitles_compare);
	api_subtitles_repair_ends(ret_made);
	return 0;
}

/* Appends the cues. Those that begin at the same time are shown as one. */
static int api_subtitles_write(const struct made_subtitles *made,
	const struct subtitles *subtitles, struct buf *out)
{
	int err = buf_append_str(out, subtitles->header);
	size_t number = 0;

	for (size_t i = 0, end; !err && i < made->len; i = end) {
		const struct made_cue *cue = &made->cues[i];
		int64_t to = cue->to;

		for (end = i + 1; end < made->len && made->cues[end].from == cue->from;
			end++)
			if (made->cues[end].to > to)
				to = made->cues[end].to;
		err = subtitles_begin_cue(subtitles, ++number, cue->from, to, out);
		if (!err && subtitles == made->kind)
			err = buf_append_str(out, cue->settings);
		if (!err)
			err = buf_append_str(out, "\n");
		for (size_t j = i; !err && j < end; j++)
			err = subtitle_text_convert(made->cues[j].text,
				made->cues[j].text_len, made->kind, subtitles, out);
	}
	return err;
}

int api_subtitles_render(
	struct json_slice made, struct rendering *renderings, size_t renderings_len)
{
	CLEANUP(api_subtitles_done) struct made_subtitles srt = {0};
	CLEANUP(api_subtitles_done) struct made_subtitles vtt = {0};
	int err = api_subtitles_read(made, &subtitles_srt, &srt);

	if (!err)
		err = api_subtitles_read(made, &subtitles_vtt, &vtt);
	if (err)
		return err;

	bool better = vtt.len > srt.len ||
		      (vtt.len == srt.len && vtt.repaired < srt.repaired);
	const struct made_subtitles *used = better ? &vtt : &srt;

	if (!used->len)
		return srt.present || vtt.present ? -EBADMSG : -ENODATA;
	for (size_t i = 0; i < renderings_len; i++) {
		struct rendering *one = &renderings[i];
		const struct subtitles *subtitles = subtitles_find(one->format);

		if (subtitles)
			one->result = api_subtitles_write(used, subtitles, one->out);
	}
	return 0;
}
