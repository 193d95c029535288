/* SPDX-License-Identifier: MIT */
#include "cues.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "render/render.h"
#include "units.h"
#include "word_times.h"

enum {
	JOIN_MS = 500,        /* a gap that ends a run of utterances */
	PAUSE_MS = 300,       /* a gap between words that is a good place for a break */
	SILENCE_MS = 1500,    /* a gap between words that ends a cue */
	WORDS_SLACK_MS = 500, /* how far words may be outside their utterance */
	END_MS = 1000, /* duration of an utterance whose end is not known, at least */
	CHAR_MS_FASTEST = 16,   /* people say at most 60 characters a second */
	CHAR_MS_SLOWEST = 2000, /* and at least one in two seconds, with a pause */
	CUE_UNITS_MAX = 200,    /* bounds the time for texts without width */
	RUN_UNITS_MAX = 8192,   /* a longer run is cut there: bounds the memory */
	INTERRUPTIONS_MAX = 64, /* utterances that may interrupt a run: bounds the time */
	PART_MAX = 64 << 10,    /* bytes of text that are divided at once */
};

/* The best way to cut the first units of a run. */
struct cut {
	uint64_t cost;
	size_t begin; /* the first unit of the last cue */
};

struct builder {
	const struct transcript *transcript;
	struct cues *cues;
	struct word_times times;
	struct units units; /* of the run: utterances of one voice without a gap */
	struct cut *cuts;
	size_t cuts_cap;
	const struct utterance *last; /* the previous utterance */
	int64_t last_to;              /* when it ended */
};

void cues_done(struct cues *cues)
{
	buf_done(&cues->text);
	free(cues->list);
	*cues = (struct cues){0};
}

static void cues_builder_done(struct builder *builder)
{
	word_times_done(&builder->times);
	units_done(&builder->units);
	free(builder->cuts);
}

/* True if that many characters can be said in a time. */
static bool cues_is_possible(size_t chars, int64_t from, int64_t to)
{
	return to > from && to - from >= (int64_t)chars * CHAR_MS_FASTEST;
}

/* True if the times of an utterance's words can be used: SEMANTICS 8.3.6. */
static bool cues_words_are_usable(
	const struct word_times *times, const struct utterance *utterance, size_t chars)
{
	int64_t from, to;

	if (!times->len)
		return false;

	const struct timed_word *first = times->words;
	const struct timed_word *last = &times->words[times->len - 1];

	if (!cues_is_possible(chars, first->from, last->to))
		return false;
	if (!time_to_ms(utterance->start, &from) || !time_to_ms(utterance->end, &to) ||
		to <= from)
		return true;
	return first->from >= from - WORDS_SLACK_MS && last->to <= to + WORDS_SLACK_MS;
}

/*
 * Determines when the words of an utterance are spoken: by the times of its words, or
 * else by its own, which are repaired if necessary. Returns 0 or -ENOMEM.
 */
static int cues_time_words(
	struct builder *builder, const struct utterance *utterance, size_t chars)
{
	const struct transcript *transcript = builder->transcript;
	const struct utterance *next = utterance + 1;
	int64_t from, to, limit;
	int err = word_times_read(&builder->times, utterance);

	if (err || cues_words_are_usable(&builder->times, utterance, chars))
		return err;
	if (!time_to_ms(utterance->start, &from))
		from = builder->last_to;
	if (!time_to_ms(utterance->end, &to) || !cues_is_possible(chars, from, to) ||
		to - from > (int64_t)chars * CHAR_MS_SLOWEST + CUE_MS_MAX) {
		to = from + (int64_t)chars * CHAR_MS_MIN;
		if (to < from + END_MS)
			to = from + END_MS;
		if (next < transcript->utterances + transcript->len &&
			time_to_ms(next->start, &limit) && limit > from && limit < to)
			to = limit;
	}
	return word_times_set(&builder->times, from, to);
}

/*
 * Sets the times of the units from `begin` on. `place` is the number of characters before
 * them in their utterance, which has `chars`. Returns that number for the next unit.
 */
