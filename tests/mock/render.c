/* SPDX-License-Identifier: MIT */
#include "render.h"

#include <stdlib.h>
#include <string.h>

#include "timestamp.h"

#define LITERAL(t, s) text_add(t, s, sizeof(s) - 1)

void render_id(uint64_t seed, char *out)
{
	static const char hex[] = "0123456789abcdef";
	uint64_t high = stir(seed ^ 0x6a6f62), low = stir(high + seed);

	for (int i = 0, nibble = 0; i < ID_SIZE - 1; i++) {
		uint64_t *from = nibble < 16 ? &high : &low;

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			out[i] = '-';
			continue;
		}
		out[i] = hex[*from & 15];
		*from >>= 4;
		nibble++;
	}
	out[14] = '4';
	out[19] = hex[8 + (low & 3)];
	out[ID_SIZE - 1] = 0;
}

static void add_time(struct text *out, const char *name, int64_t ms)
{
	char stamp[TIMESTAMP_SIZE];

	text_str(out, name);
	if (ms < 0) {
		LITERAL(out, "null");
		return;
	}
	timestamp_print(ms, stamp);
	LITERAL(out, "\"");
	text_str(out, stamp);
	LITERAL(out, "\"");
}

/* Adds a JSON string of two parts. */
static void add_joined(struct text *out, const char *left, const char *right, size_t n)
{
	struct text t = {0};

	text_str(&t, left);
	text_add(&t, right, n);
	text_quote(out, t.p, t.n);
	text_done(&t);
}

static void add_file(struct text *out, const struct head *h)
{
	char id[ID_SIZE];

	LITERAL(out, ",\"file\":");
	if (!h->filename) {
		LITERAL(out, "null");
		return;
	}
	render_id(h->job->seed + 1, id);
	LITERAL(out, "{\"id\":\"");
	text_str(out, id);
	LITERAL(out, "\",\"filename\":");
	text_quote(out, h->filename, strlen(h->filename));
	LITERAL(out, ",\"source\":");
	if (h->source)
		text_quote(out, h->source, strlen(h->source));
	else
		LITERAL(out, "null");
	LITERAL(out, ",\"audio_duration\":");
	if (h->duration_ms)
		text_seconds(out, h->duration_ms);
	else
		LITERAL(out, "null");
	LITERAL(out, ",\"number_of_channels\":");
	if (h->duration_ms)
		text_seconds(out, h->channels * 1000u);
	else
		LITERAL(out, "null");
	LITERAL(out, "}");
}

static void add_flag(struct text *out, const char *name, unsigned on)
{
	text_str(out, name);
	text_str(out, on ? "true" : "false");
}

/* Adds the parameters of a live session (StreamingRequestParamsResponse). */
static void add_live_params(struct text *out, const struct head *h)
{
	LITERAL(out, "{\"encoding\":\"wav/pcm\",\"bit_depth\":16,\"sample_rate\":16000,"
		     "\"channels\":");
	text_seconds(out, h->channels * 1000u);
	LITERAL(out, ",\"model\":\"solaria-1\",\"endpointing\":0.05"
		     ",\"maximum_duration_without_endpointing\":5"
		     ",\"messages_config\":{\"receive_final_transcripts\":true}"
		     ",\"callback\":false}");
}

