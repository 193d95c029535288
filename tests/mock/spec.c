/* SPDX-License-Identifier: MIT */
#include "spec.h"
#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"
#include "timestamp.h"

static const cJSON *get(const cJSON *o, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(o, name);
}

static const char *get_string(const cJSON *o, const char *name)
{
	return cJSON_GetStringValue(get(o, name));
}

static double get_number(const cJSON *o, const char *name, double otherwise)
{
	const cJSON *n = get(o, name);

	return cJSON_IsNumber(n) ? n->valuedouble : otherwise;
}

static int fail(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EINVAL;
}

/* Parses a time. Returns 1, 0 if it is absent, or -EINVAL. */
static int get_time(const cJSON *o, const char *name, int64_t *ret_ms)
{
	const char *s = get_string(o, name);

	if (!s)
		return 0;
	return timestamp_parse(s, ret_ms) < 0 ? -EINVAL : 1;
}

static int apply_state(
	struct account *a, struct job *job, const cJSON *o, const char **ret_why)
{
	const char *name = get_string(o, "status");
	enum status status = job->status;
	int r;

	if (name && status_parse(name, &status) < 0)
		return fail(ret_why, "no such status");
	if (status < STATUS_DONE)
		job->completed = -1;
	else if (job->completed < 0)
		job->completed = job->status < STATUS_DONE && name && job->body.p
					 ? account_later(a)
					 : job->created + 2000 +
						   (int64_t)(job->seed % 60000);
	job->status = (uint8_t)status;
	r = get_time(o, "completed_at", &job->completed);
	if (r < 0)
		return fail(ret_why, "completed_at is not a time");
	if (status == STATUS_ERROR && !job->error_code)
		job->error_code = generate_error(job->seed);
	job->error_code = (uint16_t)get_number(o, "error_code", job->error_code);
	job->bytes = (uint32_t)get_number(o, "bytes", job->bytes);
	return 0;
}

static bool has_words(const cJSON *o)
{
	return get(o, "lines") || get(o, "text") || get(o, "filename");
}

static void apply_content(
	struct account *a, struct job *job, const cJSON *o, struct span text)
{
	const char *raw = get_string(o, "raw");
	struct span metadata;

	if (json_member(text, "custom_metadata", &metadata))
		job->metadata = arena_copy(&a->memory, metadata.p, metadata.n);
	if (has_words(o)) {
		job->spec = arena_copy(&a->memory, text.p, text.n);
		if (!job->metadata)
			job->metadata = "null";
	}
	job->raw = raw;
	if (!raw)
		return;
	job->body = (struct body){.n = (uint32_t)strlen(raw)};
	job->body.p = arena_copy(&a->memory, raw, job->body.n);
	if (!json_member((struct span){raw, job->body.n}, "custom_metadata", &metadata))
		metadata = (struct span){"null", 4};
	job->metadata = arena_copy(&a->memory, metadata.p, metadata.n);
}

static bool is_status(const char *value)
{
	enum status status;

	return status_parse(value, &status) == 0;
}

static bool is_time(const char *value)
{
	int64_t ms;

	return timestamp_parse(value, &ms) == 0;
}

static bool is_id(const char *value)
{
	return strcmp(value, "null") != 0;
}

/*
 * Parses those members of a raw job that the description does not have, if they have the
 * documented types: a raw job can be any text.
 */
static cJSON *parse(struct span text)
{
	static const struct {
		const char *name;
		bool (*is_good)(const char *value);
	} from_raw[] = {
		{"id", is_id},
		{"status", is_status},
		{"created_at", is_time},
		{"completed_at", is_time},
	};
	cJSON *o = cJSON_ParseWithLength(text.p, text.n);
	const char *raw = get_string(o, "raw");

	for (size_t i = 0; raw && i < ARRAY_SIZE(from_raw); i++) {
		const char *name = from_raw[i].name;
		char *value = json_member_string((struct span){raw, strlen(raw)}, name);

		if (value && !get(o, name) && from_raw[i].is_good(value))
			cJSON_AddStringToObject(o, name, value);
		free(value);
	}
	return o;
}