static size_t cues_time_units(
	struct builder *builder, size_t begin, size_t place, size_t chars)
{
	int64_t earliest = begin ? builder->units.list[begin - 1].from : 0;

	for (size_t i = begin; i < builder->units.len; i++) {
		struct unit *unit = &builder->units.list[i];

		word_times_find(&builder->times, place, place + unit->chars, chars,
			&unit->from, &unit->to);
		if (unit->from < earliest)
			unit->from = earliest;
		if (unit->to < unit->from)
			unit->to = unit->from;
		earliest = unit->from;
		place += unit->chars;
	}
	return place;
}

/* Returns the columns of units [begin, end), with the spaces between them. */
static unsigned cues_columns(const struct unit *units, size_t begin, size_t end)
{
	unsigned columns = 0;

	for (size_t i = begin; i < end; i++)
		columns += units[i].columns + (i + 1 < end && units[i].spaced);
	return columns;
}

static struct cue_line cues_line(
	const struct unit *units, size_t begin, size_t end, const struct utterance *voice)
{
	struct cue_line line = {
		.at = units[begin].at,
		.len = units[end - 1].at + units[end - 1].len - units[begin].at,
		.columns = cues_columns(units, begin, end),
		.voice = voice,
	};

	for (size_t i = begin; i < end; i++)
		line.chars += units[i].chars + (i + 1 < end && units[i].spaced);
	return line;
}

/* Returns the unit with which the second line of a cue begins, or `end`. */
static size_t cues_divide(const struct unit *units, size_t begin, size_t end)
{
	static const unsigned costs[BREAK_CLASSES] = {
		[BREAK_CLAUSE] = 100,
		[BREAK_PAUSE] = 200,
		[BREAK_SPACE] = 300,
		[BREAK_WORDLESS] = 400,
		[BREAK_CLUSTER] = 500,
	};
	unsigned all = cues_columns(units, begin, end);
	unsigned first = 0;
	unsigned best_cost = UINT32_MAX;
	size_t best = end;

	if (all <= LINE_COLUMNS)
		return end;
	for (size_t i = begin + 1; i < end; i++) {
		first += units[i - 1].columns + (i - 1 > begin && units[i - 2].spaced);

		unsigned second = all - first - units[i - 1].spaced;
		unsigned uneven = first > second ? first - second : second - first;
		unsigned cost = costs[units[i - 1].after] + uneven;

		if (first > LINE_COLUMNS || second > LINE_COLUMNS || cost >= best_cost)
			continue;
		best_cost = cost;
		best = i;
	}
	return best;
}

static int cues_add(struct builder *builder, size_t begin, size_t end)
{
	const struct unit *units = builder->units.list;
	size_t middle = cues_divide(units, begin, end);
	struct cues *cues = builder->cues;
	struct cue cue = {
		.from = units[begin].from,
		.to = units[begin].to,
		.lines = {cues_line(units, begin, middle, builder->last)},
		.lines_len = 1,
		.number = cues->len,
	};

	if (middle < end)
		cue.lines[cue.lines_len++] = cues_line(units, middle, end, builder->last);
	for (size_t i = begin; i < end; i++)
		if (units[i].to > cue.to)
			cue.to = units[i].to;
	if (ARRAY_RESERVE(cues->list, cues->cap, cues->len + 1))
		return -ENOMEM;
	cues->list[cues->len++] = cue;
	return 0;
}

/*
 * Returns how bad a cue of the units [begin, end) is. A cue costs 100, so that cues are
 * few; a bad place for its end adds to that. Too little time to read it or to notice it
 * costs more than any place between two words.
 */
static unsigned cues_cost(
	const struct units *units, size_t begin, size_t end, size_t chars)
{
	static const unsigned costs[BREAK_CLASSES] = {
		[BREAK_CLAUSE] = 120,
		[BREAK_PAUSE] = 160,
		[BREAK_SPACE] = 300,
		[BREAK_WORDLESS] = 350,
		[BREAK_CLUSTER] = 800,
	};
	enum { CUE_COST = 100, TIME_COST = 500 };
	unsigned cost = CUE_COST;

	if (end == units->len)
		return cost;

	int64_t shown = units->list[end].from - units->list[begin].from;
	int64_t needed = (int64_t)chars * CHAR_MS_MIN;

	if (!units->list[end - 1].interrupted)
		cost += costs[units->list[end - 1].after];
	if (needed < CUE_MS_MIN)
		needed = CUE_MS_MIN;
	if (shown < needed)
		cost += TIME_COST + (unsigned)(TIME_COST * (needed - shown) / needed);
	return cost;
}