static void add_params(struct text *out, const struct head *h)
{
	LITERAL(out, ",\"request_params\":");
	if (!h->filename) {
		LITERAL(out, "null");
		return;
	}
	if (h->job->live) {
		add_live_params(out, h);
		return;
	}
	LITERAL(out, "{\"audio_url\":");
	add_joined(out, "https://storage.invalid/", h->job->id, strlen(h->job->id));
	LITERAL(out, ",\"model\":\"solaria-1\"");
	add_flag(out, ",\"diarization\":", h->addons & ADDON_DIARIZATION);
	if (!h->brief) {
		add_flag(out, ",\"subtitles\":", h->addons & ADDON_SUBTITLES);
		add_flag(out, ",\"translation\":", h->addons & ADDON_TRANSLATION);
		add_flag(out, ",\"summarization\":", h->addons & ADDON_SUMMARY);
		add_flag(out, ",\"chapterization\":", h->addons & ADDON_CHAPTERS);
		LITERAL(out,
			",\"sentences\":false,\"moderation\":false,\"audio_to_llm\":false"
			",\"display_mode\":false,\"pii_redaction\":false"
			",\"custom_spelling\":false,\"name_consistency\":false"
			",\"sentiment_analysis\":false,\"punctuation_enhanced\":false"
			",\"named_entity_recognition\":false"
			",\"accurate_words_timestamps\":false");
		add_flag(out, ",\"detect_language\":", !h->language);
		LITERAL(out, ",\"language_config\":{\"languages\":[");
		if (h->language)
			text_quote(out, h->language, strlen(h->language));
		LITERAL(out, "],\"code_switching\":false}");
	}
	if (h->odd)
		LITERAL(out,
			",\"x_beam\":{\"width\":1e3,\"ids\":[9007199254740993,-0,0.10],"
			"\"decay\":1.4904600000000001}"
			",\"x_note\":\"caf\\u00e9 \\ud83c\\udf99\"");
	LITERAL(out, "}");
}

void render_head(struct text *out, const struct head *h)
{
	const struct job *job = h->job;
	size_t id = strlen(job->id);

	LITERAL(out, "{\"id\":");
	text_quote(out, job->id, id);
	LITERAL(out, ",\"request_id\":");
	add_joined(out, "G-", job->id, id < 8 ? id : 8);
	LITERAL(out, ",\"version\":2,\"status\":\"");
	text_str(out, status_names[job->status]);
	add_time(out, "\",\"created_at\":", job->created);
	add_time(out, ",\"completed_at\":", job->completed);
	LITERAL(out, ",\"custom_metadata\":");
	text_add(out, h->metadata.p, h->metadata.n);
	LITERAL(out, ",\"error_code\":");
	if (job->status == STATUS_ERROR)
		text_seconds(out, job->error_code * 1000u);
	else
		LITERAL(out, "null");
	LITERAL(out, ",\"kind\":\"");
	text_str(out, job->live ? "live\"" : "pre-recorded\"");
	if (h->odd)
		LITERAL(out, ",\"post_session_metadata\":{}");
	add_file(out, h);
	add_params(out, h);
	LITERAL(out, ",");
}

void speech_done(struct speech *s)
{
	text_done(&s->utterances);
	text_done(&s->full);
	text_done(&s->languages);
	for (unsigned i = 0; i < SUBTITLES; i++)
		text_done(&s->subtitles[i]);
}

/* Decodes one character of UTF-8 (RFC 3629) that is known to be well-formed. */
static uint32_t next_char(const unsigned char **p)
{
	uint32_t c = *(*p)++;
	int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;

	for (c &= 0x3fu >> more; more > 0; more--)
		c = c << 6 | (*(*p)++ & 0x3f);
	return c;
}

/* Adds the contents of a JSON string, without quotes. */
static void add_inside(struct text *out, const char *s, size_t n, bool escape)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + n;

	while (p < end) {
		const unsigned char *from = p;

		while (p < end && *p != '"' && *p != '\\' && *p != '\n' &&
			!(escape && *p >= 0x80))
			p++;
		text_add(out, from, (size_t)(p - from));
		if (p == end)
			return;
		if (*p < 0x80) {
			char pair[] = {'\\', *p == '\n' ? 'n' : (char)*p};

			text_add(out, pair, sizeof(pair));
			p++;
			continue;
		}
		uint32_t c = next_char(&p);

		if (c > 0xffff)
			text_printf(out, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10),
				0xdc00 + (c & 0x3ff));
		else
			text_printf(out, "\\u%04x", c);
	}
}

