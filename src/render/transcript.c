/* SPDX-License-Identifier: MIT */
#include "transcript.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "translations.h"

/*
 * Bytes of a time, and digits of a speaker or channel number; longer ones are not valid.
 */
enum { NUMBER_MAX = 64, DIGITS_MAX = 9 };

enum member { START, END, TEXT, WORDS, SPEAKER, CHANNEL, MEMBERS };

static const char *const member_names[MEMBERS] = {
	[START] = "start",
	[END] = "end",
	[TEXT] = "text",
	[WORDS] = "words",
	[SPEAKER] = "speaker",
	[CHANNEL] = "channel",
};

/*
 * Returns what is between the quotes, or nothing if the value is not a string or is
 * blank.
 */
static struct json_slice transcript_read_string(struct json_slice value)
{
	struct json_slice inside = json_string_body(value);

	return plain_text_is_blank(inside) ? (struct json_slice){0} : inside;
}

/* Returns the digits of a non-negative integer, or nothing if the value is not one. */
static struct json_slice transcript_read_count(struct json_slice value)
{
	size_t len = json_length(value);

	for (size_t i = 0; i < len; i++)
		if (value.at[i] < '0' || value.at[i] > '9')
			return (struct json_slice){0};
	return len <= DIGITS_MAX ? value : (struct json_slice){0};
}

/*
 * Reads a number of at most 15 characters without sign and exponent, as nearly all times
 * are. The result is that of strtod(), because a double represents both operands of the
 * division exactly, but strtod() would take a seventh of the time for a whole rendition.
 * Returns false if the number is not of this kind.
 */
static bool transcript_read_short(struct json_slice value, double *ret_number)
{
	enum { EXACT_MAX = 15 };
	bool point = false;
	int64_t digits = 0;
	double scale = 1;

	if (json_length(value) > EXACT_MAX)
		return false;
	for (const char *at = value.at; at < value.end; at++) {
		if (*at == '.' && !point) {
			point = true;
			continue;
		}
		if (*at < '0' || *at > '9')
			return false;
		digits = digits * 10 + *at - '0';
		if (point)
			scale *= 10;
	}
	*ret_number = (double)digits / scale;
	return true;
}

double transcript_read_seconds(struct json_slice value)
{
	char number[NUMBER_MAX];
	double seconds;
	size_t len = json_length(value);

	if (!len || len >= sizeof(number) ||
		!(*value.at == '-' || (*value.at >= '0' && *value.at <= '9')))
		return NAN;
	if (transcript_read_short(value, &seconds))
		return seconds;
	memcpy(number, value.at, len);
	number[len] = '\0';
	return strtod(number, NULL);
}

/* Reads an utterance. Returns false if it has no text. */
static bool transcript_read_utterance(
	const struct json_slice values[static MEMBERS], struct utterance *ret_utterance)
{
	struct json_slice name = transcript_read_string(values[SPEAKER]);

	*ret_utterance = (struct utterance){
		.start = transcript_read_seconds(values[START]),
		.end = transcript_read_seconds(values[END]),
		.text = transcript_read_string(values[TEXT]),
		.words = values[WORDS],
		.speaker = name.at ? name : transcript_read_count(values[SPEAKER]),
		.channel = transcript_read_count(values[CHANNEL]),
		.named = name.at != NULL,
	};
	return ret_utterance->text.at != NULL;
}

static int transcript_add_utterance(
	struct transcript *transcript, const struct utterance *utterance)
{
	int err = ARRAY_RESERVE(
		transcript->utterances, transcript->cap, transcript->len + 1);

	if (!err)
		transcript->utterances[transcript->len++] = *utterance;
	return err;
}

static int transcript_read_utterances(
	struct json_slice array, struct transcript *transcript)
{
	struct json_slice values[MEMBERS];
	struct utterance utterance;
	struct json_cursor cursor;
	double at = 0;
	int err = 0;

	if (json_cursor_enter(array, '[', &cursor))
		return 0;
	while (!err &&
		!json_cursor_next_members(&cursor, member_names, MEMBERS, values)) {
		if (!transcript_read_utterance(values, &utterance))
			continue;
		/*
		 * An utterance without a start keeps its position after the previous one.
		 */
		if (!isnan(utterance.start))
			at = utterance.start;
		utterance.at = at;
		err = transcript_add_utterance(transcript, &utterance);
	}
	return err;
}

static int transcript_compare_bytes(struct json_slice one, struct json_slice other)
{
	size_t len = json_length(one);

	if (len != json_length(other))
		return len < json_length(other) ? -1 : 1;
	return one.at && other.at ? memcmp(one.at, other.at, len) : 0;
}

