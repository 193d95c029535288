/* SPDX-License-Identifier: MIT */
#include "generate.h"
#include "base/array.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"
#include "timestamp.h"

#define MIXED_LEAST 2000u
#define MIXED_MOST  200000u
#define MIXED_MEAN  20000u

/* A job of fewer bytes has few request_params, because the head would be too long. */
#define BRIEF_BELOW 2400u

/* The properties of a job that are derived from its seed, except for its words. */
struct traits {
	const struct language *language;
	unsigned addons;
	bool escape, odd, brief, stereo;
};

uint32_t generate_size(const struct population *p, uint64_t *state)
{
	uint32_t spread = p->bytes_max - p->bytes_min;
	double chance, size;

	if (p->bytes_max)
		return p->bytes_min + (spread ? draw(state, spread + 1) : 0);
	chance = (draw(state, 1u << 30) + 0.5) / (1u << 30);
	size = MIXED_LEAST - (double)(MIXED_MEAN - MIXED_LEAST) * log(chance);
	return size > MIXED_MOST ? MIXED_MOST : (uint32_t)size;
}

uint16_t generate_error(uint64_t seed)
{
	static const uint16_t codes[] = {400, 403, 413, 422, 500, 500, 503, 504};

	return codes[stir(seed ^ 0x657272) % (ARRAY_SIZE(codes))];
}

static enum status status_at(const struct population *p, size_t age, uint64_t *state)
{
	if (age < p->unfinished)
		return age % 2 ? STATUS_PROCESSING : STATUS_QUEUED;
	return draw(state, 100) < p->errors ? STATUS_ERROR : STATUS_DONE;
}

void generate_account(struct account *a, const struct population *p)
{
	int64_t span = p->days * DAY_MS;
	int64_t step = p->jobs && span / (int64_t)p->jobs > 1 ? span / (int64_t)p->jobs
							      : 1;

	for (size_t age = p->jobs; age-- > 0;) {
		struct job *job = account_job(a);
		uint64_t state = stir(p->seed * 1000003u + age);
		char id[ID_SIZE];

		job->seed = state;
		render_id(state, id);
		job->id = arena_copy(&a->memory, id, ID_SIZE - 1);
		job->created = p->newest - (int64_t)age * step;
		if (age && step > 1)
			job->created += (int64_t)draw(
				&state, (uint32_t)(step > 1000000 ? 1000000 : step));
		job->status = (uint8_t)status_at(p, age, &state);
		job->bytes = generate_size(p, &state);
		if (job->status >= STATUS_DONE)
			job->completed = job->created + 2000 + draw(&state, 90000);
		if (job->status == STATUS_ERROR)
			job->error_code = generate_error(job->seed);
		if (account_insert(a, job) == 0)
			account_render(a, job);
	}
}

static const char *const users[] = {"John Doe", "Zoë Ångström", "山田 太郎", "amélie",
	"o'brien", "team/emea", "..", ".hidden", "100%", "a b+c&d=e"};
static const char *const projects[] = {"support", "podcast", "interviews", "research"};

#define PICK(list, state) ((list)[draw(state, ARRAY_SIZE(list))])

void generate_metadata(uint64_t seed, struct text *out)
{
	uint64_t state = seed ^ 0x6d657461;
	uint32_t kind = draw(&state, 12);
	/* Half of the jobs have one of the first four users: some values are frequent. */
	const char *user = draw(&state, 2) ? PICK(users, &state) : users[draw(&state, 4)];

	if (kind < 3) {
		text_str(out, "null");
		return;
	}
	text_str(out, "{\"user\":");
	text_quote(out, user, strlen(user));
	text_printf(out, ",\"project\":\"%s\"", PICK(projects, &state));
	if (kind < 6)
		text_printf(out,
			",\"paymentMethod\":{\"last4Digits\":%u,\"kind\":\"card\"}",
			4000 + draw(&state, 20) * 37);
	if (kind == 6)
		text_str(
			out, ",\"ticket\":9007199254740993,\"score\":1.4904600000000001");
	if (kind == 7)
		text_str(
			out, ",\"weight\":1e3,\"city\":\"M\\u00fcnchen\",\"empty\":\"\"");
	if (kind > 7)
		text_printf(out, ",\"priority\":%u,\"vip\":%s", draw(&state, 4),
			draw(&state, 5) ? "false" : "true");
	text_str(out, "}");
}