static int create(struct account *a, struct span text, const cJSON *o,
	const struct spec_defaults *defaults, struct job **ret_job, const char **ret_why)
{
	struct job *job = account_job(a);
	const char *id = get_string(o, "id");
	char made[ID_SIZE];

	job->seed = (uint64_t)get_number(o, "seed", 0);
	if (!job->seed)
		job->seed = stir(++*defaults->state);
	render_id(job->seed, made);
	if (!id)
		id = made;
	job->id = arena_copy(&a->memory, id, strlen(id));
	job->status = STATUS_DONE;
	job->bytes = generate_size(defaults->population, defaults->state);
	job->created = a->count ? account_later(a) + 999 : defaults->population->newest;
	if (get_time(o, "created_at", &job->created) < 0)
		return fail(ret_why, "created_at is not a time");
	if (apply_state(a, job, o, ret_why) < 0)
		return -EINVAL;
	apply_content(a, job, o, text);
	if (account_insert(a, job) < 0) {
		*ret_why = "this id exists";
		return -EEXIST;
	}
	account_render(a, job);
	*ret_job = job;
	return 0;
}

int spec_create(struct account *a, struct span text, const struct spec_defaults *defaults,
	struct job **ret_job, const char **ret_why)
{
	cJSON *o = parse(text);
	int r = cJSON_IsObject(o) ? create(a, text, o, defaults, ret_job, ret_why)
				  : fail(ret_why, "not a JSON object");

	cJSON_Delete(o);
	return r;
}

static int change(struct account *a, struct job *job, struct span text, const cJSON *o,
	const char **ret_why)
{
	int64_t created = job->created;

	if (get_time(o, "created_at", &created) < 0)
		return fail(ret_why, "created_at is not a time");
	if (apply_state(a, job, o, ret_why) < 0)
		return -EINVAL;
	if (created != job->created)
		account_moved(a, job, created);
	apply_content(a, job, o, text);
	account_render(a, job);
	return 0;
}

int spec_change(
	struct account *a, struct job *job, struct span text, const char **ret_why)
{
	cJSON *o = parse(text);
	int r = cJSON_IsObject(o) ? change(a, job, text, o, ret_why)
				  : fail(ret_why, "not a JSON object");

	cJSON_Delete(o);
	return r;
}

/* Adds a line that is an object. */
static void add_full_line(
	struct speech *s, const cJSON *line, const char *language, uint64_t *state)
{
	const char *own = get_string(line, "language");
	const char *text = get_string(line, "text");

	if (text)
		speech_add(s, text, own ? own : language,
			(int)get_number(line, "speaker", -1),
			(int)get_number(line, "channel", 0), state);
}

static void add_line(struct speech *s, const cJSON *line, const char *language,
	unsigned channels, uint64_t *state)
{
	if (cJSON_IsObject(line)) {
		add_full_line(s, line, language, state);
		return;
	}

	const cJSON *voice = cJSON_IsArray(line) ? cJSON_GetArrayItem(line, 0) : NULL;
	const cJSON *what = voice ? cJSON_GetArrayItem(line, 1) : line;
	int speaker = cJSON_IsNumber(voice) ? voice->valueint : -1;

	if (cJSON_IsString(what))
		speech_add(s, what->valuestring, language, speaker,
			channels > 1 && speaker >= 0 ? speaker % (int)channels : 0,
			state);
}

static void add_lines(struct speech *s, const cJSON *o, const char *language,
	unsigned channels, uint64_t *state)
{
	const cJSON *line;

	if (get(o, "text"))
		add_line(s, get(o, "text"), language, channels, state);
	cJSON_ArrayForEach(line, get(o, "lines"))
		add_line(s, line, language, channels, state);
}

static void add_translation(struct text *out, const cJSON *o, uint64_t *state)
{
	const char *language = get_string(o, "language");
	struct speech s = {0};

	add_lines(&s, o, language ? language : "en", 1, state);
	render_addon(out, "translation");
	text_str(out, "[{\"error\":null,");
	render_speech(out, &s);
	text_str(out, "}]}");
	speech_done(&s);
}

