/* SPDX-License-Identifier: MIT */
#include "fake_api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/cleanup.h"
#include "base/sha256.h"

/* Allocates without cmocka: if a test fails, the memory must last until its teardown. */
static void *take_memory(size_t size)
{
	void *memory = calloc(1, size);

	assert_non_null(memory);
	return memory;
}

struct api *fake_new(const struct clock *clock)
{
	struct api *api = take_memory(sizeof(*api));

	api->clock = clock;
	return api;
}

int api_new(struct loop *loop, const struct log *log, const struct api_config *config,
	struct api **ret_api)
{
	(void)log;
	(void)config;
	*ret_api = fake_new(loop_clock(loop));
	return 0;
}

void api_free(struct api *api)
{
	assert_int_equal(api->pending_len, 0);
	free(api);
}

int api_set_key(struct api *api, const char *key)
{
	(void)api;
	(void)key;
	return 0;
}

void api_stats(const struct api *api, struct api_stats *ret_stats)
{
	*ret_stats = (struct api_stats){.requests = api->lists + api->gets};
}

/* True if the account lists `a` before `b`. */
static bool is_before(const struct api *api, const struct job *a, const struct job *b)
{
	switch (api->rules.order) {
	case FAKE_UNSORTED:
		return sha256_u63("order", a->id) < sha256_u63("order", b->id);
	case FAKE_OLDEST_FIRST:
		if (a->created_ms != b->created_ms)
			return a->created_ms < b->created_ms;
		break;
	case FAKE_NEWEST_FIRST:
		if (a->created_ms != b->created_ms)
			return a->created_ms > b->created_ms;
		break;
	}
	return strcmp(a->id, b->id) < 0;
}

struct fake_job *fake_add(
	struct api *api, const char *id, enum job_status status, int64_t created_ms)
{
	struct fake_job added = {.job = {.status = status, .created_ms = created_ms}};
	unsigned at = 0;

	assert_true(api->jobs_len < FAKE_JOBS_MAX);
	snprintf(added.job.id, sizeof(added.job.id), "%s", id);
	added.job.completed_ms = job_finished(&added.job) && created_ms != JOB_NO_TIME
					 ? created_ms + 1
					 : JOB_NO_TIME;
	while (at < api->jobs_len && is_before(api, &api->jobs[at].job, &added.job))
		at++;
	memmove(api->jobs + at + 1, api->jobs + at,
		(api->jobs_len - at) * sizeof(api->jobs[0]));
	api->jobs[at] = added;
	api->jobs_len++;
	return &api->jobs[at];
}

struct fake_job *fake_find(struct api *api, const char *id)
{
	for (unsigned i = 0; i < api->jobs_len; i++)
		if (strcmp(api->jobs[i].job.id, id) == 0)
			return &api->jobs[i];
	return NULL;
}

void fake_remove(struct api *api, const char *id)
{
	struct fake_job *job = fake_find(api, id);

	assert_non_null(job);
	api->jobs_len--;
	memmove(job, job + 1, (size_t)(api->jobs + api->jobs_len - job) * sizeof(*job));
}

static struct api_call *call_new(
	struct api *api, const struct api_handlers *handlers, void *ctx)
{
	struct api_call *call = take_memory(sizeof(*call));

	call->api = api;
	call->handlers = handlers;
	call->ctx = ctx;
	call->asked_ms = clock_wall_ms(api->clock);
	assert_true(api->pending_len < FAKE_PENDING_MAX);
	api->pending[api->pending_len++] = call;
	if (api->pending_len > api->most_pending)
		api->most_pending = api->pending_len;
	return call;
}

int api_list(struct api *api, const struct query *query, unsigned span, uint64_t offset,
	unsigned limit, const struct api_handlers *handlers, void *ctx,
	struct api_call **ret_call)
{
	struct api_call *call = call_new(api, handlers, ctx);

	assert_true(span < query->spans_len);
	assert_true(limit > 0);
	call->query = *query;
	call->span = span;
	call->offset = offset;
	call->limit = limit;
	api->lists++;
	*ret_call = call;
	return 0;
}

int api_get(struct api *api, const char *id, const struct api_handlers *handlers,
	void *ctx, struct api_call **ret_call)
{
	struct api_call *call = call_new(api, handlers, ctx);

	assert_true(*id);
	snprintf(call->id, sizeof(call->id), "%s", id);
	api->gets++;
	*ret_call = call;
	return 0;
}

int api_delete(struct api *api, const char *id, const struct api_handlers *handlers,
	void *ctx, struct api_call **ret_call)
{
	struct api_call *call = call_new(api, handlers, ctx);

	assert_true(*id);
	snprintf(call->id, sizeof(call->id), "%s", id);
	call->deletes = true;
	api->deletes++;
	*ret_call = call;
	return 0;
}