/* The lines of a cue that is being extended by one unit after the other. */
struct fill {
	unsigned columns[CUE_LINES_MAX];
	unsigned line;
	size_t chars;
	unsigned interruptions; /* number of units after which another voice begins */
};

/*
 * Adds a unit to the first line in which it fits. Returns false if it fits in none, or if
 * the cue could not be read in time.
 */
static bool cues_fill(struct fill *fill, const struct unit *unit, bool spaced)
{
	unsigned *columns = &fill->columns[fill->line];

	fill->chars += unit->chars + spaced;
	if (fill->chars > CUE_CHARS_MAX)
		return false;
	if (*columns + spaced + unit->columns <= LINE_COLUMNS) {
		*columns += spaced + unit->columns;
		return true;
	}
	if (++fill->line == CUE_LINES_MAX || unit->columns > LINE_COLUMNS)
		return false;
	fill->columns[fill->line] = unit->columns;
	return true;
}

/*
 * Returns the cost of going on while another voice speaks, which would end the cue too
 * early: none if both voices can be in one cue, with a line each.
 */
static unsigned cues_interruption_cost(const struct fill *fill)
{
	enum { INTERRUPTION_COST = 300 };
	bool line = !fill->line && fill->columns[0] <= LINE_COLUMNS - DASH_COLUMNS;

	return line ? 0 : fill->interruptions * INTERRUPTION_COST;
}

/* True if the unit after `end` - 1 can be in the same cue as the unit `begin`. */
static bool cues_can_go_on(const struct unit *units, size_t begin, size_t end)
{
	return end - begin < CUE_UNITS_MAX &&
	       units[end].to - units[begin].from <= CUE_MS_MAX &&
	       units[end].from - units[end - 1].to < SILENCE_MS;
}

/* Improves the cuts that are reached by a cue that begins with the unit `begin`. */
static void cues_try(struct builder *builder, size_t begin)
{
	const struct units *units = &builder->units;
	struct fill fill = {0};

	for (size_t end = begin; end < units->len; end++) {
		const struct unit *unit = &units->list[end];
		bool first = end == begin;

		if (!first && !cues_can_go_on(units->list, begin, end))
			break;
		bool fits = cues_fill(&fill, unit, !first && unit[-1].spaced);

		fill.interruptions += !first && unit[-1].interrupted;

		if (!fits && !first)
			break;

		struct cut *cut = &builder->cuts[end + 1];
		uint64_t cost = builder->cuts[begin].cost +
				cues_cost(units, begin, end + 1, fill.chars) +
				cues_interruption_cost(&fill);

		if (cost < cut->cost)
			*cut = (struct cut){cost, begin};
		if (!fits)
			break;
	}
}

/* Finds good pauses: a gap between two words is better than a space. */
static void cues_find_pauses(struct units *units)
{
	for (size_t i = 0; i + 1 < units->len; i++) {
		struct unit *unit = &units->list[i];

		if (units->list[i + 1].from - unit->to >= PAUSE_MS &&
			unit->after > BREAK_PAUSE && unit->after < BREAK_CLUSTER)
			unit->after = BREAK_PAUSE;
	}
}

/* Marks the units of the run after which an utterance of another voice begins. */
static void cues_find_interruptions(struct builder *builder)
{
	const struct transcript *transcript = builder->transcript;
	const struct utterance *end = transcript->utterances + transcript->len;
	const struct utterance *one = builder->last + 1;
	struct units *units = &builder->units;
	size_t at = 0;
	int64_t from;

	if (end - one > INTERRUPTIONS_MAX)
		end = one + INTERRUPTIONS_MAX;
	for (; one < end; one++) {
		if (transcript_same_voice(builder->last, one) ||
			!time_to_ms(one->start, &from))
			continue;
		while (at < units->len && units->list[at].from < from)
			at++;
		if (at == units->len)
			return;
		if (at)
			units->list[at - 1].interrupted = true;
	}
}