static void add_word(
	struct speech *s, const char *word, size_t n, bool space, uint64_t *state)
{
	uint32_t chance = draw(state, 1u << 20);
	uint64_t length = 90 + (chance & 255) + 20 * n;
	static const char *const confidence[] = {
		"1", "1", "1", "0.99", "0.98", "0.97", "0.95", "0.81"};

	LITERAL(&s->utterances, "{\"word\":\"");
	if (space)
		LITERAL(&s->utterances, " ");
	add_inside(&s->utterances, word, n, s->escape);
	LITERAL(&s->utterances, "\",\"start\":");
	text_seconds(&s->utterances, s->ms);
	LITERAL(&s->utterances, ",\"end\":");
	text_seconds(&s->utterances, s->ms + length);
	LITERAL(&s->utterances, ",\"confidence\":");
	text_str(&s->utterances, confidence[chance >> 8 & 7]);
	LITERAL(&s->utterances, "}");
	s->ms += length + (chance >> 11 & 63);
}

static void add_words(struct speech *s, const char *sentence, uint64_t *state)
{
	bool space = s->count > 0;

	for (const char *p = sentence; *p;) {
		size_t n = strcspn(p, " |");

		if (p != sentence)
			LITERAL(&s->utterances, ",");
		add_word(s, p, n, space, state);
		space = p[n] == ' ';
		p += n + (p[n] != 0);
	}
}

/* Adds the sentence without its "|". */
static void add_sentence(struct text *out, const char *sentence, bool escape)
{
	for (const char *p = sentence; *p;) {
		size_t n = strcspn(p, "|");

		add_inside(out, p, n, escape);
		p += n + (p[n] != 0);
	}
}

/*
 * Adds a cue of each kind. Unless `right` is set, SubRip has dots and WebVTT commas: the
 * API wrote times in that way in 2025.
 */
static void add_cue(struct speech *s, const char *sentence, uint64_t from, uint64_t to)
{
	uint64_t at[] = {from, to};

	for (unsigned kind = 0; kind < SUBTITLES; kind++) {
		struct text *out = &s->subtitles[kind];

		if (!(s->made & 1u << kind))
			continue;
		if (kind == SUBTITLES_SRT)
			text_printf(out, "%u\\n", s->count + 1);
		else if (!s->count)
			LITERAL(out, "WEBVTT\\n\\n");
		for (int i = 0; i < 2; i++)
			text_printf(out, "%s%02u:%02u:%02u%c%03u", i ? " --> " : "",
				(unsigned)(at[i] / 3600000),
				(unsigned)(at[i] / 60000 % 60),
				(unsigned)(at[i] / 1000 % 60),
				(kind == SUBTITLES_SRT) == s->right ? ',' : '.',
				(unsigned)(at[i] % 1000));
		LITERAL(out, "\\n");
		add_sentence(out, sentence, s->escape);
		LITERAL(out, "\\n\\n");
	}
}

static void note_language(struct speech *s, const char *language)
{
	struct text quoted = {0};

	text_quote(&quoted, language, strlen(language));
	if (!s->languages.n || !strstr(s->languages.p, quoted.p)) {
		if (s->languages.n)
			LITERAL(&s->languages, ",");
		text_add(&s->languages, quoted.p, quoted.n);
	}
	text_done(&quoted);
}