static void add_chapters(struct text *out, const cJSON *chapters, uint64_t duration_ms)
{
	static const char *const names[] = {"headline", "gist", "summary"};
	uint64_t each = duration_ms / (uint64_t)(cJSON_GetArraySize(chapters) + 1);
	uint64_t from = 0;
	const cJSON *chapter;

	render_addon(out, "chapterization");
	text_str(out, "[");
	cJSON_ArrayForEach(chapter, chapters) {
		text_str(out, from ? ",{" : "{");
		for (size_t i = 0; i < 3; i++) {
			const char *s = get_string(chapter, names[i]);

			text_printf(out, "\"%s\":", names[i]);
			text_quote(out, s ? s : "", s ? strlen(s) : 0);
			text_str(out, ",");
		}
		text_str(out, "\"start\":");
		text_seconds(out, from);
		text_str(out, ",\"end\":");
		text_seconds(out, from += each);
		text_str(out, "}");
	}
	text_str(out, "]}");
}

static void add_addons(
	struct text *out, const cJSON *o, const struct head *head, uint64_t *state)
{
	if (head->addons & ADDON_TRANSLATION)
		add_translation(out, get(o, "translation"), state);
	if (head->addons & ADDON_SUMMARY) {
		const char *summary = get_string(o, "summary");

		render_addon(out, "summarization");
		text_quote(out, summary, strlen(summary));
		text_str(out, "}");
	}
	if (head->addons & ADDON_CHAPTERS)
		add_chapters(out, get(o, "chapters"), head->duration_ms);
}

static unsigned made_of(const cJSON *o)
{
	const cJSON *subtitles = get(o, "subtitles");
	unsigned made = cJSON_IsTrue(subtitles) ? 1u << SUBTITLES_SRT : 0;
	const cJSON *kind;

	cJSON_ArrayForEach(kind, subtitles)
		if (cJSON_IsString(kind))
			made |= 1u << (strcmp(kind->valuestring, "vtt") == 0
						? SUBTITLES_VTT
						: SUBTITLES_SRT);
	return made;
}

static unsigned addons_of(const cJSON *o)
{
	const cJSON *first = cJSON_GetArrayItem(get(o, "lines"), 0);
	unsigned addons = 0;

	if (cJSON_IsArray(first) || get(first, "speaker"))
		addons |= ADDON_DIARIZATION;
	if (made_of(o))
		addons |= ADDON_SUBTITLES;
	if (get(o, "translation"))
		addons |= ADDON_TRANSLATION;
	if (get_string(o, "summary"))
		addons |= ADDON_SUMMARY;
	if (get(o, "chapters"))
		addons |= ADDON_CHAPTERS;
	return addons;
}

static struct head head_of(const struct job *job, const cJSON *o)
{
	struct head head = {
		.job = job,
		.filename = get_string(o, "filename"),
		.source = get_string(o, "source"),
		.language = get_string(o, "language"),
		.duration_ms = (uint64_t)(get_number(o, "duration", 0) * 1000),
		.channels = (unsigned)get_number(o, "channels", 1),
		.addons = addons_of(o),
	};

	if (!head.filename && !get(o, "filename"))
		head.filename = "audio.mp3";
	return head;
}

struct body spec_text(const struct job *job, struct text *out)
{
	cJSON *o = cJSON_Parse(job->spec);
	struct head head = head_of(job, o);
	struct speech s = {
		.made = made_of(o), .right = cJSON_IsTrue(get(o, "right_times"))};
	struct text metadata = {0};
	uint64_t state = job->seed;
	struct body body = {0};

	head.metadata = account_metadata(job, &metadata);
	if (job->status == STATUS_DONE) {
		add_lines(&s, o, head.language ? head.language : "en", head.channels,
			&state);
		if (!head.duration_ms)
			head.duration_ms = s.ms + 300;
		render_head(out, &head);
		render_result(out, &s, &head, &body);
		add_addons(out, o, &head, &state);
		render_end(out, &s, job);
	} else {
		render_head(out, &head);
		text_str(out, "\"result\":null}");
	}
	speech_done(&s);
	text_done(&metadata);
	cJSON_Delete(o);
	body.n = (uint32_t)out->n;
	body.p = out->p;
	return body;
}