static void take_out(struct api_call *call)
{
	struct api *api = call->api;
	unsigned at = 0;

	while (at < api->pending_len && api->pending[at] != call)
		at++;
	assert_true(at < api->pending_len);
	api->pending_len--;
	memmove(api->pending + at, api->pending + at + 1,
		(api->pending_len - at) * sizeof(api->pending[0]));
}

void api_cancel(struct api_call *call)
{
	if (call->ending)
		return;
	call->api->cancelled++;
	take_out(call);
	free(call);
}

struct api_call *fake_call(struct api *api, unsigned number)
{
	assert_true(number < api->pending_len);
	return api->pending[number];
}

struct api_call *fake_call_for(struct api *api, const char *id)
{
	for (unsigned i = 0; i < api->pending_len; i++)
		if (strcmp(api->pending[i]->id, id) == 0)
			return api->pending[i];
	return NULL;
}

void api_on_reachability(struct api *api,
	void (*on_reach)(void *ctx, bool reached, const char *errmsg), void *ctx)
{
	api->on_reachability = on_reach;
	api->reachability_ctx = ctx;
}

void fake_reach(struct api *api, bool reached)
{
	if (api->on_reachability)
		api->on_reachability(
			api->reachability_ctx, reached, reached ? "" : "no connection");
}

static void end(
	struct api_call *call, int error, const struct api_page *page, const char *errmsg)
{
	take_out(call);
	call->ending = true;
	call->handlers->on_done(call->ctx, error, error ? NULL : page, errmsg);
	free(call);
}

void fake_fail(struct api_call *call, int error, const char *errmsg)
{
	fake_reach(call->api, error != -EHOSTUNREACH && error != -ETIMEDOUT);
	end(call, error, NULL, errmsg);
}

/* Facts of a job; all are unknown, except the file name and the translation. */
static void find_facts(const struct fake_job *job, struct job_facts *ret_facts)
{
	const char *filename = job->filename ? job->filename : "";
	const char *language = job->language ? job->language : "";
	char text[JOB_FACTS_TEXT_MAX] = "";
	size_t at = strlen(filename) + JOB_TRANSLATIONS;

	strcpy(text, filename);
	strcpy(text + at, language);
	assert_true(job_facts_load(text, at + strlen(language) + 1, ret_facts));
}

/* Writes a job's text, which the caller frees. Returns its length. */
static int make_text(const struct fake_job *job, char **ret_text)
{
	CLEANUP_FREE char *translation = NULL;
	const char *language = job->language;
	const char *said = job->transcript;

	if (language)
		assert_true(asprintf(&translation,
				    ",\"translation\":{\"results\":[{\"languages\":"
				    "[\"%s\"],\"full_transcript\":\"In %s.\"}]}",
				    language, language) >= 0);
	return asprintf(ret_text,
		"{\n  \"id\": \"%s\",\n  \"edition\": %u%s%s%s%s%s\n}\n", job->job.id,
		job->edition,
		said ? ",\n\"result\":{\"transcription\":{\"full_transcript\":\"" : "",
		said ? said : "", said ? "\"}" : "",
		said && translation ? translation : "", said ? "}" : "");
}

static int give(struct api_call *call, const struct fake_job *job)
{
	CLEANUP_FREE char *text = NULL;
	struct job_facts facts;
	int len = make_text(job, &text);

	assert_true(len > 0);
	find_facts(job, &facts);

	const struct api_item item = {
		.job = job->job,
		.text = text,
		.size = (size_t)len,
		.metadata = job->metadata,
		.metadata_len = job->metadata ? strlen(job->metadata) : 0,
		.facts = job->facts ? job->facts : &facts,
		.asked_ms = call->asked_ms,
		.summary = call->api->rules.summaries && !call->id[0] &&
			   job->job.status == JOB_DONE,
	};

	if (!call->handlers->on_item)
		return 0;
	return call->handlers->on_item(call->ctx, job->nameless ? NULL : &item);
}

bool fake_shows(
	const struct api *api, const struct api_call *call, const struct fake_job *job)
{
	struct span span = call->query.spans[call->span];
	int64_t created_ms = job->job.created_ms;
	unsigned statuses = call->query.statuses;

	if (!api->rules.ignores_statuses && statuses != QUERY_ALL_STATUSES &&
		!(statuses & 1u << job->job.status))
		return false;
	if (api->rules.ignores_dates)
		return true;
	if (api->rules.limits_inclusive && span.from_ms != INT64_MIN)
		span.from_ms--;
	if (api->rules.limits_inclusive && span.to_ms != INT64_MAX)
		span.to_ms++;
	if (created_ms == JOB_NO_TIME)
		return span.from_ms == INT64_MIN && span.to_ms == INT64_MAX;
	return created_ms >= span.from_ms && created_ms < span.to_ms;
}