static int transcript_compare_speakers(
	const struct utterance *one, const struct utterance *other)
{
	int order = one->named - other->named;

	return order ? order : transcript_compare_bytes(one->speaker, other->speaker);
}

static int transcript_compare_voices(const void *one, const void *other)
{
	const struct utterance *a = one;
	const struct utterance *b = other;
	int order = transcript_compare_speakers(a, b);

	return order ? order : transcript_compare_bytes(a->channel, b->channel);
}

/* Utterances that start together keep the order of the job's text. */
static int transcript_compare_times(const void *one, const void *other)
{
	const struct utterance *a = one;
	const struct utterance *b = other;

	if (a->at < b->at || a->at > b->at)
		return a->at < b->at ? -1 : 1;
	return a->text.at < b->text.at ? -1 : 1;
}

/*
 * True if channels are needed to distinguish voices: the same speaker, or, if no
 * utterance has a speaker, any two utterances have different channels. Leaves the
 * utterances sorted by voice.
 */
static bool transcript_has_channels(struct transcript *transcript)
{
	struct utterance *utterances = transcript->utterances;
	bool channels = false;

	qsort(utterances, transcript->len, sizeof(*utterances),
		transcript_compare_voices);
	/* Utterances without a speaker come first. */
	bool diarized = utterances[transcript->len - 1].speaker.at != NULL;

	for (size_t i = 1; i < transcript->len; i++)
		channels |= (utterances[i].speaker.at || !diarized) &&
			    !transcript_compare_speakers(
				    &utterances[i - 1], &utterances[i]) &&
			    transcript_compare_bytes(
				    utterances[i - 1].channel, utterances[i].channel);
	return channels;
}

/*
 * Sorts the utterances by time: a job may list one channel after the other, but subtitles
 * need ascending times.
 */
static void transcript_arrange(struct transcript *transcript)
{
	struct utterance *utterances = transcript->utterances;

	if (!transcript->len)
		return;
	transcript->channels = transcript_has_channels(transcript);
	qsort(utterances, transcript->len, sizeof(*utterances), transcript_compare_times);
	for (size_t i = 0; i < transcript->len; i++)
		transcript->voiced |= transcript_has_voice(transcript, &utterances[i]);
}

int transcript_read(const char *job, size_t len, unsigned translation,
	struct transcript *ret_transcript)
{
	static const char *const names[] = {
		"full_transcript", "subtitles", "languages", "utterances"};
	static const char *const path[] = {"result", "transcription", NULL};
	struct json_slice whole = {job, job + len};
	struct json_slice translated;
	struct json_slice values[4];
	struct json_cursor cursor;

	*ret_transcript = (struct transcript){0};
	if (json_cursor_enter(whole, '{', &cursor))
		return -EBADMSG;
	if (!translation)
		json_members_at(whole, path, names, 4, values);
	else if (!translations_find(whole, translation, &translated))
		json_members(translated, names, 4, values);
	else
		return -ENOENT;
	ret_transcript->full = transcript_read_string(values[0]);
	ret_transcript->subtitles = values[1];
	ret_transcript->languages = values[2];

	int err = transcript_read_utterances(values[3], ret_transcript);

	if (!err)
		transcript_arrange(ret_transcript);
	return err;
}

void transcript_done(struct transcript *transcript)
{
	free(transcript->utterances);
	*transcript = (struct transcript){0};
}

bool transcript_has_voice(
	const struct transcript *transcript, const struct utterance *utterance)
{
	return utterance->speaker.at || (transcript->channels && utterance->channel.at);
}

bool transcript_same_voice(const struct utterance *one, const struct utterance *other)
{
	return !transcript_compare_speakers(one, other) &&
	       !transcript_compare_bytes(one->channel, other->channel);
}

static int transcript_add_part(struct buf *out, const char *before,
	struct json_slice part, enum plain_text_form form)
{
	int err = buf_append_str(out, before);

	return err ? err : plain_text_add(out, part, form);
}

int transcript_add_voice(const struct transcript *transcript,
	const struct utterance *utterance, struct buf *out, enum plain_text_form form)
{
	bool channel = transcript->channels && utterance->channel.at;
	int err = 0;

	if (channel)
		err = transcript_add_part(out, "Channel ", utterance->channel, form);
	if (err || !utterance->speaker.at)
		return err;
	if (utterance->named)
		return transcript_add_part(
			out, channel ? ", " : "", utterance->speaker, form);
	return transcript_add_part(
		out, channel ? ", speaker " : "Speaker ", utterance->speaker, form);
}