/*
 * Cuts the run into cues, at the lowest cost of all ways to cut it, and appends them.
 * Returns 0 or -ENOMEM.
 */
static int cues_cut(struct builder *builder)
{
	struct units *units = &builder->units;
	size_t len = units->len;
	int err = 0;

	if (ARRAY_RESERVE(builder->cuts, builder->cuts_cap, len + 1))
		return -ENOMEM;
	cues_find_pauses(units);
	cues_find_interruptions(builder);
	for (size_t i = 0; i <= len; i++)
		builder->cuts[i].cost = i ? UINT64_MAX : 0;
	for (size_t i = 0; i < len; i++)
		cues_try(builder, i);
	/* Turn the cuts around, so that each has the end of the cue that begins there. */
	for (size_t end = len; end > 0;) {
		size_t begin = builder->cuts[end].begin;

		builder->cuts[begin].cost = end - begin;
		end = begin;
	}
	for (size_t i = 0, count; !err && i < len; i += count) {
		count = (size_t)builder->cuts[i].cost;
		err = cues_add(builder, i, i + count);
	}
	units->len = 0;
	return err;
}

/*
 * Returns the length of the next part of the text from `at` on that is divided at once: a
 * long text is divided after a space, or between two characters if it has none.
 */
static size_t cues_part(const struct buf *text, size_t at)
{
	size_t len = text->len - at;

	if (len <= PART_MAX)
		return len;

	const char *begin = text->data + at;
	const char *space = memrchr(begin, ' ', PART_MAX);

	if (space)
		return (size_t)(space + 1 - begin);
	len = PART_MAX;
	while (len > 1 && (begin[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* Appends the text of an utterance from `at` on to the run, and its times. */
static int cues_add_text(struct builder *builder, size_t at, size_t chars)
{
	const struct buf *text = &builder->cues->text;
	struct units *units = &builder->units;
	size_t place = 0;
	int err = 0;

	while (!err && at < text->len) {
		size_t begin = units->len;
		size_t len = cues_part(text, at);

		err = units_add(units, text->data, at, len);
		if (!err)
			place = cues_time_units(builder, begin, place, chars);
		if (!err && units->len >= RUN_UNITS_MAX)
			err = cues_cut(builder);
		at += len;
	}
	return err;
}

/* Appends an utterance to the run, or begins another one with it. */
static int cues_add_utterance(struct builder *builder, const struct utterance *utterance)
{
	struct buf *text = &builder->cues->text;
	struct units *units = &builder->units;
	size_t chars = plain_text_count(utterance->text);
	int err = cues_time_words(builder, utterance, chars);

	if (err)
		return err;

	const struct word_times *times = &builder->times;
	int64_t gap = times->words[0].from - builder->last_to;

	if (units->len &&
		(gap >= JOIN_MS || !transcript_same_voice(builder->last, utterance)))
		err = cues_cut(builder);
	builder->last = utterance;
	builder->last_to = times->words[times->len - 1].to;
	if (!err && units->len) {
		units->list[units->len - 1].spaced = true;
		err = buf_append(text, " ", 1);
	}

	size_t at = text->len;

	if (!err)
		err = plain_text_add(text, utterance->text, PLAIN_TEXT_CUE);
	return err ? err : cues_add_text(builder, at, chars);
}

int cues_make(const struct transcript *transcript, struct cues *ret_cues)
{
	CLEANUP(cues_builder_done)
	struct builder builder = {
		.transcript = transcript,
		.cues = ret_cues,
	};
	int err = 0;

	*ret_cues = (struct cues){0};
	buf_init(&ret_cues->text, FORMAT_TEXT_MAX);
	for (size_t i = 0; !err && i < transcript->len; i++)
		err = cues_add_utterance(&builder, &transcript->utterances[i]);
	if (!err && builder.units.len)
		err = cues_cut(&builder);
	if (!err)
		cues_settle(ret_cues);
	return err;
}