static struct traits traits_of(const struct job *job)
{
	uint64_t state = job->seed ^ 0x747261;
	uint32_t language = draw(&state, 10);
	struct traits t = {
		.language = &languages[language < LANGUAGES ? language : 0],
		.escape = draw(&state, 10) == 0,
		.odd = draw(&state, 8) == 0,
		.stereo = draw(&state, 3) == 0,
		.brief = job->bytes < BRIEF_BELOW,
	};

	if (t.brief)
		return t;
	if (draw(&state, 4) == 0)
		t.addons |= ADDON_DIARIZATION;
	if (draw(&state, 8) == 0)
		t.addons |= ADDON_SUBTITLES;
	if (draw(&state, 16) == 0)
		t.addons |= ADDON_TRANSLATION;
	return t;
}

static void talk(struct speech *s, const struct language *language,
	const struct traits *t, size_t bytes, uint64_t *state)
{
	unsigned speaker = 0;

	while (s->utterances.n + s->full.n + s->subtitles[SUBTITLES_SRT].n < bytes) {
		const char *sentence = language->sentences[draw(state, language->count)];

		if (draw(state, 3) == 0)
			speaker = (speaker + 1) % 3;
		speech_add(s, sentence, language->code,
			t->addons & ADDON_DIARIZATION ? (int)speaker : -1,
			t->stereo ? (int)(speaker & 1) : 0, state);
	}
}

static void add_translation(
	struct text *out, const struct traits *t, size_t bytes, uint64_t *state)
{
	const struct language *to = &languages[t->language == languages ? 3 : 0];
	struct speech s = {.escape = t->escape};

	talk(&s, to, t, bytes, state);
	render_addon(out, "translation");
	text_str(out, "[{\"error\":null,");
	render_speech(out, &s);
	text_str(out, "}]}");
	speech_done(&s);
}

static struct body done_text(const struct job *job, const struct traits *t,
	struct head *head, struct text *out)
{
	struct speech s = {.escape = t->escape,
		.made = t->addons & ADDON_SUBTITLES ? 1u << SUBTITLES_SRT : 0};
	uint64_t state = job->seed ^ 0x776f7264;
	size_t rest = t->brief ? 880 : 1560;
	struct body body = {0};

	/* An utterance has about 800 bytes: on average the last one exceeds by half. */
	rest = job->bytes > rest + 400 ? job->bytes - rest - 400 : 1;
	if (t->addons & ADDON_TRANSLATION)
		rest /= 2;
	talk(&s, t->language, t, rest, &state);
	head->duration_ms = s.ms + 300;
	render_head(out, head);
	render_result(out, &s, head, &body);
	if (t->addons & ADDON_TRANSLATION)
		add_translation(out, t, rest, &state);
	render_end(out, &s, job);
	speech_done(&s);
	body.n = (uint32_t)out->n;
	body.p = out->p;
	return body;
}

struct body generate_text(const struct job *job, struct text *out)
{
	struct traits t = traits_of(job);
	struct text metadata = {0};
	struct head head = {
		.job = job,
		.filename = "audio.mp3",
		.language = t.language->code,
		.channels = t.stereo ? 2 : 1,
		.addons = t.addons,
		.brief = t.brief,
		.odd = t.odd,
	};
	struct body body = {0};

	head.metadata = account_metadata(job, &metadata);
	if (job->status == STATUS_ERROR && job->error_code < 420)
		head.filename = NULL;
	if (job->status == STATUS_DONE) {
		body = done_text(job, &t, &head, out);
	} else {
		render_head(out, &head);
		text_str(out, "\"result\":null}");
		body.n = (uint32_t)out->n;
		body.p = out->p;
	}
	text_done(&metadata);
	return body;
}