void speech_add(struct speech *s, const char *sentence, const char *language, int speaker,
	int channel, uint64_t *state)
{
	struct text *u = &s->utterances;
	uint64_t from = s->ms += 200 + draw(state, 900);
	size_t words;
	char *tail;

	text_str(u, s->count ? ",{\"text\":\"" : "{\"text\":\"");
	add_sentence(u, sentence, s->escape);
	LITERAL(u, "\",\"language\":\"");
	text_str(u, language);
	LITERAL(u, "\",\"start\":");
	text_seconds(u, from);
	/* The words determine the end: write them first, then move them after it. */
	words = u->n;
	add_words(s, sentence, state);
	struct text end = {0};

	LITERAL(&end, ",\"end\":");
	text_seconds(&end, s->ms);
	LITERAL(&end, ",\"confidence\":0.9");
	text_seconds(&end, 1000u * draw(state, 10));
	if (channel >= 0) {
		LITERAL(&end, ",\"channel\":");
		text_seconds(&end, 1000u * (unsigned)channel);
	}
	if (speaker >= 0) {
		LITERAL(&end, ",\"speaker\":");
		text_seconds(&end, 1000u * (unsigned)speaker);
	}
	LITERAL(&end, ",\"words\":[");
	text_room(u, end.n);
	tail = u->p + words;
	memmove(tail + end.n, tail, u->n - words);
	memcpy(tail, end.p, end.n);
	u->n += end.n;
	text_done(&end);
	LITERAL(u, "]}");
	if (s->count)
		LITERAL(&s->full, " ");
	add_sentence(&s->full, sentence, s->escape);
	add_cue(s, sentence, from, s->ms);
	note_language(s, language);
	s->count++;
}

void render_speech(struct text *out, const struct speech *s)
{
	static const char *const names[] = {"srt", "vtt"};
	const char *before = ",\"subtitles\":[";

	LITERAL(out, "\"languages\":[");
	text_add(out, s->languages.p, s->languages.n);
	LITERAL(out, "],\"utterances\":[");
	text_add(out, s->utterances.p, s->utterances.n);
	LITERAL(out, "],\"full_transcript\":\"");
	text_add(out, s->full.p, s->full.n);
	LITERAL(out, "\"");
	for (unsigned kind = 0; kind < SUBTITLES; kind++) {
		if (!(s->made & 1u << kind))
			continue;
		text_printf(out, "%s{\"format\":\"%s\",\"subtitles\":\"", before,
			names[kind]);
		text_add(out, s->subtitles[kind].p, s->subtitles[kind].n);
		LITERAL(out, "\"}");
		before = ",";
	}
	if (s->made)
		LITERAL(out, "]");
}

void render_result(
	struct text *out, const struct speech *s, const struct head *h, struct body *body)
{
	LITERAL(out, "\"result\":{\"metadata\":{\"audio_duration\":");
	text_seconds(out, h->duration_ms);
	LITERAL(out, ",\"number_of_distinct_channels\":");
	text_seconds(out, h->channels * 1000u);
	LITERAL(out, ",\"billing_time\":");
	if (h->odd)
		LITERAL(out, "1.4904600000000001");
	else
		text_seconds(out, h->duration_ms * h->channels);
	LITERAL(out, ",\"transcription_time\":");
	text_seconds(out, (uint64_t)(h->job->completed - h->job->created) / 2);
	LITERAL(out, "}");
	body->cut_from = (uint32_t)out->n;
	LITERAL(out, ",\"transcription\":{");
	render_speech(out, s);
	LITERAL(out, "}");
	body->cut_to = (uint32_t)out->n;
}

void render_addon(struct text *out, const char *name)
{
	text_printf(out,
		",\"%s\":{\"success\":true,\"is_empty\":false,\"exec_time\":0.412,"
		"\"error\":null,\"results\":",
		name);
}

/* Adds a message as a JSON string: messages are JSON within JSON. */
static void add_message(struct text *out, const struct job *job, const char *type,
	const struct text *data)
{
	struct text message = {0};

	LITERAL(&message, "{\"session_id\":");
	text_quote(&message, job->id, strlen(job->id));
	text_printf(&message, ",\"type\":\"%s\",\"data\":{\"text\":\"", type);
	if (data->n)
		text_add(&message, data->p, data->n);
	LITERAL(&message, "\"}}");
	text_quote(out, message.p, message.n);
	text_done(&message);
}

void render_end(struct text *out, const struct speech *s, const struct job *job)
{
	if (job->live) {
		static const struct text nothing = {0};

		LITERAL(out, ",\"messages\":[");
		add_message(out, job, "start_session", &nothing);
		LITERAL(out, ",");
		add_message(out, job, "transcript", &s->full);
		LITERAL(out, "]");
	}
	LITERAL(out, "}}");
}