static unsigned page_length(const struct api_call *call)
{
	const struct fake_rules *rules = &call->api->rules;
	unsigned limit = rules->gives_instead ? rules->gives_instead : call->limit;

	return rules->gives_at_most && limit > rules->gives_at_most ? rules->gives_at_most
								    : limit;
}

/* Contents of a page. */
struct given {
	unsigned places; /* positions in the account that the page covers */
	unsigned items;
	bool more; /* more jobs follow the page */
};

static int give_jobs(struct api_call *call, unsigned most, struct given *ret_given)
{
	struct api *api = call->api;
	uint64_t skip = call->offset;
	int err = 0;

	*ret_given = (struct given){0};
	for (unsigned i = 0; !err && i < api->jobs_len; i++) {
		const struct fake_job *job = &api->jobs[i];

		if (!fake_shows(api, call, job) || (skip && skip--))
			continue;
		if (ret_given->places == most) {
			ret_given->more = true;
			break;
		}
		ret_given->places++;
		if (job->hidden)
			continue;
		ret_given->items++;
		err = give(call, job);
	}
	return err;
}

static int give_invented(struct api_call *call, unsigned most, struct given *ret_given)
{
	struct fake_job job = {0};
	int err = 0;

	*ret_given = (struct given){.more = true};
	while (!err && ret_given->items < most &&
		call->api->rules.invent(call->api, call, ret_given->items, &job)) {
		ret_given->items++;
		err = give(call, &job);
		job = (struct fake_job){0};
	}
	ret_given->places = ret_given->items ? ret_given->items : most;
	return err;
}

/* Returns the kind of `next` that the page gets by the rules. */
static enum fake_next next_of(
	const struct fake_rules *rules, const struct given *given, unsigned most)
{
	bool full = given->places == most;

	if (rules->next_missing)
		return FAKE_MISSING;
	return given->more || (given->places && rules->next_until_empty) ||
			       (full && rules->next_after_full)
		       ? FAKE_ADVANCES
		       : FAKE_NULL;
}

static void answer_list(struct api_call *call)
{
	struct fake_rules *rules = &call->api->rules;
	unsigned most = page_length(call);
	struct given given = {.places = most};
	enum fake_next next = rules->empty_next;
	int err = 0;

	if (rules->refuses_above && call->limit > rules->refuses_above) {
		end(call, -EINVAL, NULL, "the limit is refused");
		return;
	}
	if (rules->empty) {
		rules->empty--;
	} else {
		err = rules->invent ? give_invented(call, most, &given)
				    : give_jobs(call, most, &given);
		next = next_of(rules, &given, most);
	}
	if (!err && !given.places && call->offset && rules->missing_past_end)
		err = -ENOENT;
	if (err) {
		end(call, err, NULL, "it could not be kept, or is not there");
		return;
	}

	const struct api_page page = {
		.items = given.items,
		.last = next == FAKE_NULL,
		.next = next == FAKE_ADVANCES ? call->offset + given.places : 0,
		.bytes = given.items * (rules->bytes_each ? rules->bytes_each : 1000),
		.elapsed_ms = rules->page_ms,
	};

	end(call, 0, &page, "");
}

static void answer_get(struct api_call *call)
{
	const struct fake_job *job = fake_find(call->api, call->id);
	int err = job ? give(call, job) : -ENOENT;

	end(call, err, NULL, err ? "it could not be kept, or is not there" : "");
}

static void answer_delete(struct api_call *call)
{
	const struct fake_job *job = fake_find(call->api, call->id);
	bool finished = job && job_finished(&job->job);
	int err = job ? -EBUSY : -ENOENT;
	const struct api_page page = {.status = 202};

	if (finished)
		fake_remove(call->api, call->id);
	end(call, finished ? 0 : err, &page, finished ? "" : "it is not to be deleted");
}

void fake_answer(struct api_call *call)
{
	fake_reach(call->api, true);
	if (call->deletes)
		answer_delete(call);
	else if (call->id[0])
		answer_get(call);
	else
		answer_list(call);
}

void fake_answer_all(struct api *api)
{
	for (unsigned now = api->pending_len; now && api->pending_len; now--)
		fake_answer(fake_call(api, 0));
}

void fake_settle(struct api *api)
{
	while (api->pending_len)
		fake_answer_all(api);
}

void fake_restart(struct api_call *call)
{
	struct given given;

	assert_int_equal(give_jobs(call, page_length(call) / 2, &given), 0);
	if (call->handlers->on_restart)
		call->handlers->on_restart(call->ctx);
}
